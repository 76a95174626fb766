import type { KeyObject } from 'node:crypto';
import {
  type ClaimedEmail,
  claimEmail,
  closeEmail,
  countWaiting,
  type EmailStatus,
  nextAttempt,
  postponeEmail,
  type SmtpReply,
} from '../core/emails/outbox.ts';
import type { RenderEmail } from '../core/emails/render.ts';
import { OPERATOR, recordEvent } from '../core/events.ts';
import type { EventName } from '../events.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/db/index.ts';
import { CONNECTIONS, type Delivery, type EmailTransport } from '../platform/email-transport.ts';
import type { Log } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';

/** The context of the email job. */
export interface EmailContext {
  db: Db;
  clock: Clock;
  log: Log;
  keys: { emails: KeyObject };
  metrics: Metrics;
  renderEmail: RenderEmail;
  /** Undefined without a mail server: emails wait for one until they expire. */
  emailTransport: EmailTransport | undefined;
  /** Whether emails are stored for the mailbox page instead. */
  hasMailbox: boolean;
}

export interface EmailSender {
  /** Starts to send due emails. Resolves when none is left, or no more can be sent at once; sending continues. */
  turn(): Promise<void>;
  /** Starts no further email, and briefly waits for those in progress before it aborts them. */
  stop(): Promise<void>;
}

/** Milliseconds: a shutdown has little time, and an aborted email is retried. */
const STOP_TIMEOUT = 1_000;
/** The pause before a result that the database rejected is written again, in milliseconds. */
const WRITE_PAUSE = 1_000;

const eventOf: Partial<Record<EmailStatus, EventName>> = {
  sent: 'email_sent',
  rejected: 'email_rejected',
  expired: 'email_expired',
};

export function emailSender(context: EmailContext): EmailSender {
  const { db, clock, log, keys, metrics } = context;
  const sending = new Map<string, Promise<void>>();
  let filling: Promise<void> | undefined;
  let stopping = false;
  /** While the mail server is down, one email at a time probes it, so that the others keep their attempts. */
  let away = false;
  let waiting: number | undefined;

  /** Starts to send due emails while there are any and slots are free. */
  function fill(): Promise<void> {
    filling ??= take().finally(() => {
      filling = undefined;
    });
    return filling;
  }

  async function take(): Promise<void> {
    while (!stopping && sending.size < (away ? 1 : CONNECTIONS)) {
      const email = await claimEmail(db, keys.emails, clock.now());
      if (!email) return;
      if (stopping) return postponeEmail(db, keys.emails, email, clock.now(), null);
      // The claim expired while this process could not write the result; it is still trying to.
      if (sending.has(email.id)) continue;
      const work = handle(email).finally(() => {
        sending.delete(email.id);
        // While the mail server is down, the next attempt waits for the next turn.
        if (!away) fill().catch(logFailure);
      });
      sending.set(email.id, work);
    }
  }

  async function handle(email: ClaimedEmail): Promise<void> {
    const result = await deliver(context, email);
    if (result.end === 'away') away = true;
    else if (result.end === 'sent' || result.end === 'rejected' || result.end === 'later') away = false;
    const write = () => settle(context, email, result);
    await untilWritten(write, () => stopping, logFailure);
  }

  const logFailure = (error: unknown) => logJobFailure(log, error);

  return {
    async turn() {
      await fill();
      if (waiting === 0 && sending.size === 0) return;
      waiting = await countWaiting(db);
      metrics.emailsWaiting(waiting);
    },
    async stop() {
      stopping = true;
      await filling?.catch(logFailure);
      await Promise.race([Promise.all(sending.values()), pause(STOP_TIMEOUT)]);
      await context.emailTransport?.close();
      await Promise.all(sending.values());
    },
  };
}

function logJobFailure(log: Log, error: unknown): void {
  log.error({ job: 'send-emails', error: error instanceof Error ? error.name : typeof error }, 'job failed');
}

/**
 * Writes the result of an email, retrying until the database accepts it: otherwise the email would be sent twice when
 * the claim expires.
 */
async function untilWritten(
  write: () => Promise<void>,
  isStopping: () => boolean,
  onFailure: (error: unknown) => void,
): Promise<void> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      onFailure(error);
      if (isStopping()) return;
      await pause(WRITE_PAUSE);
    }
  }
}

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds).unref());

interface Result {
  end: EmailStatus | Delivery['end'];
  /** Null if no mail server was contacted. */
  smtpReply: SmtpReply | null;
}

/** An error on our side, before the server replied. */
const ours = (code: string): SmtpReply => ({ code, replyText: null });

/** Hands an email to the mail server, unless it is unreadable, a decoy, for the mailbox page, or expired. */
async function deliver(context: EmailContext, email: ClaimedEmail): Promise<Result> {
  const { clock, log, renderEmail, emailTransport, hasMailbox } = context;
  const { id, kind, content } = email;
  if (!content) return { end: 'rejected', smtpReply: ours('unreadable') };
  if (content.to === null) return { end: 'decoy', smtpReply: null };
  if (hasMailbox) return { end: 'stored', smtpReply: null };
  if (email.expiresAt <= clock.now()) return { end: 'expired', smtpReply: null };
  if (!emailTransport) return { end: 'away', smtpReply: ours('no USHER_SMTP_URL') };
  try {
    const rendered = renderEmail(kind, content.values);
    const outgoing = { ...rendered, id, date: email.createdAt, to: content.to };
    const { end, code, reply } = await emailTransport.send(outgoing);
    return { end, smtpReply: { code, replyText: reply } };
  } catch (error) {
    // A bug, which a later version may fix. Its message may quote the email.
    const { name, stack } = error as Error;
    log.error(
      { email: id, kind, error: name, context: stack?.slice(stack.indexOf('\n    at ') + 1) },
      'email failed',
    );
    return { end: 'later', smtpReply: ours('failure') };
  }
}

/**
 * Writes the result of an attempt: the final status and its event, or the time of the next attempt. The text of the
 * server's reply can quote the email address, so it is only stored encrypted in the row.
 */
async function settle(context: EmailContext, email: ClaimedEmail, { end, smtpReply }: Result): Promise<void> {
  const { db, clock, log, keys, metrics } = context;
  const now = clock.now();
  const code = smtpReply?.code ?? null;
  const line = { email: email.id, kind: email.kind, attempts: email.attempts, reply: code };
  const next = end === 'later' || end === 'away' ? nextAttempt(email, now) : undefined;
  if (next !== undefined) {
    await postponeEmail(db, keys.emails, email, next, smtpReply);
    log.warn({ ...line, end, next: new Date(next).toISOString() }, 'email delayed');
    return;
  }
  const status = end === 'later' || end === 'away' ? 'expired' : end;
  const ended = await db.transaction().execute(async (tx) => {
    if (!(await closeEmail(tx, keys.emails, email, status, smtpReply, now))) return false;
    const event = eventOf[status];
    const details = {
      email: email.id,
      kind: email.kind,
      attempts: email.attempts,
      ...(code ? { reply: code } : {}),
    };
    if (event) await recordEvent(tx, event, OPERATOR, { userId: email.userId, actorId: null, details }, now);
    return true;
  });
  if (!ended) return;
  metrics.email(status);
  log.info({ ...line, end: status }, 'email finished');
}
