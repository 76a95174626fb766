import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHash, standInFor } from '../../src/platform/hashes/families.ts';
import { costOf, isBounded, type Recipe } from '../../src/platform/hashes/recipe.ts';
import { verifyHash } from '../../src/platform/hashes/verify.ts';
import { hashVectors as vectors } from './hash-vectors.ts';

function recipeOf(hash: string): Recipe {
  const read = readHash(hash);
  if (!read) throw new Error(`Not read: ${hash}`);
  return read.recipe;
}

const one = (family: string) => vectors.find((vector) => vector.family === family)?.hash ?? '';

describe('a hash of another program', () => {
  it.each(vectors)('$family: verifies what was made elsewhere ($source)', ({ family, password, hash }) => {
    const read = readHash(hash);
    expect(read?.family).toBe(family);
    expect(verifyHash(recipeOf(hash), password)).toBe(true);
    expect(isBounded(recipeOf(hash))).toBe(true);
  });

  const oneEach = [...new Map(vectors.toReversed().map((vector) => [vector.family, vector])).values()];
  it.each(oneEach)('$family: verifies no other password', ({ password, hash }) => {
    const recipe = recipeOf(hash);
    for (const other of [`x${password}`, 'x']) expect(verifyHash(recipe, other)).toBe(false);
  });

  it('U8: bcrypt takes no NUL, which would make one password good for many', () => {
    const abc = recipeOf('$2a$10$WvvTPHKwdBJ3uk0Z37EMR.hLA2W6N9AEBhEgrAOljy2Ae5MtaSIUi');
    for (const other of ['abc\0abc', 'abc\0', 'abc\0x', '\0abc']) expect(verifyHash(abc, other)).toBe(false);
  });

  it('reads over what some programs wrote into the last bits of a bcrypt salt', () => {
    const hash = '$2a$05$c92SVSfjeiCD6F2nAD6y0uBpJDjdRkt0EgeC4/31Rf2LUZbDRDE.O';
    const spelled = `${hash.slice(0, 28)}v${hash.slice(29)}`;
    expect(verifyHash(recipeOf(spelled), 'U*U*U*U*')).toBe(true);
  });
});

describe('U9: what is not read', () => {
  const bcrypt = one('bcrypt');
  it.each([
    ['nothing', ''],
    ['an unusable one of Django', '!'],
    ['another', '!9wa845vn7098ythaehasldkfj'],
    ['bare MD5', '88a434c88cca4e900f7874cd98123f43'],
    ['MD5 of Django', 'md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3'],
    ['SHA-1 of Django', 'sha1$seasalt$cff36ea83f5706ce9aa7454e63e431fc726b2dc8'],
    ['PBKDF2 with SHA-1', 'pbkdf2_sha1$10000$wz5B6WkasRoF$atJmJ1o+XfJxKq1+Nu1f1i57Z5I='],
    ['MD5-crypt', '$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/'],
    ['plain text', 'correct horse battery staple'],
    ['U8: $2$', bcrypt.replace('$2a$', '$2$')],
    ['U8: $2x$', bcrypt.replace('$2a$', '$2x$')],
    ['bcrypt of cost 3', bcrypt.replace('$05$', '$03$')],
    ['bcrypt of cost +4', bcrypt.replace('$05$', '$+4$')],
    ['bcrypt with bits left over', `${bcrypt.slice(0, -1)}P`],
    ['bcrypt cut short', bcrypt.slice(0, -1)],
    ['bcrypt with something behind it', `${bcrypt}\n`],
    ['no salt', one('werkzeug-pbkdf2').replace(/\$\w+\$/, '$$')],
    ['a longer salt with a $ in it', one('werkzeug-pbkdf2').replace('YH2U', 'YH$2U')],
    ['another length of key', one('werkzeug-pbkdf2').slice(0, -2)],
    ['capital letters in hex', one('werkzeug-scrypt').replace('4df8a', '4DF8A')],
    ['a zero before a number', one('django-pbkdf2').replace('$390000', '$0390000')],
    ['base64 with bits left over', one('django-pbkdf2').replace('o7c=', 'o7d=')],
    ['base64 without its padding', one('django-pbkdf2').replace('=', '')],
    ['N that is no power of two', one('werkzeug-scrypt').replace('32768', '32767')],
    ['scrypt without p', one('scrypt').replace(',p=16', '')],
    [
      'the first form of bcrypt-sha256',
      '$bcrypt-sha256$2b,5$X1g1nh3g0v4h6970O68cxe$021KLEif6epjot5yoxk0m8I0929ohEa',
    ],
    ['argon2id in a version that it never had', one('argon2').replace('v=19', 'v=16')],
    ['600 characters', `pbkdf2:sha256:1000$${'s'.repeat(600)}$${'a'.repeat(64)}`],
  ])('%s', (_, stored) => {
    expect(readHash(stored)).toBeUndefined();
    expect(standInFor(stored)).toBeUndefined();
  });

  it('any other text', () => {
    const like = vectors.map(({ hash }) => hash);
    const changed = fc
      .tuple(fc.constantFrom(...like), fc.nat(), fc.string({ unit: 'binary', maxLength: 3 }))
      .map(([hash, at, put]) => hash.slice(0, at % hash.length) + put + hash.slice((at % hash.length) + 1));
    fc.assert(
      fc.property(fc.oneof(fc.string(), changed), (stored) => {
        const read = readHash(stored);
        // What is still a hash is one in its whole length, and tells what it costs.
        if (read) expect(costOf(read.recipe).units).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('U10: hostile parameters', () => {
  it.each([
    ['argon2 with 4 GiB', one('argon2').replace('m=256', 'm=4194304')],
    ['argon2 with 257 MiB', one('argon2').replace('m=256', 'm=263168')],
    ['argon2 with 10^9 passes', one('argon2').replace('t=2', 't=1000000000')],
    ['argon2 with 99 passes over 256 MiB', one('argon2').replace('m=256,t=2', 'm=262144,t=99')],
    ['bcrypt of cost 31', one('bcrypt').replace('$05$', '$31$')],
    ['bcrypt of cost 15', one('bcrypt').replace('$05$', '$15$')],
    ['10^9 iterations', one('django-pbkdf2').replace('390000', '1000000000')],
    ['7 million iterations', one('django-pbkdf2').replace('390000', '7000000')],
    [
      '2.5 million of SHA-512',
      one('passlib-pbkdf2').replace('pbkdf2-sha256$1212$', 'pbkdf2-sha256$9999999$'),
    ],
    ['scrypt with N = 2^30', one('scrypt').replace('ln=10', 'ln=30')],
    ['scrypt with r = 99', one('scrypt').replace('ln=10,r=8', 'ln=18,r=99')],
    ['scrypt with p = 99', one('scrypt').replace('ln=10,r=8,p=16', 'ln=16,r=8,p=99')],
    ['scrypt of werkzeug with N = 2^26', one('werkzeug-scrypt').replace('32768', '67108864')],
    ['Firebase with mem_cost 30', one('firebase-scrypt').replace('ln=14', 'ln=30')],
  ])('%s are not followed', (_, stored) => {
    const recipe = readHash(stored)?.recipe;
    expect(recipe !== undefined && isBounded(recipe)).toBe(false);
  });

  it.each([
    ['bcrypt of cost 14', one('bcrypt').replace('$05$', '$14$')],
    ['1.5 million iterations', one('django-pbkdf2').replace('390000', '1500000')],
    ['the strongest scrypt of OWASP', one('scrypt').replace('ln=10,r=8,p=16', 'ln=17,r=8,p=1')],
    ['argon2 of 256 MiB and 3 passes', one('argon2').replace('m=256,t=2', 'm=262144,t=3')],
  ])('what is in use is: %s', (_, stored) => {
    expect(isBounded(recipeOf(stored))).toBe(true);
  });
});

describe('a stand-in', () => {
  it.each(vectors)('of $family costs as much, and says nothing of the hash', ({ family, hash }) => {
    const standIn = standInFor(hash) ?? '';
    expect(readHash(standIn)?.family).toBe(family);
    expect(costOf(recipeOf(standIn))).toEqual(costOf(recipeOf(hash)));
    expect(standInFor(standIn)).toBe(standIn);
    for (const part of hash.split('$').filter((part) => part.length > 16 && !part.includes(':')))
      expect(standIn).not.toContain(part);
  });
});
