import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { HttpError } from '../../src/errors.ts';
import { readAuthorization } from '../../src/http/authorization.ts';
import { cpuOf } from '../support/cpu.ts';

const basic = (text: string | Uint8Array) => `Basic ${Buffer.from(text as string).toString('base64')}`;

function codeOf(header: string): string {
  try {
    readAuthorization(header);
  } catch (error) {
    if (error instanceof HttpError) return `${error.code} ${error.status}`;
    throw error;
  }
  return 'accepted';
}

describe('readAuthorization', () => {
  it('reads nothing where there is no header', () => {
    expect(readAuthorization(null)).toBeUndefined();
  });

  test.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('T32: reads the scheme %s, in any case', (scheme) => {
    expect(readAuthorization(`${scheme} abc.DEF-_~+/09==`)).toEqual({
      scheme: 'bearer',
      token: 'abc.DEF-_~+/09==',
    });
  });

  test.each([
    '',
    'Bearer',
    'Bearer ',
    'Bearer  ',
    'Bearer  abc',
    'Bearer\tabc',
    'Bearer \tabc',
    'Bearer\u00a0abc',
    ' Bearer abc',
    'Bearer abc ',
    'Bearer a b',
    'Bearer a, b',
    'Bearer abc, Basic YTpi',
    'Bearer abc,',
    'Bearer, abc',
    'Bearer: abc',
    'Bearer "abc"',
    'Bearer %61bc',
    'Bearer %',
    'Bearer abc\n',
    'Bearer é',
    'Bearer =',
    'Bearer a=b',
    'Bearer abc;def',
    'BearerX abc',
    'Bearerabc',
    'abc',
    'Basic',
    'Digest username="a"',
    'Negotiate YTpi',
    'Token abc',
    '__proto__ abc',
    `Bearer ${'a'.repeat(4097)}`,
    `Unknown ${'a'.repeat(16_000)}`,
  ])('T32: rejects %j', (header) => {
    expect(codeOf(header)).toBe('invalid_token 401');
  });

  it('T24: accepts 4,096 bytes, and looks at no more', async () => {
    expect(codeOf(`Bearer ${'a'.repeat(4096)}`)).toBe('accepted');
    // Were it looked at, it would be accepted or take long.
    for (const header of [`Bearer ${'a'.repeat(1_000_000)}`, `Basic ${'YTpi'.repeat(250_000)}`]) {
      const spent = await cpuOf(() => expect(codeOf(header)).not.toBe('accepted'));
      expect(spent).toBeLessThan(500);
    }
  });

  test.each([
    ['a name and a password', 'ann:secret', 'ann', 'secret'],
    ['a password with colons', 'ann:a:b::', 'ann', 'a:b::'],
    ['an empty name', ':secret', '', 'secret'],
    ['an empty password', 'ann:', 'ann', ''],
    ['both empty', ':', '', ''],
    ['UTF-8', 'änn@example.org:pässwörd😀', 'änn@example.org', 'pässwörd😀'],
    ['spaces, which stay', ' ann : x ', ' ann ', ' x '],
    ['a byte order mark, which stays', '\ufeffann:x', '\ufeffann', 'x'],
  ])('H13: reads Basic with %s', (_, text, name, password) => {
    expect(readAuthorization(basic(text))).toEqual({ scheme: 'basic', name, password });
  });

  test.each([
    ['no colon', basic('annsecret')],
    ['nothing', 'Basic '],
    ['nothing, in base64', basic('')],
    ['NUL', basic('ann:a\0b')],
    ['CR and LF', basic('ann\r\n:x')],
    ['a tab', basic('ann:a\tb')],
    ['DEL', basic('ann:a\u007f')],
    ['a C1 control character', basic('ann:a\u0085')],
    ['Latin-1', basic(Uint8Array.of(0x61, 0x3a, 0xe9))],
    ['overlong UTF-8', basic(Uint8Array.of(0x61, 0x3a, 0xc0, 0x80))],
    ['a UTF-8 surrogate', basic(Uint8Array.of(0x61, 0x3a, 0xed, 0xa0, 0x80))],
    ['two spaces', 'Basic  YTpi'],
    ['a space in it', 'Basic YT pi'],
    ['a space after it', 'Basic YTpi '],
    ['no padding', 'Basic YTpiYw'],
    ['too little padding', 'Basic YTpiYw='],
    ['too much padding', 'Basic YTpi===='],
    ['padding in the middle', 'Basic YTo=YTpi'],
    ['bits that are not zero at its end', 'Basic YTpiYx=='],
    ['base64url', 'Basic YTo_Pz8-'],
    ['characters that are not base64', 'Basic YTpi!'],
    ['a comma list', 'Basic YTpi, Bearer abc'],
    ['percent signs', 'Basic YTpi%3D'],
    ['8 kB', basic(`ann:${'x'.repeat(8192)}`)],
    ['4,100 bytes', basic(`ann:${'x'.repeat(3071)}`)],
  ])('H13: rejects Basic with %s', (_, header) => {
    expect(codeOf(header)).toBe('invalid_credentials 401');
  });

  it('H13: accepts Basic of 4,096 bytes', () => {
    const header = basic(`ann:${'x'.repeat(3068)}`);
    expect(header).toHaveLength('Basic '.length + 4096);
    expect(codeOf(header)).toBe('accepted');
  });

  it('H13: says of every malformed Basic header the same sentence as of a wrong password', () => {
    for (const header of [basic('annsecret'), 'Basic !', basic('a:\0')])
      expect(() => readAuthorization(header)).toThrow(/^invalid credentials!$/);
  });

  it('reads back whatever name and password a client writes', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((s) => !/\p{Cc}/u.test(s));
    fc.assert(
      fc.property(text, text, (left, password) => {
        const name = left.replaceAll(':', '');
        expect(readAuthorization(basic(`${name}:${password}`))).toEqual({ scheme: 'basic', name, password });
      }),
    );
  });

  it('reads one spelling of a header alone, and never fails otherwise', () => {
    const part = fc.constantFrom('Bearer', 'Basic', ' ', '\t', ',', '=', 'YTpi', 'Yw==', '%', '\0', 'é');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const header = parts.join('');
        let read: ReturnType<typeof readAuthorization>;
        try {
          read = readAuthorization(header);
        } catch (error) {
          expect(error).toBeInstanceOf(HttpError);
          return;
        }
        const written =
          read?.scheme === 'bearer' ? `Bearer ${read.token}` : basic(`${read?.name}:${read?.password}`);
        expect(header).toBe(written);
      }),
      { numRuns: 10_000 },
    );
  });
});
