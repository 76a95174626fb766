import { Refusal } from '../errors.ts';
import type { Db } from '../platform/db/index.ts';
import { newMailId } from '../platform/random.ts';
import type { Keys } from '../platform/secrets.ts';
import { sealContent } from './mails/content.ts';
import { isFromStrangers, type MailKind, mailValues, ORIGIN_VALUES, type ValuesOf } from './mails/kinds.ts';

export type { MailKind } from './mails/kinds.ts';

/** A mail that a flow wants to be sent. */
export interface NewMail<K extends MailKind = MailKind> {
  kind: K;
  /** The stored address, never what someone typed; null for a decoy: the same work, and nothing is sent. */
  to: string | null;
  userId: string | null;
  /** What stands in it (`mails/kinds`), and `ip` and `user_agent` of the request that it answers. `code` may be empty. */
  values: ValuesOf<K> & { ip?: string; user_agent?: string };
  /** When it stops being worth sending, in milliseconds since 1970; null for one day from now, when any mail does. */
  expiresAt: number | null;
  /** Whether a browser that the account knows asked for it: then others' mails leave it room. */
  isKnown?: boolean;
}

/** Whoever cannot be reached for this long is given up; in milliseconds. */
const LONGEST_WAIT = 24 * 60 * 60_000;
/** More mails than this never wait (attack D10), but for those that follow from a password or a session. */
const MOST_WAITING = 10_000;
/** So many more may wait that were asked for by browsers which an account knows. */
const ROOM_FOR_KNOWN = 10_000;

/**
 * Puts a mail into the outbox, in the transaction of what it tells of: it is sent if that is committed.
 *
 * @throws Refusal `busy` for a mail that a stranger can cause, while too many wait. Decoys take up no room, and are refused
 * alike.
 */
export async function queueMail<K extends MailKind>(
  tx: Db,
  keys: Keys,
  mail: NewMail<K>,
  now: number,
): Promise<void> {
  const { kind, to, userId, expiresAt } = mail;
  const values: Record<string, string | undefined> = mail.values;
  if (to !== null && !canBeMailedTo(to))
    throw new Error(`The recipient of a ${kind} email isn’t a valid email address.`);
  const missing = mailValues[kind].filter((name) => values[name] === undefined);
  if (missing.length > 0)
    throw new Error(`The values for a ${kind} email are missing: ${missing.join(', ')}.`);
  if (
    isFromStrangers(kind) &&
    (await isFull(tx, mail.isKnown ? MOST_WAITING + ROOM_FOR_KNOWN : MOST_WAITING))
  )
    throw new Refusal('busy', {
      message: 'The email queue is full. Try again later.',
      retryAfter: 60,
    });
  const used = [...mailValues[kind], ...ORIGIN_VALUES].map((name) => [name, values[name] ?? '']);
  const id = newMailId();
  const content = { to, values: Object.fromEntries(used) };
  await tx
    .insertInto('mails')
    .values({
      id,
      kind,
      user_id: userId,
      content_encrypted: sealContent(keys.mail, id, content),
      created_at: now,
      expires_at: Math.min(expiresAt ?? Number.POSITIVE_INFINITY, now + LONGEST_WAIT),
      due_at: now,
      tries: 0,
      ended_at: null,
      outcome: null,
      answer: null,
      answer_text_encrypted: null,
      tries_before: 0,
      recipients: to === null ? 0 : 1,
    })
    .execute();
}

/**
 * The account is deleted: drops the mails to it that were not sent yet, and of the others what they said and what the mail
 * server said of them. That there were such mails stays.
 */
export async function forgetMailsOf(tx: Db, userId: string): Promise<void> {
  await tx.deleteFrom('mails').where('user_id', '=', userId).where('due_at', 'is not', null).execute();
  await tx
    .updateTable('mails')
    .set({ content_encrypted: null, answer_text_encrypted: null })
    .where('user_id', '=', userId)
    .execute();
}

/**
 * The plain form of an address, as `names` stores it. Looked at again here, because one line end or comma in it would
 * be another recipient (attacks W8, W21, W22).
 */
function canBeMailedTo(address: string): boolean {
  return address.length <= 254 && /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(address);
}

/** Only mails that somebody is to get take up room: decoys must keep nobody from one. */
async function isFull(db: Db, most: number): Promise<boolean> {
  const last = await db
    .selectFrom('mails')
    .select('id')
    .where('recipients', '=', 1)
    .where('due_at', 'is not', null)
    .limit(1)
    .offset(most)
    .executeTakeFirst();
  return last !== undefined;
}
