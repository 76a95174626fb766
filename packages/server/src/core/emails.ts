import { HttpError } from '../errors.ts';
import type { Db } from '../platform/db/index.ts';
import { newEmailId } from '../platform/random.ts';
import type { Keys } from '../platform/secrets.ts';
import { sealContent } from './emails/content.ts';
import {
  CLIENT_VALUES,
  type EmailKind,
  emailValues,
  isFromStrangers,
  type ValuesOf,
} from './emails/kinds.ts';

export type { EmailKind } from './emails/kinds.ts';

/** An email that a flow wants to be sent. */
export interface NewEmail<K extends EmailKind = EmailKind> {
  kind: K;
  /** The stored address, never what someone typed; null for a decoy: the same work, and nothing is sent. */
  to: string | null;
  userId: string | null;
  /** What stands in it (`emails/kinds.ts`), and `ip` and `user_agent` of the request that it answers. `code` may be empty. */
  values: ValuesOf<K> & { ip?: string; user_agent?: string };
  /** When it stops being worth sending, in milliseconds since 1970; null for one day from now, when any email does. */
  expiresAt: number | null;
  /** Whether a browser that the account knows asked for it: then others' emails leave it room. */
  isKnown?: boolean;
}

/** Whoever cannot be reached for this long is given up; in milliseconds. */
const LONGEST_WAIT = 24 * 60 * 60_000;
/** More emails than this never wait (attack D10), but for those that follow from a password or a session. */
const MAX_WAITING = 10_000;
/** So many more may wait that were asked for by browsers which an account knows. */
const ROOM_FOR_KNOWN = 10_000;

/**
 * Puts an email into the outbox, in the transaction of what it tells of: it is sent if that is committed.
 *
 * @throws HttpError `busy` for an email that a stranger can cause, while too many wait. Decoys take up no room, and are refused
 * alike.
 */
export async function queueEmail<K extends EmailKind>(
  tx: Db,
  keys: Keys,
  email: NewEmail<K>,
  now: number,
): Promise<void> {
  const { kind, to, userId, expiresAt } = email;
  const values: Record<string, string | undefined> = email.values;
  if (to !== null && !canBeMailedTo(to))
    throw new Error(`The recipient of a ${kind} email isn’t a valid email address.`);
  const missing = emailValues[kind].filter((name) => values[name] === undefined);
  if (missing.length > 0)
    throw new Error(`The values for a ${kind} email are missing: ${missing.join(', ')}.`);
  if (isFromStrangers(kind) && (await isFull(tx, email.isKnown ? MAX_WAITING + ROOM_FOR_KNOWN : MAX_WAITING)))
    throw new HttpError('busy', {
      message: 'The email queue is full. Try again later.',
      retryAfter: 60,
    });
  const used = [...emailValues[kind], ...CLIENT_VALUES].map((name) => [name, values[name] ?? '']);
  const id = newEmailId();
  const content = { to, values: Object.fromEntries(used) };
  await tx
    .insertInto('emails')
    .values({
      id,
      kind,
      user_id: userId,
      content_encrypted: sealContent(keys.emails, id, content),
      created_at: now,
      expires_at: Math.min(expiresAt ?? Number.POSITIVE_INFINITY, now + LONGEST_WAIT),
      due_at: now,
      attempts: 0,
      ended_at: null,
      status: null,
      smtp_reply: null,
      smtp_reply_text_encrypted: null,
      attempts_before_retry: 0,
      recipients: to === null ? 0 : 1,
    })
    .execute();
}

/**
 * The account is deleted: drops the emails to it that were not sent yet, and of the others what they said and what the email
 * server said of them. That there were such emails stays.
 */
export async function deleteEmailsOf(tx: Db, userId: string): Promise<void> {
  await tx.deleteFrom('emails').where('user_id', '=', userId).where('due_at', 'is not', null).execute();
  await tx
    .updateTable('emails')
    .set({ content_encrypted: null, smtp_reply_text_encrypted: null })
    .where('user_id', '=', userId)
    .execute();
}

/**
 * The plain form of an address, as `names` stores it. Looked at again here, because one line end or comma in it would
 * be another recipient (attacks W8, W21, W22).
 */
function canBeMailedTo(email: string): boolean {
  return email.length <= 254 && /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(email);
}

/** Only emails that somebody is to get take up room: decoys must keep nobody from one. */
async function isFull(db: Db, most: number): Promise<boolean> {
  const last = await db
    .selectFrom('emails')
    .select('id')
    .where('recipients', '=', 1)
    .where('due_at', 'is not', null)
    .limit(1)
    .offset(most)
    .executeTakeFirst();
  return last !== undefined;
}
