import { describe, expect, it, test } from 'vitest';
import { corsHeaders, preflight, rejectCrossSite } from '../../src/http/origin.ts';

const own = 'https://accounts.example.org';
const friend = 'https://app.example.org';
const ownOrigins = new Set([own]);
const allowedOrigins = new Set([friend]);

function write(origin: string | null, site: string | null, cookieUsed: boolean): string {
  const headers = new Headers();
  if (origin !== null) headers.set('origin', origin);
  if (site !== null) headers.set('sec-fetch-site', site);
  try {
    rejectCrossSite({ headers, cookieUsed, ownOrigins, allowedOrigins });
    return 'fine';
  } catch (error) {
    expect(error).toMatchObject({ name: 'HttpError', code: 'cross_site_request', status: 403 });
    return 'refused';
  }
}

/** How browsers and others could write something like our own origin. None of it is our own origin. */
const lookAlikes = [
  'null',
  '',
  'https://evil.example',
  'http://accounts.example.org',
  'https://accounts.example.org.',
  'https://accounts.example.org/',
  'https://accounts.example.org:443',
  'https://accounts.example.org:8443',
  'https://ACCOUNTS.example.org',
  'HTTPS://accounts.example.org',
  'https://user@accounts.example.org',
  'https://accounts.example.org@evil.example',
  'https://accounts.example.org.evil.example',
  'https://evil-accounts.example.org',
  'https://x.accounts.example.org',
  'https://example.org',
  'accounts.example.org',
  'https://accounts.example.org, https://accounts.example.org',
  'https://accounts.example.org https://evil.example',
  'https://accounts.example.or',
];

describe('refuseCrossSite', () => {
  test.each([
    [own, 'same-origin'],
    [own, 'none'],
    [own, null],
    [null, 'same-origin'],
    [null, 'none'],
    [friend, 'same-site'],
    [friend, 'cross-site'],
    [friend, null],
  ])('lets Origin %s with Sec-Fetch-Site %s pass', (origin, site) => {
    expect(write(origin, site, true)).toBe('fine');
    expect(write(origin, site, false)).toBe('fine');
  });

  test.each([
    ['C1: another site', 'https://evil.example', 'cross-site'],
    ['C1: another site without an Origin', null, 'cross-site'],
    ['C5: a sibling subdomain', 'https://blog.example.org', 'same-site'],
    ['C5: a sibling subdomain without an Origin', null, 'same-site'],
    ['C5: our origin and same-site do not agree', own, 'same-site'],
    ['C1: our origin and cross-site do not agree', own, 'cross-site'],
    ['an allowed origin and same-origin do not agree', friend, 'same-origin'],
    ['an allowed origin and none do not agree', friend, 'none'],
    ['C9: a sandboxed frame that says same-origin', 'null', 'same-origin'],
    ['another origin that says same-origin', 'https://evil.example', 'same-origin'],
    ['an unknown Sec-Fetch-Site', own, 'nearby'],
    ['an empty Sec-Fetch-Site', own, ''],
    ['another case', own, 'Same-Origin'],
    ['two Sec-Fetch-Sites', own, 'same-origin, cross-site'],
    ['an unknown Sec-Fetch-Site alone', null, 'nearby'],
  ])('C1, C6: rejects with a cookie and without: %s', (_, origin, site) => {
    expect(write(origin, site, true)).toBe('refused');
    expect(write(origin, site, false)).toBe('refused');
  });

  test.each(lookAlikes)('C9: rejects Origin %j, whatever else is said', (origin) => {
    for (const site of [null, 'same-origin', 'none', 'same-site', 'cross-site'])
      for (const cookieUsed of [true, false]) expect(write(origin, site, cookieUsed)).toBe('refused');
  });

  it('C8: rejects a cookie without either header; a program without a cookie is fine', () => {
    expect(write(null, null, true)).toBe('refused');
    expect(write(null, null, false)).toBe('fine');
  });

  it('C9: rejects Origin null even where it was allowed by mistake', () => {
    const headers = new Headers({ origin: 'null' });
    const write = { headers, cookieUsed: false, ownOrigins, allowedOrigins: new Set(['null']) };
    expect(() => rejectCrossSite(write)).toThrow(expect.objectContaining({ code: 'cross_site_request' }));
  });
});

describe('corsHeaders', () => {
  it('lets the pages of an allowed origin read, with the cookie', () => {
    expect(corsHeaders(friend, allowedOrigins)).toEqual({
      'access-control-allow-origin': friend,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'Retry-After',
    });
  });

  const refused = lookAlikes.map((origin) => origin.replaceAll('accounts', 'app'));
  test.each([null, '*', 'https://app.example.org.evil.example', 'http://app.example.org', ...refused])(
    'C10: says nothing to %j',
    (origin) => {
      expect(corsHeaders(origin, allowedOrigins)).toEqual({});
      expect(corsHeaders(origin, new Set())).toEqual({});
      expect(preflight(origin, allowedOrigins, ['GET', 'POST'])).toEqual({});
    },
  );

  it('C10: says nothing to null even where it was allowed by mistake', () => {
    expect(corsHeaders('null', new Set(['null']))).toEqual({});
  });
});

describe('preflight', () => {
  it('names the methods of the path and the headers that the API reads', () => {
    expect(preflight(friend, allowedOrigins, ['GET', 'DELETE'])).toEqual({
      'access-control-allow-origin': friend,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'Retry-After',
      'access-control-allow-methods': 'GET, DELETE',
      'access-control-allow-headers': 'Authorization, Content-Type',
      'access-control-max-age': '600',
    });
  });
});
