import type { Argon2, Bcrypt, Pbkdf2, Recipe, Scrypt } from './recipe.ts';

/** The named groups of a pattern match. */
type Parts = Record<string, string>;

interface Family {
  /** Its name in reports and events. */
  name: string;
  /**
   * Matches the whole hash and nothing else. The groups `salt`, `key`, `separator` and `signer` are secret or random.
   */
  pattern: RegExp;
  /** The character that encodes zeros in these groups. */
  zero: string;
  /** @returns undefined for a well-formed hash that cannot be computed. */
  read(parts: Parts): Recipe | undefined;
}

/** Twice as long as any supported hash. */
const longest = 512;

/** A salt used as plain text: the characters that frameworks choose from, and those found in practice. */
const saltText = '(?<salt>[!-#%-~]{4,64})';
const count = (name: string) => `(?<${name}>[1-9]\\d{0,7})`;
const lanesOf = (name: string) => `(?<${name}>[1-9]\\d?)`;
const argon2 =
  '\\$(?<variant>argon2id(?=\\$v=19)|argon2[id])(?<version>\\$v=1[69])?\\$m=(?<memory>[1-9]\\d{0,5}),t=(?<passes>[1-9]\\d?),p=(?<lanes>[1-9]|1[0-6])\\$(?<salt>[A-Za-z0-9+/]{11,64})\\$(?<key>[A-Za-z0-9+/]{22,86})';
const bcrypt =
  '\\$(?<version>2[aby])\\$(?<cost>0[4-9]|[12]\\d|3[01])\\$(?<salt>[./A-Za-z0-9]{22})(?<key>[./A-Za-z0-9]{31})';
const base64 = (length: string) => `[A-Za-z0-9+/]{${length}}={0,2}`;

/** All hash families that can be verified. None allows `$` in a salt, which would make a text ambiguous. */
const families: Family[] = [
  // PHC strings (github.com/P-H-C/phc-string-format): Usher's own, those of argon2-cffi, PHP, libsodium, passlib.
  { name: 'argon2', pattern: whole(argon2), zero: 'A', read: readArgon2 },
  { name: 'django-argon2', pattern: whole(`argon2${argon2}`), zero: 'A', read: readArgon2 },
  {
    name: 'scrypt',
    pattern: whole(
      `\\$scrypt\\$ln=${lanesOf('log')},r=${lanesOf('block')},p=${lanesOf('lanes')}\\$(?<salt>[A-Za-z0-9+/]{6,86})\\$(?<key>[A-Za-z0-9+/]{22,86})`,
    ),
    zero: 'A',
    read: (parts) => scrypt(parts, fromBase64(parts.salt), fromBase64(parts.key)),
  },

  // The standard bcrypt format. `$2$` and `$2x$` are from faulty versions, and not supported.
  { name: 'bcrypt', pattern: whole(bcrypt), zero: '.', read: (parts) => readBcrypt(parts) },
  {
    name: 'django-bcrypt',
    pattern: whole(`bcrypt\\$${bcrypt}`),
    zero: '.',
    read: (parts) => readBcrypt(parts),
  },
  {
    name: 'django-bcrypt-sha256',
    pattern: whole(`bcrypt_sha256\\$${bcrypt}`),
    zero: '.',
    read: (parts) => readBcrypt(parts, 'sha256 in hex'),
  },
  {
    name: 'passlib-bcrypt-sha256',
    pattern: whole(
      '\\$bcrypt-sha256\\$v=2,t=(?<version>2b),r=(?<cost>[4-9]|[12]\\d|3[01])\\$(?<salt>[./A-Za-z0-9]{22})\\$(?<key>[./A-Za-z0-9]{31})',
    ),
    zero: '.',
    read: (parts) => readBcrypt(parts, { hmacKey: parts.salt ?? '' }),
  },

  {
    name: 'werkzeug-pbkdf2',
    pattern: whole(
      `pbkdf2:(?<digest>sha256|sha512):${count('iterations')}\\$${saltText}\\$(?<key>[0-9a-f]+)`,
    ),
    zero: '0',
    read: (parts) => pbkdf2(parts, text(parts.salt), fromHex(parts.key)),
  },
  {
    name: 'werkzeug-scrypt',
    pattern: whole(
      `scrypt:${count('cost')}:${lanesOf('block')}:${lanesOf('lanes')}\\$${saltText}\\$(?<key>[0-9a-f]{128})`,
    ),
    zero: '0',
    read: (parts) => scrypt(parts, text(parts.salt), fromHex(parts.key)),
  },
  {
    name: 'django-pbkdf2',
    pattern: whole(
      `pbkdf2_(?<digest>sha256)\\$${count('iterations')}\\$${saltText}\\$(?<key>${base64('43')})`,
    ),
    zero: 'A',
    read: (parts) => pbkdf2(parts, text(parts.salt), fromBase64(parts.key, 'padded')),
  },
  {
    name: 'django-scrypt',
    pattern: whole(
      `scrypt\\$${count('cost')}\\$${saltText}\\$${lanesOf('block')}\\$${lanesOf('lanes')}\\$(?<key>${base64('86')})`,
    ),
    zero: 'A',
    read: (parts) => scrypt(parts, text(parts.salt), fromBase64(parts.key, 'padded')),
  },
  {
    // passlib writes base64 with a dot instead of the plus sign.
    name: 'passlib-pbkdf2',
    pattern: whole(
      `\\$pbkdf2-(?<digest>sha256|sha512)\\$${count('iterations')}\\$(?<salt>[A-Za-z0-9./]{6,86})\\$(?<key>[A-Za-z0-9./]{43,86})`,
    ),
    zero: 'A',
    read: (parts) =>
      pbkdf2(
        parts,
        fromBase64(parts.salt?.replaceAll('.', '+')),
        fromBase64(parts.key?.replaceAll('.', '+')),
      ),
  },
  {
    // Firebase stores a project's parameters separately; `core/passwords/imported` combines them into one text.
    name: 'firebase-scrypt',
    pattern: whole(
      `\\$firescrypt\\$ln=${lanesOf('log')},r=${lanesOf('block')},p=(?<lanes>1)\\$(?<salt>${base64('6,86')})\\$(?<key>${base64('43,172')})\\$(?<separator>${base64('0,44')})\\$(?<signer>${base64('43,172')})`,
    ),
    zero: 'A',
    read: readFirebase,
  },
];

/** Parses a stored hash strictly; undefined for any text that is not a supported hash. */
export function readHash(stored: string): { family: string; recipe: Recipe } | undefined {
  const found = find(stored);
  return found && { family: found.family.name, recipe: found.recipe };
}

/**
 * Returns a hash of the same cost with everything random or secret in it zeroed. It records how long a check takes
 * where the hash itself must not be stored.
 */
export function standInFor(stored: string): string | undefined {
  const found = find(stored);
  if (!found) return undefined;
  const characters = [...stored];
  for (const name of ['salt', 'key', 'separator', 'signer']) {
    const [from, to] = found.indices[name] ?? [0, 0];
    for (let at = from; at < to; at++) if (characters[at] !== '=') characters[at] = found.family.zero;
  }
  return characters.join('');
}

function find(stored: string) {
  if (stored.length > longest) return undefined;
  for (const family of families) {
    const match = family.pattern.exec(stored);
    const recipe = match?.groups && family.read(match.groups);
    if (recipe) return { family, recipe, indices: match.indices?.groups ?? {} };
  }
  return undefined;
}

function whole(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`, 'd');
}

function readArgon2({ variant, version = '', memory, passes, lanes, salt = '', key = '' }: Parts) {
  const [memoryKib, laneCount] = [Number(memory), Number(lanes)];
  if (memoryKib < 8 * laneCount) return undefined; // RFC 9106 section 3.1
  if (!fromBase64(salt) || !fromBase64(key)) return undefined;
  return {
    kind: 'argon2',
    variant: variant as Argon2['variant'],
    memoryKib,
    passes: Number(passes),
    lanes: laneCount,
    phc: `$${variant}${version}$m=${memory},t=${passes},p=${lanes}$${salt}$${key}`,
  } satisfies Recipe;
}

/** In the order of bcrypt's base64 alphabet. */
const bcryptSigns = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function readBcrypt(
  { version, cost = '', salt = '', key = '' }: Parts,
  first?: Bcrypt['first'],
): Recipe | undefined {
  if (bcryptSigns.indexOf(key.at(-1) ?? '') % 4 !== 0) return undefined; // 23 bytes, and two zero bits
  // Only two bits of a salt's last character count. Some programs put arbitrary values in the others, and ignore them.
  const lastSign = bcryptSigns[bcryptSigns.indexOf(salt.at(-1) ?? '') & 0b110000];
  const crypt = `$${version}$${cost.padStart(2, '0')}$${salt.slice(0, -1)}${lastSign}${key}`;
  return { kind: 'bcrypt', cost: Number(cost), crypt, ...(first ? { first } : {}) };
}

function pbkdf2(
  { digest, iterations }: Parts,
  salt: Buffer | undefined,
  key: Buffer | undefined,
): Recipe | undefined {
  // A longer key would be computed block by block by the server, while an attacker needs only the first block.
  if (!salt || key?.length !== (digest === 'sha512' ? 64 : 32)) return undefined;
  return { kind: 'pbkdf2', digest: digest as Pbkdf2['digest'], iterations: Number(iterations), salt, key };
}

function scrypt(
  { cost, log, block, lanes }: Parts,
  salt: Buffer | undefined,
  key: Buffer | undefined,
): Scrypt | undefined {
  const n = cost === undefined ? 2 ** Number(log) : Number(cost);
  if (!salt || !key || !Number.isInteger(Math.log2(n)) || n < 2) return undefined;
  return { kind: 'scrypt', cost: n, blockSize: Number(block), lanes: Number(lanes), salt, key };
}

function readFirebase(parts: Parts): Recipe | undefined {
  const [salt, key, separator, signer] = ['salt', 'key', 'separator', 'signer'].map((name) =>
    fromBase64(parts[name], 'padded'),
  );
  if (!salt || !separator || !signer || key?.length !== signer.length) return undefined;
  const base = scrypt(parts, Buffer.concat([salt, separator]), key);
  return base && { ...base, signer };
}

const text = (salt = ''): Buffer => Buffer.from(salt, 'utf8');

const fromHex = (hex = ''): Buffer => Buffer.from(hex, 'hex');

/** Decodes base64; undefined for a non-canonical spelling. */
function fromBase64(spelled = '', form: 'bare' | 'padded' = 'bare'): Buffer | undefined {
  const bytes = Buffer.from(spelled, 'base64');
  const padded = bytes.toString('base64');
  return spelled === (form === 'padded' ? padded : padded.replaceAll('=', '')) ? bytes : undefined;
}
