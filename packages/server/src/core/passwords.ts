import { randomInt } from 'node:crypto';
import { createRequire } from 'node:module';
import { type FieldError, HttpError } from '../errors.ts';
import { type Text, text } from '../languages/text.ts';
import type { Requester } from '../platform/fair-queue.ts';
import { HashQueueFull } from '../platform/hash-lanes.ts';
import type { Hasher } from '../platform/hasher.ts';
import { findGuessable } from './passwords/guessable.ts';

/** Code points after normalization; NIST SP 800-63B-4 section 3.1.1.2 requires a maximum of at least 64. */
const longest = 256;

/** The maximum input to argon2 (attack U14). UTF-8 uses at most 4 bytes per code point (RFC 3629). */
const mostBytes = longest * 4;

/** UTF-16 units as typed. NFC shortens a text to a third at most, so no longer text fits `mostBytes` in NFC. */
const mostTyped = mostBytes * 4;

/** Letters and digits that are not confused with each other: no 0, 1, l, o. There are 32, so 5 bits each. */
const readable = 'abcdefghijkmnpqrstuvwxyz23456789';

/**
 * Checks a new password against the policy. There are no composition rules; the password is neither trimmed nor
 * truncated (ASVS 6.2.5, 6.2.8).
 *
 * @param about What the password must not be based on: the user's identifiers, and the service's name.
 * @param minimum Code points; never below 8 (ASVS 6.2.1), which the configuration ensures.
 * @returns What is wrong, in one sentence for the user; undefined if the password is acceptable.
 */
export function checkPolicy(
  password: string,
  about: { username?: string; email?: string; service?: string },
  minimum = 8,
): FieldError | undefined {
  const tooLong = text('text.too_long', { limit: longest });
  if (password.length > mostTyped) return fault('password_too_long', tooLong);
  if (!password.isWellFormed() || password.includes('\0')) {
    return fault('password_characters', text('password.characters'));
  }
  const normal = normalisePassword(password);
  const length = [...normal].length;
  if (length < minimum) {
    return fault('password_too_short', text('password.too_short', { minimum, length }));
  }
  if (length > longest) return fault('password_too_long', tooLong);
  if (isCommon(normal)) {
    return fault('password_common', text('password.common'));
  }
  if (isPersonal(normal, about)) {
    return fault('password_personal', text('password.personal'));
  }
  const reason = findGuessable(normal);
  if (reason) return fault(`password_${reason}`, text(`password.${reason}`));
  return undefined;
}

/** How well a password that passed `checkPolicy` resists offline guessing of its hash; length matters most. */
export const strengthOf = (password: string): 'fair' | 'strong' =>
  [...normalisePassword(password)].length >= 16 && new Set(password).size >= 6 ? 'strong' : 'fair';

/**
 * Normalizes a password, so that it does not depend on how the keyboard composed it (NFC: NIST SP 800-63B-4 section
 * 3.1.1.2, attack U6).
 */
export function normalisePassword(password: string): string {
  return password.normalize('NFC');
}

/**
 * Whether this can be a password at all. Call it before looking up the account: text that cannot be one is not hashed,
 * and that must not reveal whether the account exists (attacks U14, E2).
 */
export function couldBePassword(password: string): boolean {
  return (
    password !== '' &&
    password.length <= mostTyped &&
    // argon2 would read a lone surrogate as U+FFFD, and so accept a different password.
    password.isWellFormed() &&
    Buffer.byteLength(normalisePassword(password)) <= mostBytes
  );
}

/**
 * Hashes a password that passed `checkPolicy`.
 *
 * @throws HttpError `busy`, `stopping`.
 */
export async function hashPassword(hasher: Hasher, password: string, requester: Requester): Promise<string> {
  if (!couldBePassword(password))
    throw new RangeError('hashPassword() got a password that checkPolicy() rejects');
  return hasher.hash(normalisePassword(password), requester);
}

/**
 * Whether the password matches the hash, in NFC or as typed: other programs hash the raw text (attack U6). Without a
 * hash (no such account, or an account without a password) it does the same work and returns false, so neither time nor
 * load reveals which (attacks E2, E4).
 *
 * @throws HttpError `busy`, `stopping`; a `HashQueueFull` if nothing was compared.
 */
export async function verifyPassword(
  hasher: Hasher,
  storedHash: string | undefined,
  password: string,
  requester: Requester,
): Promise<boolean> {
  // Depends only on the password, so it is the same whether the account exists or not.
  if (!couldBePassword(password)) return false;
  // One or two forms, which depends only on the password.
  let isCompared = false;
  for (const form of new Set([normalisePassword(password), password])) {
    let matches: boolean;
    try {
      matches = await hasher.verify(storedHash ?? hasher.dummy, form, requester);
    } catch (error) {
      // The first form did not match: the attempt must not count as one that revealed nothing.
      if (isCompared && error instanceof HashQueueFull) throw new HttpError(error.code, { retryAfter: 2 });
      throw error;
    }
    if (storedHash !== undefined && matches) return true;
    isCompared = true;
  }
  return false;
}

/** Generates a password of 100 random bits that is easy to read aloud and type: `k3tw-9fha-xq7m-d2ru-vb8s`. */
export function generatePassword(): string {
  const group = () => Array.from({ length: 4 }, () => readable[randomInt(readable.length)]).join('');
  return Array.from({ length: 5 }, group).join('-');
}

function fault(code: string, message: Text): FieldError {
  return { field: 'password', code, message };
}

let commonPasswords: Set<string> | undefined;

/** Loads the list on first use: it takes 15 ms and 5 MB, which would slow the server's start (ASVS 6.2.4). */
function isCommon(password: string): boolean {
  commonPasswords ??= readCommonPasswords();
  const folded = password.toLowerCase();
  return commonPasswords.has(folded) || commonPasswords.has(folded.replace(/\s/gu, ''));
}

function readCommonPasswords(): Set<string> {
  const require = createRequire(import.meta.url);
  const { dictionary }: typeof import('@zxcvbn-ts/language-common') = require('@zxcvbn-ts/language-common');
  return new Set(dictionary['passwords-common']);
}

/** Whether the password is one of these words, possibly repeated, with only digits and symbols added (ASVS 6.2.11). */
function isPersonal(
  password: string,
  about: { username?: string; email?: string; service?: string },
): boolean {
  const bare = foldedLetters(password);
  return [about.username, about.email, about.email?.replace(/@.*$/u, ''), about.service]
    .map((word) => foldedLetters(word ?? ''))
    .flatMap((word) => [word, word.replace(/^\p{N}+|\p{N}+$/gu, '')])
    .filter((word) => word.length >= 3) // shorter words match too many passwords
    .some((word) => bare.includes(word) && /^\p{N}*$/u.test(bare.replaceAll(word, '')));
}

/**
 * Removes case (via upper case, which folds ß and both sigmas), compatibility forms, spaces and symbols. Keeps emoji.
 */
function foldedLetters(text: string): string {
  return text
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s\p{P}$+<=>^`|~]/gu, '');
}
