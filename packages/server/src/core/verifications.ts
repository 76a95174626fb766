import { createHash, type KeyObject, randomInt } from 'node:crypto';
import type { Db } from '../platform/db/index.ts';
import { newId, newSecret } from '../platform/random.ts';
import { equalSecrets, type Keys, mac, seal, unseal } from '../platform/secrets.ts';
import type { Role } from '../user-fields.ts';
import {
  type AccountChange,
  affectedBy,
  type CodePurpose,
  endedByRestoredDatabase,
  type Purpose,
  purposes,
  type RepeatablePurpose,
} from './verifications/purposes.ts';
import { endAllButOldest } from './verifications/restore-links.ts';

/** How long and how often a code may be tried, depending on its length (`config.codesDigits`). */
export interface VerificationLimits {
  digits: number;
  /** How long the code is valid, in milliseconds. */
  lifetime: number;
  checks: number;
}

/** What a code or link is bound to. It is valid for nothing else. */
export interface VerificationSubject {
  purpose: Purpose;
  /** Undefined if no account has the email: nothing then matches, and everything else is the same. */
  userId: string | undefined;
  /** The normalized recipient of the email; empty for a link that is not emailed. */
  email: string;
  /** For a link that restores a changed email: the account's email version that it was sent to. */
  emailVersion?: number;
}

/** What to do once the email is verified. Encrypted until then, because the email or account is not confirmed yet. */
export interface PendingChange {
  email: string;
  emailKey: string;
  username?: string;
  usernameKey?: string;
  passwordHash?: string;
  /** For an invited person. */
  displayName?: string | null;
  displayNameKey?: string | null;
  locale?: string | null;
  role?: Role;
}

/** A new verification: its id for the browser, its secrets for the email. */
export interface NewVerification {
  id: string;
  /** Empty if the purpose has no code. */
  code: string;
  link: string;
  /** When the link expires, in milliseconds since 1970. */
  expiresAt: number;
}

export const emailMac = (key: KeyObject, email: string): string => mac(key, `address\n${email}`);

/** A link's secret has 256 bits, so a plain hash protects it (ASVS 6.5.2). */
const linkHash = (purpose: Purpose, link: string): string =>
  createHash('sha256').update(`${purpose}\n${link}`).digest('base64url');

/**
 * A code has few digits, so only a MAC under a key outside the database protects it. The MAC binds it to its subject.
 */
const codeMac = (
  key: KeyObject,
  verification: string,
  { purpose, userId, email }: VerificationSubject,
  code: string,
): string => mac(key, ['code', purpose, verification, userId ?? '', email, code].join('\n'));

/** Generates a code of this many digits, each uniformly random (leading zeros included). */
const newCode = (digits: number): string => String(randomInt(10 ** digits)).padStart(digits, '0');

/**
 * Creates a verification, with a code and a link or only a link, depending on its purpose.
 *
 * @param rules The code's limits; the number of digits applies if the purpose has a code.
 */
export async function createVerification(
  tx: Db,
  keys: Pick<Keys, 'verifications' | 'pendingChanges' | 'links'>,
  subject: VerificationSubject,
  { digits }: Pick<VerificationLimits, 'digits'>,
  now: number,
  pendingChange?: PendingChange,
): Promise<NewVerification> {
  const { hasCode, linkLifetime, endsOlder, canRepeatLink } = purposes[subject.purpose];
  if (endsOlder) await endAll(tx, [subject.purpose], now);
  const id = newId();
  const verification: NewVerification = {
    id,
    code: hasCode ? newCode(digits) : '',
    link: canRepeatLink ? linkOf(keys.links, subject.purpose, id) : newSecret(),
    expiresAt: now + linkLifetime,
  };
  await tx
    .insertInto('verifications')
    .values({
      id: verification.id,
      purpose: subject.purpose,
      user_id: subject.userId ?? null,
      email_mac: emailMac(keys.verifications, subject.email),
      code_mac: hasCode ? codeMac(keys.verifications, verification.id, subject, verification.code) : '',
      link_hash: linkHash(subject.purpose, verification.link),
      checks: 0,
      created_at: now,
      expires_at: verification.expiresAt,
      ended_at: null,
      pending_change_encrypted: pendingChange
        ? seal(keys.pendingChanges, placeOf(verification.id), JSON.stringify(pendingChange))
        : null,
      email_version: subject.emailVersion ?? null,
    })
    .execute();
  return verification;
}

/** Derives a link that can be shown again. It cannot be derived from a copy of the database alone. */
const linkOf = (key: KeyObject, purpose: Purpose, id: string): string => mac(key, `${purpose}\n${id}`);

/**
 * The link of a purpose that belongs to no account and can be shown again.
 *
 * @param key `keys.links`, which derives it.
 * @param least How much longer it must be valid, in milliseconds.
 * @returns undefined if there is none.
 */
export async function repeatLink(
  db: Db,
  key: KeyObject,
  purpose: RepeatablePurpose,
  least: number,
  now: number,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('verifications')
    .select('id')
    .where('purpose', '=', purpose)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now + least)
    .executeTakeFirst();
  return row && linkOf(key, purpose, row.id);
}

const placeOf = (id: string): string => `verifications/${id}`;

/** A verification as stored, before anything is compared. */
export interface Verification {
  id: string;
  user_id: string | null;
  email_mac: string;
  code_mac: string;
  purpose: Purpose;
  pending_change_encrypted: string | null;
  email_version: number | null;
  created_at: number;
}

const columns = [
  'id',
  'user_id',
  'email_mac',
  'code_mac',
  'purpose',
  'pending_change_encrypted',
  'email_version',
  'created_at',
] as const;

/** The pending change of a verification. @throws Error if it has none. */
export function pendingChangeOf(
  key: KeyObject,
  { id, pending_change_encrypted }: Pick<Verification, 'id' | 'pending_change_encrypted'>,
): PendingChange {
  if (pending_change_encrypted === null) throw new Error('The verification has no pending change.');
  return JSON.parse(unseal(key, placeOf(id), pending_change_encrypted)) as PendingChange;
}

/** Whether a verification's message was sent to this email. */
export const wasSentTo = (
  key: KeyObject,
  verification: Pick<Verification, 'email_mac'>,
  email: string,
): boolean => equalSecrets(verification.email_mac, emailMac(key, email));

/**
 * Counts an attempt before the code is compared: against the browser's own verification if it names one, otherwise
 * against the newest for the email. Concurrent attempts cannot exceed the limit.
 *
 * @returns undefined if the verification does not exist, has expired or been used, or has no attempts left.
 */
export async function countVerificationAttempt(
  db: Db,
  key: KeyObject,
  guess: { purposes: readonly CodePurpose[]; email: string; verificationId: string | undefined },
  { checks, lifetime }: Pick<VerificationLimits, 'checks' | 'lifetime'>,
  now: number,
): Promise<Verification | undefined> {
  const { email, verificationId } = guess;
  const row = await db
    .updateTable('verifications')
    .set((row) => ({ checks: row('checks', '+', 1) }))
    .where('id', '=', (flows) => {
      const open = flows
        .selectFrom('verifications as open')
        .select('open.id')
        .where('open.purpose', 'in', guess.purposes)
        .where('open.email_mac', '=', emailMac(key, email))
        .where('open.ended_at', 'is', null)
        .where('open.expires_at', '>', now)
        .where('open.created_at', '>', now - lifetime)
        .orderBy('open.created_at', 'desc')
        .orderBy('open.id')
        .limit(1);
      return verificationId === undefined ? open : open.where('open.id', '=', verificationId);
    })
    .where('checks', '<', checks)
    .where('ended_at', 'is', null)
    .returning(columns)
    .executeTakeFirst();
  return row && asFlow(row);
}

/** `createVerification` wrote the row, so its purpose is one of the table. */
const asFlow = (row: Omit<Verification, 'purpose'> & { purpose: string }): Verification => ({
  ...row,
  purpose: row.purpose as Purpose,
});

/** Whether the code belongs to this verification: its purpose, account and email. */
export function matchesCode(
  key: KeyObject,
  verification: Verification,
  email: string,
  code: string,
): boolean {
  const subject = { purpose: verification.purpose, userId: verification.user_id ?? undefined, email };
  return equalSecrets(verification.code_mac, codeMac(key, verification.id, subject, code));
}

/** Finds the verification of a valid link. Changes nothing: opening a link never does. */
export async function findVerificationByLink(
  db: Db,
  purposes: readonly Purpose[],
  link: string,
  now: number,
): Promise<Verification | undefined> {
  const hashes = purposes.map((purpose) => linkHash(purpose, link));
  const row = await db
    .selectFrom('verifications')
    .select(columns)
    .where('link_hash', 'in', hashes)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row && asFlow(row);
}

/** Tells a ticket from a link, whose characters have no dot. */
export const isTicket = (token: string): boolean => token.includes('.');

/**
 * A ticket says that the code of a verification was right. It is valid in the place of the link, so the code is not
 * checked again after the owner has thought of a new password. Nothing is stored.
 *
 * @param until When it expires, in milliseconds since 1970.
 */
export const ticketFor = (
  key: KeyObject,
  { purpose, id }: Pick<Verification, 'purpose' | 'id'>,
  until: number,
): string => `${id}.${until}.${mac(key, ['ticket', purpose, id, until].join('\n'))}`;

/** Finds the verification of a valid ticket. */
export async function findVerificationByTicket(
  db: Db,
  key: KeyObject,
  purposes: readonly Purpose[],
  ticket: string,
  now: number,
): Promise<Verification | undefined> {
  const [id = '', until = ''] = ticket.split('.');
  const of = purposes.find((purpose) => equalSecrets(ticket, ticketFor(key, { purpose, id }, Number(until))));
  if (of === undefined || Number(until) <= now) return undefined;
  const row = await db
    .selectFrom('verifications')
    .select(columns)
    .where('id', '=', id)
    .where('purpose', '=', of)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row && asFlow(row);
}

/**
 * Consumes a verification, both its code and its link. @returns false if it was not open; only one concurrent call gets
 * true.
 */
export async function consumeVerification(tx: Db, id: string, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('verifications')
    .set({ ended_at: now })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Invalidates the verifications that a change to the account ends, according to the table of purposes. */
export async function endVerificationsOf(
  tx: Db,
  userId: string,
  change: AccountChange,
  now: number,
): Promise<void> {
  await endAll(tx, affectedBy(change, 'ends'), now, userId);
  for (const purpose of affectedBy(change, 'oldest_stays')) await endAllButOldest(tx, userId, purpose, now);
}

/** Invalidates all verifications that a restored backup of the database could have brought back. */
export const endEveryVerification = (tx: Db, now: number): Promise<void> =>
  endAll(tx, endedByRestoredDatabase(), now);

/** @param userId The account; undefined for all accounts. */
async function endAll(tx: Db, ended: readonly Purpose[], now: number, userId?: string): Promise<void> {
  if (ended.length === 0) return;
  const open = tx
    .updateTable('verifications')
    .set({ ended_at: now })
    .where('purpose', 'in', ended)
    .where('ended_at', 'is', null);
  await (userId === undefined ? open : open.where('user_id', '=', userId)).execute();
}

/**
 * Whether the previous owner can still restore this email: no other account may take it until then.
 *
 * @param userId The account that is to get the email; undefined for a new account.
 */
export async function isEmailReserved(
  db: Db,
  key: KeyObject,
  email: string,
  userId: string | undefined,
  now: number,
): Promise<boolean> {
  const row = await db
    .selectFrom('verifications')
    .select('id')
    .where('email_mac', '=', emailMac(key, email))
    .where('user_id', '<>', userId ?? '')
    .where('purpose', '=', 'restore_email')
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Removes verifications that expired more than `age` milliseconds ago, and those without an account once they expire.
 */
export async function deleteOldVerifications(db: Db, age: number, now: number): Promise<void> {
  await db
    .deleteFrom('verifications')
    .where('expires_at', '<=', now)
    .where((verification) =>
      verification.or([verification('expires_at', '<', now - age), verification('user_id', 'is', null)]),
    )
    .execute();
}
