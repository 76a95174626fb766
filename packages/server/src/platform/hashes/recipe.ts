/** How to recompute a stored hash, and the expected result: one of four functions, with all its inputs. */
export type Recipe = Argon2 | Bcrypt | Pbkdf2 | Scrypt;

export interface Argon2 {
  kind: 'argon2';
  variant: 'argon2id' | 'argon2i' | 'argon2d';
  memoryKib: number;
  passes: number;
  lanes: number;
  /** The hash as a PHC string, which the library parses. */
  phc: string;
}

export interface Bcrypt {
  kind: 'bcrypt';
  /** The base-2 logarithm of the number of rounds. */
  cost: number;
  /** The hash as `$2b$...`, which the library parses. */
  crypt: string;
  /** What is applied to the password first, so that bcrypt's limit of 72 bytes does not truncate it. */
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
  /** If present, the output of scrypt is a key that encrypts this (Firebase), and the result is compared. */
  signer?: Buffer;
}

/** The cost of a hash: memory, and time in units of Usher's own hash (32 MiB, 3 passes). */
export interface Cost {
  memoryKib: number;
  units: number;
}

/**
 * A stored hash above this is not computed: its author could otherwise choose how much memory and time Usher spends
 * (attack U10). 48 units are about a second: bcrypt with a cost of 14, or four million iterations of PBKDF2.
 */
const hardest: Cost = { memoryKib: 262_144, units: 48 };

/** What one unit (19 ms on the machine used for measuring) computes of each, measured in parallel on one core. */
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

/** Whether the hash may be computed at all. */
export function isBounded(recipe: Recipe): boolean {
  const { memoryKib, units } = costOf(recipe);
  return memoryKib <= hardest.memoryKib && units <= hardest.units;
}
