import { createHash, type KeyObject, randomInt } from 'node:crypto';
import type { Db } from '../platform/db/index.ts';
import { newId, newSecret } from '../platform/random.ts';
import { equalSecrets, mac } from '../platform/secrets.ts';

/** What a mailed code or link is good for. One for another purpose is refused. */
export type Purpose = 'reset_password';

/** How long and how often a code may be tried; set by its length (`config.codesDigits`). */
export interface CodeRules {
  digits: number;
  /** Milliseconds. */
  lifetime: number;
  checks: number;
}

/** What a code or link was made for, so that it fits nothing else. */
export interface CodeSubject {
  purpose: Purpose;
  /** Undefined when no account has the address: then nothing fits, and all the rest is the same. */
  userId: string | undefined;
  /** The normalised address that the mail goes to. */
  address: string;
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
  key: KeyObject,
  subject: CodeSubject,
  rules: CodeRules,
  now: number,
): Promise<BegunFlow> {
  const flow: BegunFlow = { id: newId(), code: newCode(rules.digits), link: newSecret() };
  await tx
    .insertInto('codes')
    .values({
      id: flow.id,
      purpose: subject.purpose,
      user_id: subject.userId ?? null,
      address_mac: addressMac(key, subject.address),
      code_mac: codeMac(key, flow.id, subject, flow.code),
      link_hash: linkHash(subject.purpose, flow.link),
      checks: 0,
      created_at: now,
      expires_at: now + rules.lifetime,
      ended_at: null,
    })
    .execute();
  return flow;
}

/** A flow as it was found, before anything is compared. */
export interface Flow {
  id: string;
  user_id: string | null;
  code_mac: string;
  purpose: string;
}

/**
 * Counts a check against one flow, before the code is compared: the browser's own flow if it names one, else the newest
 * for the address. Of many checks at once no more pass than the rules allow.
 *
 * @returns undefined when there is no such flow, or not any more, or its checks are used up.
 */
export function countCheck(
  db: Db,
  key: KeyObject,
  { purpose, address, flowId }: { purpose: Purpose; address: string; flowId: string | undefined },
  most: number,
  now: number,
): Promise<Flow | undefined> {
  return db
    .updateTable('codes')
    .set((row) => ({ checks: row('checks', '+', 1) }))
    .where('id', '=', (flows) => {
      const open = flows
        .selectFrom('codes as open')
        .select('open.id')
        .where('open.purpose', '=', purpose)
        .where('open.address_mac', '=', addressMac(key, address))
        .where('open.ended_at', 'is', null)
        .where('open.expires_at', '>', now)
        .orderBy('open.created_at', 'desc')
        .orderBy('open.id')
        .limit(1);
      return flowId === undefined ? open : open.where('open.id', '=', flowId);
    })
    .where('checks', '<', most)
    .where('ended_at', 'is', null)
    .returning(['id', 'user_id', 'code_mac', 'purpose'])
    .executeTakeFirst();
}

/** Whether the code is the one of this flow, for this purpose, account and address. */
export function fits(key: KeyObject, flow: Flow, address: string, code: string): boolean {
  const subject = { purpose: flow.purpose as Purpose, userId: flow.user_id ?? undefined, address };
  const isRight = equalSecrets(flow.code_mac, codeMac(key, flow.id, subject, code));
  return isRight && flow.user_id !== null;
}

/** Whose link this is, while it is good. Changes nothing: opening a link never does. */
export function findFlowByLink(
  db: Db,
  purpose: Purpose,
  link: string,
  now: number,
): Promise<{ id: string; user_id: string | null } | undefined> {
  return db
    .selectFrom('codes')
    .select(['id', 'user_id'])
    .where('link_hash', '=', linkHash(purpose, link))
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

/** Ends all flows of an account: after a change of password or address none of them means anything. */
export async function endFlowsOf(tx: Db, userId: string, now: number): Promise<void> {
  await tx
    .updateTable('codes')
    .set({ ended_at: now })
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .execute();
}

/** Removes flows that ran out more than `age` milliseconds ago. */
export async function forgetOldFlows(db: Db, age: number, now: number): Promise<void> {
  await db
    .deleteFrom('codes')
    .where('expires_at', '<', now - age)
    .execute();
}
