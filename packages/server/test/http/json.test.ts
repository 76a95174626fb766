import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { HttpError } from '../../src/errors.ts';
import { parseJson } from '../../src/http/json.ts';
import { cpuOf } from '../support/cpu.ts';

/** The refusal that an act ends in; what else it throws is a bug, so it is thrown on. */
function refused(act: () => unknown): HttpError {
  try {
    act();
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const members = (count: number) => `{${Array.from({ length: count }, (_, i) => `"m${i}":1`).join(',')}}`;
const elements = (count: number) => `[${Array(count).fill('1').join(',')}]`;

describe('parseJson', () => {
  test.each([
    ['{"email":"a@example.org","password":"x"}', { email: 'a@example.org', password: 'x' }],
    [' \t\r\n[ 1 , -0.5e+3 , true , false , null , {} , [] ] ', [1, -500, true, false, null, {}, []]],
    ['"\\u00e9 \\ud83d\\ude00 \\"\\\\\\/\\b\\f\\n\\r\\t"', 'é 😀 "\\/\b\f\n\r\t'],
    ['"\u2028\u007f"', '\u2028\u007f'],
    [deep(8), [[[[[[[[]]]]]]]]],
    ['{"a":{"x":1},"b":{"x":1}}', { a: { x: 1 }, b: { x: 1 } }],
  ])('reads %s', (text, value) => {
    expect(parseJson(text)).toEqual(value);
  });

  test.each([
    ['H2: a member twice', '{"a":1,"a":2}', 'duplicate property', 8],
    ['H2: a member twice, once escaped', '{"\\u0061":1,"a":2}', 'duplicate property', 13],
    ['H2: a member twice, once escaped the other way', '{"a":1,"\\u0061":2}', 'duplicate property', 8],
    ['H2: a member twice further down', '{"x":[{"b":1,"b":1}]}', 'duplicate property', 14],
    ['H2: a member twice around an object', '{"a":{"x":1},"b":2,"a":1}', 'duplicate property', 20],
    ['H2: the empty name twice', '{"":1,"":2}', 'duplicate property', 7],
    ['H4: nine levels of arrays', deep(9), 'nested too deeply', 9],
    ['H4: nine levels of objects', `${'{"a":'.repeat(9)}1${'}'.repeat(9)}`, 'nested too deeply', 41],
    ['H5: 33 members', members(33), 'too many properties', undefined],
    ['H5: 101 elements', elements(101), 'too many array items', undefined],
    ['H5: a long text', `["${'x'.repeat(2001)}"]`, 'string too long (limit 2000)', 2],
    ['H5: a long member name', `{"${'x'.repeat(2001)}":1}`, 'string too long (limit 2000)', 2],
    ['H1: __proto__', '{"__proto__":{"admin":true}}', 'not allowed', 2],
    ['H1: __proto__, escaped', '{"\\u005f_proto__":1}', 'not allowed', 2],
    ['H1: constructor', '{"a":{"constructor":{"prototype":{}}}}', 'not allowed', 7],
    ['H1: prototype', '{"prototype":1}', 'not allowed', 2],
    ['U4: an escaped NUL', '"a\\u0000b"', 'U+0000', 1],
    ['U4: an escaped NUL in a name', '{"\\u0000":1}', 'U+0000', 2],
    ['U5: half of a pair', '"\\ud800"', 'surrogate', 1],
    ['U5: a pair the wrong way around', '"\\ude00\\ud83d"', 'surrogate', 1],
    ['U5: half of a pair in a name', '{"\\udfff":1}', 'surrogate', 2],
    ['T14: a number that JavaScript reads as Infinity', '{"exp":1e400}', 'number', 8],
    ['T14: the same below zero', '-1e999', 'number', 1],
    ['a raw control character', '"a\nb"', 'string', 1],
    ['a raw NUL', '"a\0b"', 'string', 1],
    ['an unknown escape', '"\\x41"', 'string', 1],
    ['a short escape', '"\\u12"', 'string', 1],
    ['a string without an end', '["abc', 'string', 2],
    ['single quotes', "{'a':1}", 'property name', 2],
    ['a comma too many in an object', '{"a":1,}', 'property name', 8],
    ['a comma too many in an array', '[1,]', 'expected a value', 4],
    ['a missing colon', '{"a" 1}', 'expected ":"', 6],
    ['a missing brace', '{"a":1', 'or "}"', 7],
    ['a missing bracket', '[1 2]', 'or "]"', 4],
    ['nothing', '', 'expected a value', 1],
    ['white space alone', ' \n', 'expected a value', 3],
    ['two values', '{} {}', 'unexpected content', 4],
    ['a leading zero', '01', 'unexpected content', 2],
    ['NaN', 'NaN', 'expected a value', 1],
    ['a comment', '/* */1', 'expected a value', 1],
    ['white space that is not of JSON', '\u00a01', 'expected a value', 1],
    ['H18: a byte order mark', '\ufeff{}', 'expected a value', 1],
  ])('rejects %s', (_, text, reason, at) => {
    const httpError = refused(() => parseJson(text));
    expect(httpError.code).toBe('invalid_json');
    expect(httpError.status).toBe(400);
    expect(httpError.message).toContain(reason);
    if (at !== undefined) expect(httpError.message).toContain(`(at character ${at})`);
  });

  it('H5: accepts what is just within the limits', () => {
    expect(Object.keys(parseJson(members(32)) as object)).toHaveLength(32);
    expect(parseJson(elements(100))).toHaveLength(100);
    expect(parseJson(`"${'x'.repeat(2000)}"`)).toHaveLength(2000);
  });

  it('H4: looks no further than the ninth of 200,000 levels', async () => {
    for (const [text, at] of [
      [deep(200_000), 9],
      ['['.repeat(200_000), 9],
      ['{"a":'.repeat(200_000), 41],
    ] as const) {
      const spent = await cpuOf(() =>
        expect(refused(() => parseJson(text)).message).toContain(
          `nested too deeply (limit 8) (at character ${at})`,
        ),
      );
      expect(spent).toBeLessThan(500);
    }
  });

  it('H5, D8: takes time in proportion to 1 MB of anything, not to its square', async () => {
    const texts = ['"', '\\', '"\\', '\\n', '\\u0061', ' ', 'x', '1', '0', '{', '"a":', ',', 'e+'];
    for (const part of texts) {
      for (const start of ['', '"', '["', '{"a":"', '-', '1e']) {
        const text = start + part.repeat(1_000_000 / part.length);
        const spent = await cpuOf(() => {
          if (`${start}${part}` === '1e0') expect(parseJson(text)).toBe(1);
          else expect(refused(() => parseJson(text)).code).toBe('invalid_json');
        });
        expect(spent).toBeLessThan(500);
      }
    }
  });

  it('quotes nothing of the text: it may hold a password', () => {
    for (const text of ['{"password":"hunter2" x', '{"hunter2":1,"hunter2":2}', '"hunter2']) {
      expect(refused(() => parseJson(text)).message).not.toContain('hunter2');
    }
  });

  it('agrees with JSON.parse on everything it accepts, and accepts all of it within the limits', () => {
    const json = fc.json({ maxDepth: 6, depthSize: 'small' });
    fc.assert(
      fc.property(json, (text) => {
        let value: unknown;
        try {
          value = parseJson(text);
        } catch (error) {
          // Of what fast-check writes, only these names and U+0000 are not acceptable here.
          expect((error as HttpError).message).toMatch(/not allowed|U\+0000|surrogate|duplicate/);
          return;
        }
        expect(value).toStrictEqual(JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts nothing that JSON.parse rejects, near JSON and far from it', () => {
    const parts = fc.constantFrom(
      ...'{}[]:,"\\ \n\u0001-+.eE01a/u'.split(''),
      '"a"',
      '"b":',
      'true',
      'null',
      '\\u0061',
      '1e9',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), (array) => {
        const text = array.join('');
        let accepted = true;
        try {
          parseJson(text);
        } catch (error) {
          expect(error).toBeInstanceOf(HttpError);
          accepted = false;
        }
        if (accepted) expect(() => JSON.parse(text)).not.toThrow();
      }),
      { numRuns: 20_000 },
    );
  });

  it('rejects exactly the documents in which JSON.parse drops a member', () => {
    const name = fc.constantFrom('"a"', '"b"', '"\\u0061"', '"\\u0062"', '"A"');
    fc.assert(
      fc.property(fc.array(name, { maxLength: 5 }), (names) => {
        const text = `[{"x":{${names.map((n) => `${n}:0`).join(',')}}}]`;
        const [kept] = JSON.parse(text) as [{ x: object }];
        const isLossy = Object.keys(kept.x).length < names.length;
        if (isLossy) expect(refused(() => parseJson(text)).message).toContain('duplicate property');
        else expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });
});
