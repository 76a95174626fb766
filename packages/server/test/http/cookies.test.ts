import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { readCookie, serializeCookie, unsetCookie } from '../../src/http/cookies.ts';
import { cpuOf } from '../support/cpu.ts';

const name = '__Host-usher';

describe('readCookie', () => {
  test.each([
    ['alone', '__Host-usher=t', 't'],
    ['first', '__Host-usher=t; a=b', 't'],
    ['last', 'a=b; __Host-usher=t', 't'],
    ['without a space', 'a=b;__Host-usher=t;c=d', 't'],
    ['with SP and HTAB around it', ' \t__Host-usher=t \t; a=b', 't'],
    ['with an equals sign in the value', '__Host-usher=a=b', 'a=b'],
    ['empty', '__Host-usher=', ''],
    ['empty, then another', '__Host-usher= ; a=b', ''],
    ['beside its name as a value', 'a=__Host-usher; __Host-usher=t', 't'],
    ['H10: quoted: the quotes are a part of it', '__Host-usher="t"', '"t"'],
    ['H10: beside $Version', '$Version=1; __Host-usher=t; $Path=/', 't'],
    ['H10: beside a quoted semicolon, which separates', 'a="b; __Host-usher=t', 't'],
    ['H10: beside an empty name', '=x; __Host-usher=t', 't'],
    ['H10: with a Unicode space in the value, which stays', '__Host-usher=\u00a0t\u00a0', '\u00a0t\u00a0'],
    ['H10: among 200', `${'a=b; '.repeat(200)}__Host-usher=t`, 't'],
  ])('reads our cookie %s', (_, header, value) => {
    expect(readCookie(header, name)).toBe(value);
  });

  test.each([
    ['there is no header', null],
    ['the header is empty', ''],
    ['there are others only', 'a=b; c=d'],
    ['O5: the case differs', '__HOST-usher=t'],
    ['O5: the case differs in another place', '__Host-Usher=t'],
    ['O5: a no-break space stands before it', 'a=b; \u00a0__Host-usher=t'],
    ['O5: an ideographic space stands before it', 'a=b; \u3000__Host-usher=t'],
    ['O5: a next-line character stands before it', '\u0085__Host-usher=t'],
    ['O5: the bytes of a UTF-8 space stand before it', 'a=b; \u00e2\u0080\u0080__Host-usher=t'],
    ['O5: a vertical tab stands before it', 'a=b; \v__Host-usher=t'],
    ['O5: a comma stands before it', '$Version=1, __Host-usher=t'],
    ['O4: the name lacks the prefix', 'usher=t'],
    ['the name ends differently', '__Host-usher2=t'],
    ['the name begins differently', 'x__Host-usher=t'],
    ['the name is in quotes', '"__Host-usher"=t'],
    ['a space stands before the equals sign', '__Host-usher =t'],
    ['H10: it is the value of an empty name', '=__Host-usher=t'],
    ['it is in a value', 'a=__Host-usher=t'],
    ['it has no equals sign', '__Host-usher; a=b'],
    ['it has no equals sign at the end', 'a=b; __Host-usher'],
  ])('reads nothing where %s', (_, header) => {
    expect(readCookie(header, name)).toBeUndefined();
  });

  it('O4: does not take the prefixed name for the plain one', () => {
    expect(readCookie('__Host-usher=t', 'usher')).toBeUndefined();
    expect(readCookie('__Host-usher=t; usher=u', 'usher')).toBe('u');
  });

  test.each([
    ['different ones', '__Host-usher=a; __Host-usher=b'],
    ['equal ones', '__Host-usher=a;__Host-usher=a'],
    ['an empty one and another', '__Host-usher=; a=b; __Host-usher=b'],
    ['one after a quoted semicolon', '__Host-usher="x; __Host-usher=b"'],
    ['among 200', `__Host-usher=a; ${'a=b; '.repeat(200)}__Host-usher=b`],
  ])('H10: two session cookies are rejected: %s', (_, header) => {
    expect(() => readCookie(header, name)).toThrow(
      expect.objectContaining({ name: 'HttpError', code: 'duplicate_cookie', status: 400 }),
    );
  });

  it('H10, D8: takes time in proportion to 100 kB of anything', async () => {
    const parts = [' ', '\t', ';', '=', '__Host-usher', ' __Host-usher=', '__Host-', 'a=b; ', '"', '_'];
    for (const part of parts) {
      for (const end of ['', '__Host-usher=t', '; __Host-usher=t', '__Host-usher']) {
        const header = part.repeat(100_000 / part.length) + end;
        const spent = await cpuOf(() => {
          try {
            readCookie(header, name);
          } catch (error) {
            expect(error).toMatchObject({ code: 'duplicate_cookie' });
          }
        });
        expect(spent).toBeLessThan(500);
      }
    }
  });

  it('agrees with RFC 6265 section 5.4, read slowly', () => {
    const part = fc.constantFrom('n', 'm', 'nn', '=', ';', '; ', ' ', '\t', '"', '\u00a0', 'x');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
        const header = parts.join('');
        const pairs = header.split(';').map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''));
        const ours = pairs.filter((pair) => pair.startsWith('n='));
        if (ours.length > 1) expect(() => readCookie(header, 'n')).toThrow();
        else expect(readCookie(header, 'n')).toBe(ours[0]?.slice(2));
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('serializeCookie', () => {
  it('writes a cookie that scripts cannot read', () => {
    expect(serializeCookie(name, 'a.b-c_d', { maxAge: 600, secure: true })).toBe(
      '__Host-usher=a.b-c_d; Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure',
    );
    expect(serializeCookie('usher', 't', { maxAge: 0, secure: false })).toBe(
      'usher=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=0',
    );
    expect(serializeCookie('flow', 't', { maxAge: 60, secure: true, path: '/reset-password' })).toBe(
      'flow=t; Path=/reset-password; HttpOnly; SameSite=Lax; Max-Age=60; Secure',
    );
  });

  test.each([
    'a\r\nSet-Cookie: x=y',
    'a\n',
    'a\0',
    'a;b',
    'a b',
    'a,b',
    'a"b',
    'a\\b',
    'é',
    '\u010d\u010a',
    '\u007f',
  ])('H12: rejects the value %j', (value) => {
    expect(() => serializeCookie('usher', value, { maxAge: 1, secure: true })).toThrow('Invalid value');
  });

  test.each(['', 'a b', 'a=b', 'a;b', 'a\r\n', 'a\n', 'é', '"a"', 'a/b'])(
    'H12: rejects the name %j',
    (wrong) => {
      expect(() => serializeCookie(wrong, 'v', { maxAge: 1, secure: true })).toThrow('Invalid cookie name');
      expect(() => unsetCookie(wrong, { secure: true })).toThrow('Invalid cookie name');
    },
  );

  test.each(['', 'a', '/a;b', '/a\r\n', '/a b', '/é'])('H12: rejects the path %j', (path) => {
    expect(() => serializeCookie('usher', 'v', { maxAge: 1, secure: true, path })).toThrow('Invalid path');
    expect(() => unsetCookie('usher', { secure: true, path })).toThrow('Invalid path');
  });

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('rejects Max-Age %d', (maxAge) => {
    expect(() => serializeCookie('usher', 'v', { maxAge, secure: true })).toThrow('Max-Age');
  });

  it('rejects what browsers would drop in silence', () => {
    expect(() => serializeCookie(name, 'v', { maxAge: 1, secure: false })).toThrow('requires Secure');
    expect(() => serializeCookie(name, 'v', { maxAge: 1, secure: true, path: '/a' })).toThrow(
      'requires Secure',
    );
    expect(() => serializeCookie('usher', 'v'.repeat(4096), { maxAge: 1, secure: true })).toThrow(
      'too large',
    );
    expect(serializeCookie('usher', 'v'.repeat(4091), { maxAge: 1, secure: true })).toContain('vvv');
  });

  it('unsets with the attributes the cookie was set with', () => {
    expect(unsetCookie(name, { secure: true })).toBe(
      '__Host-usher=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure',
    );
    expect(unsetCookie('usher', { secure: false, path: '/a' })).toBe(
      'usher=; Path=/a; HttpOnly; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    );
  });

  it('H12: never writes CR, LF, NUL or an attribute of the caller; what it writes is read back', () => {
    const char = fc.constantFrom(...'abc.-_~!"\\,; =\r\n\0\té\u010a'.split(''));
    const text = fc.string({ unit: char, maxLength: 6 });
    fc.assert(
      fc.property(text, text, text, fc.nat(), fc.boolean(), (key, value, path, maxAge, secure) => {
        let header: string;
        try {
          header = serializeCookie(key, value, { maxAge, secure, path: `/${path}` });
        } catch {
          return;
        }
        expect(header).toMatch(/^[ -~]+$/);
        expect(header.split(';')).toHaveLength(secure ? 6 : 5);
        expect(readCookie(header.slice(0, header.indexOf(';')), key)).toBe(value);
      }),
      { numRuns: 5000 },
    );
  });
});
