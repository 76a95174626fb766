/** How a stored hash is computed anew, and what must come out: one of four functions, with all that it takes. */
export type Recipe = Argon2 | Bcrypt | Pbkdf2 | Scrypt;

export interface Argon2 {
  kind: 'argon2';
  variant: 'argon2id' | 'argon2i' | 'argon2d';
  memoryKib: number;
  passes: number;
  lanes: number;
  /** The hash as a PHC string, which the library reads by itself. */
  phc: string;
}

export interface Bcrypt {
  kind: 'bcrypt';
  /** The logarithm of the number of rounds. */
  cost: number;
  /** The hash as `$2b$...`, which the library reads by itself. */
  crypt: string;
  /** What is done to the password first, so that bcrypt's limit of 72 bytes does not cut it. */
  first?: 'sha256 in hex' | { hmacKey: string };
}

export interface Pbkdf2 {
  kind: 'pbkdf2';
  digest: 'sha256' | 'sha512';
  iterations: number;
  salt: Buffer;
  key: Buffer;
}

export interface Scrypt {
  kind: 'scrypt';
  /** N, r and p of RFC 7914. */
  cost: number;
  blockSize: number;
  lanes: number;
  salt: Buffer;
  key: Buffer;
  /** Where what scrypt gives is a key under which this is encrypted (Firebase), and that must come out. */
  signer?: Buffer;
}

/** What it costs to compute: memory, and time in units of our own hash (32 MiB, 3 passes). */
export interface Cost {
  memoryKib: number;
  units: number;
}

/**
 * Above this a stored hash is not followed: whoever writes it would choose how much memory and time we spend (attack U10).
 * 48 units are about a second; bcrypt with a cost of 14, or four million iterations of PBKDF2.
 */
const hardest: Cost = { memoryKib: 262_144, units: 48 };

/** What one unit (19 ms on the machine where they were measured) does of each, side by side on one core. */
const perUnit = { argon2: 98_304, bcrypt: 400, sha256: 134_000, sha512: 49_000, scrypt: 65_536 };

export function costOf(recipe: Recipe): Cost {
  switch (recipe.kind) {
    case 'argon2':
      return {
        memoryKib: recipe.memoryKib,
        units: (recipe.memoryKib * recipe.passes) / perUnit.argon2,
      };
    case 'bcrypt':
      return { memoryKib: 4, units: 2 ** recipe.cost / perUnit.bcrypt };
    case 'pbkdf2':
      return { memoryKib: 0, units: recipe.iterations / perUnit[recipe.digest] };
    case 'scrypt': {
      const { cost, blockSize, lanes } = recipe;
      return { memoryKib: (cost * blockSize) / 8, units: (cost * blockSize * lanes) / perUnit.scrypt };
    }
  }
}

/** Whether it may be computed at all. */
export function isBounded(recipe: Recipe): boolean {
  const { memoryKib, units } = costOf(recipe);
  return memoryKib <= hardest.memoryKib && units <= hardest.units;
}
