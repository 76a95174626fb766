import { randomInt } from 'node:crypto';
import { createRequire } from 'node:module';
import { type FieldError, HttpError } from '../errors.ts';
import type { Requester } from '../platform/fair-queue.ts';
import { HashQueueFull } from '../platform/hash-lanes.ts';
import type { Hasher } from '../platform/hasher.ts';
import { findGuessable, reasons } from './passwords/guessable.ts';

/** Code points after normalisation; NIST SP 800-63B-4 section 3.1.1.2 asks for 64 or more. */
const longest = 256;

/** What argon2 is given at most (attack U14). UTF-8 spends at most 4 bytes on a code point (RFC 3629). */
const mostBytes = longest * 4;

/** UTF-16 units as typed. NFC shortens a text to a third at most, so nothing longer can be `mostBytes` in NFC. */
const mostTyped = mostBytes * 4;

/** Letters and digits that are not taken for each other: no 0, 1, l, o. 32 of them, so 5 bits each. */
const readable = 'abcdefghijkmnpqrstuvwxyz23456789';

/**
 * What is wrong with a password that somebody wants to set, in one sentence for them; `undefined` if nothing.
 * There are no rules of composition, nothing is trimmed and nothing cut (ASVS 6.2.5, 6.2.8).
 *
 * @param about What the password must not be built from: the user's own names, and the service's.
 * @param minimum Code points; never below 8 (ASVS 6.2.1), which the configuration sees to.
 */
export function checkPolicy(
  password: string,
  about: { username?: string; email?: string; service?: string },
  minimum = 8,
): FieldError | undefined {
  const tooLong = `Use ${longest} characters or fewer.`;
  if (password.length > mostTyped) return fault('password_too_long', tooLong);
  if (!password.isWellFormed() || password.includes('\0')) {
    return fault('password_characters', 'Remove unsupported characters.');
  }
  const normal = normalisePassword(password);
  const length = [...normal].length;
  if (length < minimum) {
    return fault('password_too_short', `Use at least ${minimum} characters (you have ${length}).`);
  }
  if (length > longest) return fault('password_too_long', tooLong);
  if (isCommon(normal)) {
    return fault('password_common', 'This password is too common. Choose one that’s harder to guess.');
  }
  if (isPersonal(normal, about)) {
    return fault(
      'password_personal',
      'Don’t base your password on your name, your email or this service’s name.',
    );
  }
  const reason = findGuessable(normal);
  if (reason) {
    return fault(
      `password_${reason}`,
      `This password ${reasons[reason]}. Choose one that’s harder to guess.`,
    );
  }
  return undefined;
}

/** How well a password that `checkPolicy` has passed withstands whoever has stolen its hash; length is what counts most. */
export const strengthOf = (password: string): 'fair' | 'strong' =>
  [...normalisePassword(password)].length >= 16 && new Set(password).size >= 6 ? 'strong' : 'fair';

/** One form for each text, however the keyboard composed it (NFC: NIST SP 800-63B-4 section 3.1.1.2, attack U6). */
export function normalisePassword(password: string): string {
  return password.normalize('NFC');
}

/**
 * Whether this can be anybody's password at all. Ask it before an account is looked up: what cannot be one costs
 * no hash, and must not tell by that whether there is an account (attacks U14, E2).
 */
export function couldBePassword(password: string): boolean {
  return (
    password !== '' &&
    password.length <= mostTyped &&
    // A lone surrogate would reach argon2 as U+FFFD, and so would verify as another password.
    password.isWellFormed() &&
    Buffer.byteLength(normalisePassword(password)) <= mostBytes
  );
}

/** The hash to store for a password that `checkPolicy` has passed. Rejects with the refusal `busy` or `stopping`. */
export async function hashPassword(hasher: Hasher, password: string, requester: Requester): Promise<string> {
  if (!couldBePassword(password))
    throw new RangeError('hashPassword() got a password that checkPolicy() rejects');
  return hasher.hash(normalisePassword(password), requester);
}

/**
 * Whether this is the password of the account with this hash, in NFC or as it was typed: other programs hash what they
 * get (attack U6). Without a hash (no such account, or one that has no
 * password) it does the same work and answers `false`, so that time and load tell nothing (attacks E2, E4).
 * Rejects with the refusal `busy` or `stopping`: a `HashQueueFull` if nothing was compared.
 */
export async function verifyPassword(
  hasher: Hasher,
  storedHash: string | undefined,
  password: string,
  requester: Requester,
): Promise<boolean> {
  // Depends on the password alone, so it is the same for every account and for none.
  if (!couldBePassword(password)) return false;
  // One or two, which the password alone decides.
  let isCompared = false;
  for (const form of new Set([normalisePassword(password), password])) {
    let matches: boolean;
    try {
      matches = await hasher.verify(storedHash ?? hasher.dummy, form, requester);
    } catch (error) {
      // The first form was found wrong: that must not pass for an attempt of which nothing was learned.
      if (isCompared && error instanceof HashQueueFull) throw new HttpError(error.code, { retryAfter: 2 });
      throw error;
    }
    if (storedHash !== undefined && matches) return true;
    isCompared = true;
  }
  return false;
}

/** A new password of 100 random bits that can be read aloud and typed: `k3tw-9fha-xq7m-d2ru-vb8s`. */
export function generatePassword(): string {
  const group = () => Array.from({ length: 4 }, () => readable[randomInt(readable.length)]).join('');
  return Array.from({ length: 5 }, group).join('-');
}

function fault(code: string, message: string): FieldError {
  return { field: 'password', code, message };
}

let commonPasswords: Set<string> | undefined;

/** Read at the first use: 15 ms and 5 MB, which the start of a server need not wait for (ASVS 6.2.4). */
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

/** Whether the password is one of these words, perhaps repeated, and otherwise only digits and signs (ASVS 6.2.11). */
function isPersonal(
  password: string,
  about: { username?: string; email?: string; service?: string },
): boolean {
  const bare = foldedLetters(password);
  return [about.username, about.email, about.email?.replace(/@.*$/u, ''), about.service]
    .map((word) => foldedLetters(word ?? ''))
    .flatMap((word) => [word, word.replace(/^\p{N}+|\p{N}+$/gu, '')])
    .filter((word) => word.length >= 3) // shorter ones are too little to know a password by
    .some((word) => bare.includes(word) && /^\p{N}*$/u.test(bare.replaceAll(word, '')));
}

/** Without case (upper, which folds ß and both sigmas), compatibility forms, spaces and signs. Emoji stay. */
function foldedLetters(text: string): string {
  return text
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s\p{P}$+<=>^`|~]/gu, '');
}
