import { readHash, standInFor } from '../../platform/hashes/families.ts';
import { costOf, isBounded } from '../../platform/hashes/recipe.ts';

/**
 * The stored hash of an account without a password: a text that matches nothing. The owner sets a password by email.
 */
export const NO_PASSWORD = '!';

/** A hash made by another program, as stored. */
export interface ImportedHash {
  hash: string;
  /** The name of its family in `platform/hashes/families`; `none` if there is no password. */
  family: string;
}

export type ReadImported = ({ ok: true } & ImportedHash) | { ok: false; message: string };

/**
 * In units of Usher's own hash. Below it, an attacker with a copy of the database needs a fraction of a millisecond per
 * guess.
 */
const weakest = 0.005;

/** Hashes known to be too weak or broken, and why they are rejected. */
const unsupported: [RegExp, string][] = [
  [/^(?:md5\$|\$1\$|\$apr1\$|\$[PH]\$|\{S?MD5\}|[0-9a-f]{32}$)/i, 'MD5 hashes aren’t secure.'],
  [/^(?:sha1\$|\{S?SHA\}|[0-9a-f]{40}$)/i, 'SHA-1 hashes aren’t secure.'],
  [/^(?:pbkdf2:sha1:|pbkdf2_sha1\$|\$pbkdf2\$)/, 'PBKDF2 hashes with SHA-1 aren’t supported.'],
  [
    /^(?:sha(?:224|256|384|512)\$|\{S?SHA(?:256|512)\}|[0-9a-f]{64}$|[0-9a-f]{128}$)/i,
    'Plain SHA-2 hashes aren’t secure.',
  ],
  [/^(?:plain\$|\{PLAIN\})/i, 'Plain-text passwords aren’t supported.'],
  [/^\$2x?\$/, 'Unsupported bcrypt version ($2$ or $2x$).'],
  [/^\$2[aby]\$/, 'Incomplete bcrypt hash.'],
  [/^\$[56y7]\$/, 'Unix crypt hashes aren’t supported.'],
  [/^\$argon2|^argon2\$/, 'Incomplete Argon2 hash.'],
  [/^[^$:{}]*$/, 'Not a hash: looks like plain text.'],
];

const advice = 'Import without a password (--reset-rejected); the user resets it by email.';

/**
 * Whether a hash may be stored until its owner signs in. An error never repeats any part of it. An empty text, or
 * Django's unusable password (`!...`), is an account without a password.
 */
export function readImportedHash(text: string): ReadImported {
  const hash = text.trim();
  if (hash === '' || /^[!*]/.test(hash)) return { ok: true, hash: NO_PASSWORD, family: 'none' };
  const read = readHash(hash);
  if (!read) {
    const why = unsupported.find(([pattern]) => pattern.test(hash))?.[1] ?? 'Unsupported hash format.';
    return { ok: false, message: `${why} ${advice}` };
  }
  if (!isBounded(read.recipe))
    return { ok: false, message: `The hash’s cost parameters are too high. ${advice}` };
  if (costOf(read.recipe).units < weakest)
    return { ok: false, message: `The hash’s cost parameters are too weak. ${advice}` };
  return { ok: true, hash, family: read.family };
}

/** A project's "Password hash parameters" in Firebase. */
export interface FirebaseParameters {
  signerKey: string;
  saltSeparator: string;
  rounds: number;
  memCost: number;
}

/**
 * Firebase stores the parameters of all hashes in one place. Here each hash includes them, as in every other family.
 */
export function firebaseHash(
  { signerKey, saltSeparator, rounds, memCost }: FirebaseParameters,
  hash: string,
  salt: string,
): string {
  const parts = [salt, hash, saltSeparator, signerKey].map(inStandardBase64);
  return `$firescrypt$ln=${memCost},r=${rounds},p=1$${parts.join('$')}`;
}

/** Firebase uses either base64 alphabet, with or without padding. */
function inStandardBase64(spelled: string): string {
  const bare = spelled.trim().replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  return bare.padEnd(Math.ceil(bare.length / 4) * 4, '=');
}

/** Returns the slower of these two hashes to verify, as a stand-in that belongs to no account. */
export function slowerStandIn(one: string | null, other: string): string | null {
  const standIn = standInFor(other);
  if (standIn === undefined) return one;
  return one === null || unitsOf(standIn) > unitsOf(one) ? standIn : one;
}

function unitsOf(hash: string): number {
  const read = readHash(hash);
  return read ? costOf(read.recipe).units : 0;
}
