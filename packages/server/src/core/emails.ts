import { HttpError } from '../errors.ts';
import { text } from '../languages/text.ts';
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

/** An email to queue. */
export interface NewEmail<K extends EmailKind = EmailKind> {
  kind: K;
  /** The stored email, never what someone typed; null for a decoy, which costs the same work but is not sent. */
  to: string | null;
  userId: string | null;
  /**
   * The template's values (`emails/kinds`), and `ip` and `user_agent` of the request that caused it. `code` may be
   * empty.
   */
  values: ValuesOf<K> & { ip?: string; user_agent?: string };
  /** The language tag of the recipient, never that of a stranger who causes the email; null if unknown. */
  language: string | null;
  /** The time zone of the recipient, likewise; UTC if unknown. */
  timeZone?: string | null | undefined;
  /**
   * When it is no longer worth sending, in milliseconds since 1970. Null: after one day, the maximum for every email.
   */
  expiresAt: number | null;
  /** Whether the request came from a browser that the account knows. Such emails have queue space reserved. */
  isKnown?: boolean;
}

/** An email that cannot be delivered for this long is abandoned; in milliseconds. */
const LONGEST_WAIT = 24 * 60 * 60_000;
/** The maximum number of waiting emails (attack D10). Emails that require a password or a session are exempt. */
const MAX_WAITING = 10_000;
/** How many more emails may wait if a browser known to the account requested them. */
const ROOM_FOR_KNOWN = 10_000;

/**
 * Adds an email to the outbox, in the transaction of the change that it reports: it is sent only if that commits.
 *
 * @throws HttpError `busy` for an email that strangers can cause, while the queue is full. Decoys take up no space, but
 * are rejected alike.
 */
export async function queueEmail<K extends EmailKind>(
  tx: Db,
  keys: Keys,
  email: NewEmail<K>,
  now: number,
): Promise<void> {
  const { kind, to, userId, language, timeZone, expiresAt } = email;
  const values: Record<string, string | undefined> = email.values;
  if (to !== null && !canBeMailedTo(to))
    throw new Error(`The recipient of a ${kind} email isn’t a valid email address.`);
  const missing = emailValues[kind].filter((name) => values[name] === undefined);
  if (missing.length > 0)
    throw new Error(`The values for a ${kind} email are missing: ${missing.join(', ')}.`);
  if (isFromStrangers(kind) && (await isFull(tx, email.isKnown ? MAX_WAITING + ROOM_FOR_KNOWN : MAX_WAITING)))
    throw new HttpError('busy', {
      text: text('error.emails_full'),
      retryAfter: 60,
    });
  const used = [...emailValues[kind], ...CLIENT_VALUES].map((name) => [name, values[name] ?? '']);
  const id = newEmailId();
  const reader = { language: language ?? '', time_zone: timeZone ?? '' };
  const content = { to, values: { ...Object.fromEntries(used), ...reader } };
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
 * Called when the account is deleted. Removes its unsent emails, and from the others the content and the email server's
 * reply. The record that they were sent stays.
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
 * Whether this is a plain email as `core/identifiers` stores it. Checked again here because a line break or comma in it
 * would add another recipient (attacks W8, W21, W22).
 */
function canBeMailedTo(email: string): boolean {
  return email.length <= 254 && /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(email);
}

/** Only emails with a recipient count: decoys must not fill the queue. */
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
