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

/** What the sending of emails works with. */
export interface EmailContext {
  db: Db;
  clock: Clock;
  log: Log;
  keys: { emails: KeyObject };
  metrics: Metrics;
  renderEmail: RenderEmail;
  /** Undefined without a server to hand emails to: they wait for one, until they are not worth it. */
  emailTransport: EmailTransport | undefined;
  /** Whether emails are kept for the mailbox page instead. */
  hasMailbox: boolean;
}

export interface EmailSender {
  /** Begins to send what is due. Resolves when there is no more, or no more at once; the sending goes on. */
  turn(): Promise<void>;
  /** Begins no email any more, and waits a moment for those under way before it cuts them off. */
  stop(): Promise<void>;
}

/** Milliseconds: a stop as a whole has little time, and an email that was cut off is tried again. */
const STOP_TIMEOUT = 1_000;
/** How long until what became of an email is written again, after the database did not take it; in milliseconds. */
const WRITE_PAUSE = 1_000;

const eventOf: Partial<Record<EmailStatus, EventName>> = {
  sent: 'email_sent',
  rejected: 'email_rejected',
  expired: 'email_expired',
};

export function emailSender(context: EmailContext): EmailSender {
  const { db, clock, log, keys, metrics } = context;
  const underWay = new Map<string, Promise<void>>();
  let filling: Promise<void> | undefined;
  let stopping = false;
  /** While no server takes emails, one at a time finds out whether it is back: the others keep their tries. */
  let away = false;
  let waiting: number | undefined;

  /** Takes emails as long as there are any and hands are free. */
  function fill(): Promise<void> {
    filling ??= take().finally(() => {
      filling = undefined;
    });
    return filling;
  }

  async function take(): Promise<void> {
    while (!stopping && underWay.size < (away ? 1 : CONNECTIONS)) {
      const email = await claimEmail(db, keys.emails, clock.now());
      if (!email) return;
      if (stopping) return postponeEmail(db, keys.emails, email, clock.now(), null);
      // Its claim ran out while this process could not write what became of it, and still tries to.
      if (underWay.has(email.id)) continue;
      const work = handle(email).finally(() => {
        underWay.delete(email.id);
        // While the server is away, the next try waits for the next turn.
        if (!away) fill().catch(logFailure);
      });
      underWay.set(email.id, work);
    }
  }

  async function handle(email: ClaimedEmail): Promise<void> {
    const result = await deliver(context, email);
    if (result.end === 'away') away = true;
    else if (result.end === 'sent' || result.end === 'rejected' || result.end === 'later') away = false;
    await write(() => settle(context, email, result));
  }

  /**
   * Writes what became of an email, again and again until the database takes it: else it would be sent once more when
   * the claim runs out, although we know better.
   */
  async function write(note: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await note();
      } catch (error) {
        logFailure(error);
        if (stopping) return;
        await pause(WRITE_PAUSE);
      }
    }
  }

  function logFailure(error: unknown): void {
    log.error(
      { job: 'send-emails', error: error instanceof Error ? error.name : typeof error },
      'job failed',
    );
  }

  return {
    async turn() {
      await fill();
      if (waiting === 0 && underWay.size === 0) return;
      waiting = await countWaiting(db);
      metrics.emailsWaiting(waiting);
    },
    async stop() {
      stopping = true;
      await filling?.catch(logFailure);
      await Promise.race([Promise.all(underWay.values()), pause(STOP_TIMEOUT)]);
      await context.emailTransport?.close();
      await Promise.all(underWay.values());
    },
  };
}

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds).unref());

interface Result {
  end: EmailStatus | Delivery['end'];
  /** Null where no server was to be asked. */
  smtpReply: SmtpReply | null;
}

/** What went wrong here, before a server said anything. */
const ours = (code: string): SmtpReply => ({ code, replyText: null });

/** Hands an email to the server, if there is one and the email is for it. */
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
    // A bug of ours, which a later version may not have. Its message may hold what the email holds.
    const { name, stack } = error as Error;
    log.error(
      { email: id, kind, error: name, context: stack?.slice(stack.indexOf('\n    at ') + 1) },
      'email failed',
    );
    return { end: 'later', smtpReply: ours('failure') };
  }
}

/**
 * Writes what became of an email: its end, with the event of it, or when it is tried again. The server's words, which can
 * quote the address, go into the row alone, sealed.
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
