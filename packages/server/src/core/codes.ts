import { createHash, type KeyObject, randomInt } from 'node:crypto';
import type { Db } from '../platform/db/index.ts';
import type { CodesTable } from '../platform/db/tables.ts';
import { newId, newSecret } from '../platform/random.ts';
import { equalSecrets, type Keys, mac, seal, unseal } from '../platform/secrets.ts';

/** What a mailed code or link is good for. One for another purpose is refused. */
export type Purpose = CodesTable['purpose'];

/** How long and how often a code may be tried; set by its length (`config.codesDigits`). */
export interface CodeRules {
  digits: number;
  /** How long the code can be typed, in milliseconds. */
  lifetime: number;
  /** How long the link works, in milliseconds. */
  linkLifetime: number;
  checks: number;
}

/** What a code or link was made for, so that it fits nothing else. */
export interface CodeSubject {
  purpose: Purpose;
  /** Undefined when no account has the address: then nothing fits, and all the rest is the same. */
  userId: string | undefined;
  /** The normalised address that the mail goes to. */
  address: string;
  /** Of a link that takes a change of email back: which of the account's emails it went to. */
  emailNumber?: number;
}

/** What is done once the mail is answered. Kept sealed until then: it is nobody's account yet, or nobody's address. */
export interface Wish {
  email: string;
  emailKey: string;
  username?: string;
  usernameKey?: string;
  passwordHash?: string;
}

/** A flow that was just begun: its id for the browser, its secrets for the mail. */
export interface BegunFlow {
  id: string;
  code: string;
  link: string;
}

const addressMac = (key: KeyObject, address: string): string => mac(key, `address\n${address}`);

/** The secret of a link has 256 bits, so a plain hash hides it (ASVS 6.5.2). */
const linkHash = (purpose: Purpose, link: string): string =>
  createHash('sha256').update(`${purpose}\n${link}`).digest('base64url');

/** A code has few digits: only a key that is not in the database hides it, bound to all that it is good for. */
const codeMac = (
  key: KeyObject,
  flow: string,
  { purpose, userId, address }: CodeSubject,
  code: string,
): string => mac(key, ['code', purpose, flow, userId ?? '', address, code].join('\n'));

/** A code of so many digits, each equally likely (leading zeros too). */
const newCode = (digits: number): string => String(randomInt(10 ** digits)).padStart(digits, '0');

/** Begins a flow. Others of the same account go on: a stranger who begins one takes nothing from the owner. */
export async function beginFlow(
  tx: Db,
  keys: Pick<Keys, 'codes' | 'wishes'>,
  subject: CodeSubject,
  rules: CodeRules,
  now: number,
  wish?: Wish,
): Promise<BegunFlow> {
  const flow: BegunFlow = { id: newId(), code: newCode(rules.digits), link: newSecret() };
  await tx
    .insertInto('codes')
    .values({
      id: flow.id,
      purpose: subject.purpose,
      user_id: subject.userId ?? null,
      address_mac: addressMac(keys.codes, subject.address),
      code_mac: codeMac(keys.codes, flow.id, subject, flow.code),
      link_hash: linkHash(subject.purpose, flow.link),
      checks: 0,
      created_at: now,
      expires_at: now + rules.linkLifetime,
      ended_at: null,
      wish_encrypted: wish ? seal(keys.wishes, placeOf(flow.id), JSON.stringify(wish)) : null,
      email_number: subject.emailNumber ?? null,
    })
    .execute();
  return flow;
}

const placeOf = (id: string): string => `codes/${id}`;

/** A flow as it was found, before anything is compared. */
export interface Flow {
  id: string;
  user_id: string | null;
  address_mac: string;
  code_mac: string;
  purpose: Purpose;
  wish_encrypted: string | null;
  email_number: number | null;
}

const columns = [
  'id',
  'user_id',
  'address_mac',
  'code_mac',
  'purpose',
  'wish_encrypted',
  'email_number',
] as const;

/** What a flow was begun for, beside its purpose. @throws When it was begun for nothing more. */
export function wishOf(key: KeyObject, { id, wish_encrypted }: Flow): Wish {
  if (wish_encrypted === null) throw new Error('This flow was begun without a wish.');
  return JSON.parse(unseal(key, placeOf(id), wish_encrypted)) as Wish;
}

/** Whether this is the address that the mail of a flow went to. */
export const wentTo = (key: KeyObject, flow: Pick<Flow, 'address_mac'>, address: string): boolean =>
  equalSecrets(flow.address_mac, addressMac(key, address));

/**
 * Counts a check against one flow, before the code is compared: the browser's own flow if it names one, else the newest
 * for the address. Of many checks at once no more pass than the rules allow.
 *
 * @returns undefined when there is no such flow, or not any more, or its checks are used up.
 */
export function countCheck(
  db: Db,
  key: KeyObject,
  {
    purposes,
    address,
    flowId,
  }: { purposes: readonly Purpose[]; address: string; flowId: string | undefined },
  { checks, lifetime }: Pick<CodeRules, 'checks' | 'lifetime'>,
  now: number,
): Promise<Flow | undefined> {
  return db
    .updateTable('codes')
    .set((row) => ({ checks: row('checks', '+', 1) }))
    .where('id', '=', (flows) => {
      const open = flows
        .selectFrom('codes as open')
        .select('open.id')
        .where('open.purpose', 'in', purposes)
        .where('open.address_mac', '=', addressMac(key, address))
        .where('open.ended_at', 'is', null)
        .where('open.expires_at', '>', now)
        .where('open.created_at', '>', now - lifetime)
        .orderBy('open.created_at', 'desc')
        .orderBy('open.id')
        .limit(1);
      return flowId === undefined ? open : open.where('open.id', '=', flowId);
    })
    .where('checks', '<', checks)
    .where('ended_at', 'is', null)
    .returning(columns)
    .executeTakeFirst();
}

/** Whether the code is the one of this flow, for this purpose, account and address. */
export function fits(key: KeyObject, flow: Flow, address: string, code: string): boolean {
  const subject = { purpose: flow.purpose, userId: flow.user_id ?? undefined, address };
  return equalSecrets(flow.code_mac, codeMac(key, flow.id, subject, code));
}

/** Whose link this is, while it is good. Changes nothing: opening a link never does. */
export function findFlowByLink(
  db: Db,
  purposes: readonly Purpose[],
  link: string,
  now: number,
): Promise<Flow | undefined> {
  const hashes = purposes.map((purpose) => linkHash(purpose, link));
  return db
    .selectFrom('codes')
    .select(columns)
    .where('link_hash', 'in', hashes)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
}

/** Uses a flow up, its code and its link. @returns false when it was not open any more: of many at once, one gets true. */
export async function useFlow(tx: Db, id: string, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('codes')
    .set({ ended_at: now })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Ends the flows of an account that mean nothing any more. Links that take a change of email back are spared
 * (`codes/restore-links`): whoever stole an account could end the owner's.
 */
export async function endFlowsOf(
  tx: Db,
  userId: string,
  now: number,
  purposes: readonly Purpose[] = ['reset_password', 'change_email'],
): Promise<void> {
  await tx
    .updateTable('codes')
    .set({ ended_at: now })
    .where('user_id', '=', userId)
    .where('purpose', 'in', purposes)
    .where('ended_at', 'is', null)
    .execute();
}

/**
 * Whether the owner of an address can still take it back to the account that had it: then no other account may have it.
 *
 * @param userId Whose account is to have the address; undefined for one that is yet to be made.
 */
export async function isHeld(
  db: Db,
  key: KeyObject,
  address: string,
  userId: string | undefined,
  now: number,
): Promise<boolean> {
  const row = await db
    .selectFrom('codes')
    .select('id')
    .where('address_mac', '=', addressMac(key, address))
    .where('user_id', '<>', userId ?? '')
    .where('purpose', '=', 'restore_email')
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row !== undefined;
}

/** Removes flows that expired more than `age` milliseconds ago, and those of no account as soon as they expire. */
export async function forgetOldFlows(db: Db, age: number, now: number): Promise<void> {
  await db
    .deleteFrom('codes')
    .where('expires_at', '<=', now)
    .where((flow) => flow.or([flow('expires_at', '<', now - age), flow('user_id', 'is', null)]))
    .execute();
}
