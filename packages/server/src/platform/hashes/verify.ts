import { createCipheriv, createHash, createHmac, pbkdf2Sync, scryptSync, timingSafeEqual } from 'node:crypto';
import { verifySync as verifyArgon2 } from '@node-rs/argon2';
import { verifySync as verifyBcrypt } from '@node-rs/bcrypt';
import type { Bcrypt, Recipe, Scrypt } from './recipe.ts';

/**
 * Whether the hash was made from this password. Takes as long as the hash demands: call it only in a separate thread.
 */
export function verifyHash(recipe: Recipe, password: string): boolean {
  switch (recipe.kind) {
    case 'argon2':
      return verifyArgon2(recipe.phc, password);
    case 'bcrypt':
      return verifyBcryptHash(recipe, password);
    case 'pbkdf2': {
      const { salt, iterations, digest, key } = recipe;
      return timingSafeEqual(pbkdf2Sync(password, salt, iterations, key.length, digest), key);
    }
    case 'scrypt':
      return timingSafeEqual(scryptKey(recipe, password), recipe.key);
  }
}

function verifyBcryptHash({ crypt, first }: Bcrypt, password: string): boolean {
  if (first === 'sha256 in hex')
    return verifyBcrypt(createHash('sha256').update(password).digest('hex'), crypt);
  if (first)
    return verifyBcrypt(createHmac('sha256', first.hmacKey).update(password).digest('base64'), crypt);
  // bcrypt repeats a password with a NUL in between: `abc` would also match `abc\0abc`, or `abc\0` and anything in
  // implementations that read C strings (attack U8). It is computed anyway, to take the same time.
  return verifyBcrypt(password, crypt) && !password.includes('\0');
}

function scryptKey(recipe: Scrypt, password: string): Buffer {
  const { cost, blockSize, lanes, salt, key, signer } = recipe;
  const length = signer ? 32 : key.length;
  // The memory required by RFC 7914, and the extra that OpenSSL needs.
  const maxmem = 128 * blockSize * (cost + lanes + 2);
  const derived = scryptSync(password, salt, length, { N: cost, r: blockSize, p: lanes, maxmem });
  if (!signer) return derived;
  // Each salt has its own key, so a counter that starts at zero is never reused with one.
  return createCipheriv('aes-256-ctr', derived, Buffer.alloc(16)).update(signer);
}
