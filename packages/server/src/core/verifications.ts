import { createHash, type KeyObject, randomInt } from 'node:crypto';
import type { Db } from '../platform/db/index.ts';
import { newId, newSecret } from '../platform/random.ts';
import { equalSecrets, type Keys, mac, seal, unseal } from '../platform/secrets.ts';
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

/** How long and how often a code may be tried; set by its length (`config.codesDigits`). */
export interface VerificationLimits {
  digits: number;
  /** How long the code can be typed, in milliseconds. */
  lifetime: number;
  checks: number;
}

/** What a code or link was made for, so that it fits nothing else. */
export interface VerificationSubject {
  purpose: Purpose;
  /** Undefined when no account has the address: then nothing fits, and all the rest is the same. */
  userId: string | undefined;
  /** The normalised address that the email goes to; empty for a link that is not mailed. */
  email: string;
  /** Of a link that takes a change of email back: which of the account's emails it went to. */
  emailVersion?: number;
}

/** What is done once the email is answered. Kept sealed until then: it is nobody's account yet, or nobody's address. */
export interface PendingChange {
  email: string;
  emailKey: string;
  username?: string;
  usernameKey?: string;
  passwordHash?: string;
}

/** A verification that was just begun: its id for the browser, its secrets for the email. */
export interface NewVerification {
  id: string;
  /** Empty for a purpose that has no code. */
  code: string;
  link: string;
  /** When the link stops working, in milliseconds since 1970. */
  expiresAt: number;
}

const emailMac = (key: KeyObject, email: string): string => mac(key, `address\n${email}`);

/** The secret of a link has 256 bits, so a plain hash hides it (ASVS 6.5.2). */
const linkHash = (purpose: Purpose, link: string): string =>
  createHash('sha256').update(`${purpose}\n${link}`).digest('base64url');

/** A code has few digits: only a key that is not in the database hides it, bound to all that it is good for. */
const codeMac = (
  key: KeyObject,
  verification: string,
  { purpose, userId, email }: VerificationSubject,
  code: string,
): string => mac(key, ['code', purpose, verification, userId ?? '', email, code].join('\n'));

/** A code of so many digits, each equally likely (leading zeros too). */
const newCode = (digits: number): string => String(randomInt(10 ** digits)).padStart(digits, '0');

/**
 * Begins a verification, with a code and a link or a link alone, as its purpose says.
 *
 * @param rules Of the code; its digits count for a purpose that has one.
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

/** A link that can be shown again. A copy of the database alone does not have it. */
const linkOf = (key: KeyObject, purpose: Purpose, id: string): string => mac(key, `${purpose}\n${id}`);

/**
 * The link of a purpose that belongs to nobody and can be shown again.
 *
 * @param key `keys.links`, which made it.
 * @param least For how many milliseconds more it has to work.
 * @returns undefined when there is none.
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

/** A verification as it was found, before anything is compared. */
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

/** What a verification was begun for, beside its purpose. @throws When it was begun for nothing more. */
export function pendingChangeOf(
  key: KeyObject,
  { id, pending_change_encrypted }: Verification,
): PendingChange {
  if (pending_change_encrypted === null) throw new Error('This flow was begun without a wish.');
  return JSON.parse(unseal(key, placeOf(id), pending_change_encrypted)) as PendingChange;
}

/** Whether this is the address that the email of a verification went to. */
export const wasSentTo = (
  key: KeyObject,
  verification: Pick<Verification, 'email_mac'>,
  email: string,
): boolean => equalSecrets(verification.email_mac, emailMac(key, email));

/**
 * Counts a check against one verification, before the code is compared: the browser's own verification if it names one, else the newest
 * for the address. Of many checks at once no more pass than the rules allow.
 *
 * @returns undefined when there is no such verification, or not any more, or its checks are used up.
 */
export async function countVerificationAttempt(
  db: Db,
  key: KeyObject,
  asked: { purposes: readonly CodePurpose[]; email: string; verificationId: string | undefined },
  { checks, lifetime }: Pick<VerificationLimits, 'checks' | 'lifetime'>,
  now: number,
): Promise<Verification | undefined> {
  const { email, verificationId } = asked;
  const row = await db
    .updateTable('verifications')
    .set((row) => ({ checks: row('checks', '+', 1) }))
    .where('id', '=', (flows) => {
      const open = flows
        .selectFrom('verifications as open')
        .select('open.id')
        .where('open.purpose', 'in', asked.purposes)
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

/** What is stored was written by `createVerification`, so its purpose is one of the table. */
const asFlow = (row: Omit<Verification, 'purpose'> & { purpose: string }): Verification => ({
  ...row,
  purpose: row.purpose as Purpose,
});

/** Whether the code is the one of this verification, for this purpose, account and address. */
export function fits(key: KeyObject, verification: Verification, email: string, code: string): boolean {
  const subject = { purpose: verification.purpose, userId: verification.user_id ?? undefined, email };
  return equalSecrets(verification.code_mac, codeMac(key, verification.id, subject, code));
}

/** Whose link this is, while it is good. Changes nothing: opening a link never does. */
export async function findVerificationByLink(
  db: Db,
  asked: readonly Purpose[],
  link: string,
  now: number,
): Promise<Verification | undefined> {
  const hashes = asked.map((purpose) => linkHash(purpose, link));
  const row = await db
    .selectFrom('verifications')
    .select(columns)
    .where('link_hash', 'in', hashes)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row && asFlow(row);
}

/** Uses a verification up, its code and its link. @returns false when it was not open any more: of many at once, one gets true. */
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

/** Ends the verifications of an account that a change to it ends, as the table of purposes says. */
export async function endVerificationsOf(
  tx: Db,
  userId: string,
  change: AccountChange,
  now: number,
): Promise<void> {
  await endAll(tx, affectedBy(change, 'ends'), now, userId);
  for (const purpose of affectedBy(change, 'oldest_stays')) await endAllButOldest(tx, userId, purpose, now);
}

/** Ends the verifications of everybody that an older copy of the database could have brought back to life. */
export const endEveryVerification = (tx: Db, now: number): Promise<void> =>
  endAll(tx, endedByRestoredDatabase(), now);

/** @param userId Whose; undefined for everybody's. */
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
 * Whether the owner of an address can still take it back to the account that had it: then no other account may have it.
 *
 * @param userId Whose account is to have the address; undefined for one that is yet to be made.
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

/** Removes verifications that expired more than `age` milliseconds ago, and those of no account as soon as they expire. */
export async function deleteOldVerifications(db: Db, age: number, now: number): Promise<void> {
  await db
    .deleteFrom('verifications')
    .where('expires_at', '<=', now)
    .where((verification) =>
      verification.or([verification('expires_at', '<', now - age), verification('user_id', 'is', null)]),
    )
    .execute();
}
