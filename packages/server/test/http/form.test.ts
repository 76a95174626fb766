import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { HttpError } from '../../src/errors.ts';
import { parseForm, requireForm } from '../../src/http/form.ts';
import { cpuOf } from '../support/cpu.ts';

function refused(act: () => unknown): HttpError {
  try {
    act();
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

describe('parseForm', () => {
  test.each([
    ['', {}],
    ['a=1', { a: '1' }],
    ['email=a%40example.org&password=p+w%2B%3D%26', { email: 'a@example.org', password: 'p w+=&' }],
    ['a=', { a: '' }],
    ['a=b=c', { a: 'b=c' }],
    ['n=%C3%A9%F0%9F%98%80', { n: 'é😀' }],
    ['n=é', { n: 'é' }],
    ['na+me=1', { 'na me': '1' }],
  ])('reads %j', (text, fields) => {
    expect({ ...parseForm(text) }).toEqual(fields);
  });

  it('H1: gives an object without a prototype', () => {
    expect(Object.getPrototypeOf(parseForm('a=1'))).toBeNull();
    expect('toString' in parseForm('')).toBe(false);
  });

  test.each([
    ['W8: a field twice', 'email=a&email=b', 'duplicate field name', 2],
    ['W8: a field twice, once encoded', 'email=a&%65mail=b', 'duplicate field name', 2],
    ['H1: __proto__', '__proto__=1', 'isn’t allowed', 1],
    ['H1: __proto__, encoded', 'a=1&%5F_proto__=1', 'isn’t allowed', 2],
    ['H1: constructor', 'constructor=1', 'isn’t allowed', 1],
    ['H1: prototype', 'prototype=1', 'isn’t allowed', 1],
    ['U4: NUL', 'a=x%00y', 'U+0000', 1],
    ['U4: NUL in a name', 'a%00=x', 'U+0000', 1],
    ['U5: an encoded surrogate', 'a=%ED%A0%80', 'percent-encoding', 1],
    ['U5: half of a pair', 'a=\ud800', 'surrogate', 1],
    ['T25: overlong', 'a=%C0%80', 'percent-encoding', 1],
    ['H18: Latin-1', 'a=%E9', 'percent-encoding', 1],
    ['a lone percent sign', 'a=100%', 'percent', 1],
    ['a wrong digit', 'a=%4g', 'percent', 1],
    ['a field without an equals sign', 'a=1&b', 'name=value', 2],
    ['an empty name', '=1', 'name=value', 1],
    ['an empty field', 'a=1&&b=2', 'name=value', 2],
    ['a final ampersand', 'a=1&', 'name=value', 2],
    ['H5: a long value', `a=1&b=${'x'.repeat(2001)}`, 'limit 2000', 2],
    ['H5: a long name', `${'x'.repeat(2001)}=1`, 'limit 2000', 1],
    ['H5: 33 fields', Array.from({ length: 33 }, (_, i) => `f${i}=1`).join('&'), 'limit 32', 33],
  ])('rejects %s', (_, text, reason, at) => {
    const httpError = refused(() => parseForm(text));
    expect(httpError).toMatchObject({ code: 'invalid_request', status: 400 });
    expect(httpError.message).toContain(reason);
    expect(httpError.message).toContain(`(at field ${at})`);
  });

  it('H5: accepts what is just within the limits', () => {
    const text = Array.from({ length: 32 }, (_, i) => `f${i}=${'x'.repeat(2000)}`).join('&');
    expect(Object.keys(parseForm(text))).toHaveLength(32);
  });

  it('H5, D8: takes time in proportion to 1 MB of anything', async () => {
    for (const part of ['&', '=', '%', '+', 'a', '%41', 'a=&']) {
      const text = `a=${part.repeat(1_000_000 / part.length)}`;
      const spent = await cpuOf(() => expect(refused(() => parseForm(text)).code).toBe('invalid_request'));
      expect(spent).toBeLessThan(500);
    }
  });

  it('reads back whatever a browser writes', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    const fields = fc.dictionary(name, fc.string({ unit: 'grapheme', maxLength: 40 }), {
      maxKeys: 32,
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(fields, (written) => {
        const isAllowed = (text: string) => text.isWellFormed() && !text.includes('\0');
        fc.pre(Object.entries(written).flat().every(isAllowed));
        fc.pre(!['__proto__', 'constructor', 'prototype'].some((banned) => Object.hasOwn(written, banned)));
        expect({ ...parseForm(new URLSearchParams(written).toString()) }).toEqual(written);
      }),
    );
  });

  it('rejects or reads, and never fails otherwise', () => {
    const part = fc.constantFrom('a', 'b', '=', '&', '%', '%4', '%41', '%ED%A0%80', '+', '\ud800', '\0', 'é');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        try {
          const fields = parseForm(text);
          expect({ ...fields }).toEqual(Object.fromEntries(new URLSearchParams(text)));
        } catch (error) {
          expect(error).toBeInstanceOf(HttpError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe('requireForm', () => {
  test.each([
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded; charset=UTF-8',
    'application/x-www-form-urlencoded;charset="utf-8"',
  ])('accepts %s', (type) => {
    expect(() => requireForm(new Headers({ 'content-type': type }))).not.toThrow();
  });

  test.each([
    '',
    'application/json',
    'text/plain',
    'multipart/form-data',
    'application/x-www-form-urlencoded;x',
    'application/x-www-form-urlencoded; charset=utf-16',
    'application/x-www-form-urlencoded, application/json',
  ])('C2: rejects %j', (type) => {
    expect(refused(() => requireForm(new Headers({ 'content-type': type }))).status).toBe(415);
  });

  it('rejects a missing type and a compressed body', () => {
    expect(refused(() => requireForm(new Headers())).status).toBe(415);
    const compressed = { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': 'gzip' };
    expect(refused(() => requireForm(new Headers(compressed))).status).toBe(415);
  });
});
