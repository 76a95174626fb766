import { createCipheriv, createHash, createHmac, pbkdf2Sync, scryptSync, timingSafeEqual } from 'node:crypto';
import { verifySync as verifyArgon2 } from '@node-rs/argon2';
import { verifySync as verifyBcrypt } from '@node-rs/bcrypt';
import type { Bcrypt, Recipe, Scrypt } from './recipe.ts';

/** Whether the password is the one that a hash was made of. Takes as long as the hash says: only for a thread of its own. */
export function fits(recipe: Recipe, password: string): boolean {
  switch (recipe.kind) {
    case 'argon2':
      return verifyArgon2(recipe.phc, password);
    case 'bcrypt':
      return fitsBcrypt(recipe, password);
    case 'pbkdf2': {
      const { salt, iterations, digest, key } = recipe;
      return timingSafeEqual(pbkdf2Sync(password, salt, iterations, key.length, digest), key);
    }
    case 'scrypt':
      return timingSafeEqual(scryptKey(recipe, password), recipe.key);
  }
}

function fitsBcrypt({ crypt, first }: Bcrypt, password: string): boolean {
  if (first === 'sha256 in hex')
    return verifyBcrypt(createHash('sha256').update(password).digest('hex'), crypt);
  if (first)
    return verifyBcrypt(createHmac('sha256', first.hmacKey).update(password).digest('base64'), crypt);
  // bcrypt repeats a password with a NUL between: `abc` would be good for `abc\0abc` as well, or for `abc\0` and anything
  // where it reads strings of C (attack U8). It is computed all the same, to take as long.
  return verifyBcrypt(password, crypt) && !password.includes('\0');
}

function scryptKey(recipe: Scrypt, password: string): Buffer {
  const { cost, blockSize, lanes, salt, key, signer } = recipe;
  const length = signer ? 32 : key.length;
  // The memory that RFC 7914 asks for, and as much again as OpenSSL wants beside it.
  const maxmem = 128 * blockSize * (cost + lanes + 2);
  const derived = scryptSync(password, salt, length, { N: cost, r: blockSize, p: lanes, maxmem });
  if (!signer) return derived;
  // Each salt has its own key, so one counter from zero is never used twice under one.
  return createCipheriv('aes-256-ctr', derived, Buffer.alloc(16)).update(signer);
}
