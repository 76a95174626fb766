import type { KeyObject } from 'node:crypto';
import { OPERATOR, recordEvent } from '../core/events.ts';
import {
  type ClaimedMail,
  claimMail,
  countWaiting,
  endMail,
  nextTry,
  type Outcome,
  putOffMail,
  type Said,
} from '../core/mails/outbox.ts';
import type { RenderMail } from '../core/mails/render.ts';
import type { EventName } from '../events.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/db/index.ts';
import type { Log } from '../platform/log.ts';
import { CONNECTIONS, type Delivery, type MailTransport } from '../platform/mail-transport.ts';
import type { Metrics } from '../platform/metrics.ts';

/** What the sending of mails works with. */
export interface MailPlace {
  db: Db;
  clock: Clock;
  log: Log;
  keys: { mail: KeyObject };
  metrics: Metrics;
  renderMail: RenderMail;
  /** Undefined without a server to hand mails to: they wait for one, until they are not worth it. */
  mailTransport: MailTransport | undefined;
  /** Whether mails are kept for the mailbox page instead. */
  hasMailbox: boolean;
}

export interface MailSender {
  /** Begins to send what is due. Resolves when there is no more, or no more at once; the sending goes on. */
  turn(): Promise<void>;
  /** Begins no mail any more, and waits a moment for those under way before it cuts them off. */
  stop(): Promise<void>;
}

/** Milliseconds: a stop as a whole has little time, and a mail that was cut off is tried again. */
const STOP_PATIENCE = 1_000;
/** How long until what became of a mail is written again, after the database did not take it; in milliseconds. */
const WRITE_PAUSE = 1_000;

const eventOf: Partial<Record<Outcome, EventName>> = {
  sent: 'mail_sent',
  refused: 'mail_refused',
  expired: 'mail_expired',
};

export function mailSender(place: MailPlace): MailSender {
  const { db, clock, log, keys, metrics } = place;
  const underWay = new Map<string, Promise<void>>();
  let filling: Promise<void> | undefined;
  let stopping = false;
  /** While no server takes mails, one at a time finds out whether it is back: the others keep their tries. */
  let away = false;
  let waiting: number | undefined;

  /** Takes mails as long as there are any and hands are free. */
  function fill(): Promise<void> {
    filling ??= take().finally(() => {
      filling = undefined;
    });
    return filling;
  }

  async function take(): Promise<void> {
    while (!stopping && underWay.size < (away ? 1 : CONNECTIONS)) {
      const mail = await claimMail(db, keys.mail, clock.now());
      if (!mail) return;
      if (stopping) return putOffMail(db, keys.mail, mail, clock.now(), null);
      // Its claim ran out while this process could not write what became of it, and still tries to.
      if (underWay.has(mail.id)) continue;
      const work = handle(mail).finally(() => {
        underWay.delete(mail.id);
        // While the server is away, the next try waits for the next turn.
        if (!away) fill().catch(logFailure);
      });
      underWay.set(mail.id, work);
    }
  }

  async function handle(mail: ClaimedMail): Promise<void> {
    const result = await deliver(place, mail);
    if (result.end === 'away') away = true;
    else if (result.end === 'sent' || result.end === 'refused' || result.end === 'later') away = false;
    await write(() => settle(place, mail, result));
  }

  /**
   * Writes what became of a mail, again and again until the database takes it: else it would be sent once more when
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
    log.error({ job: 'send-mail', error: error instanceof Error ? error.name : typeof error }, 'job failed');
  }

  return {
    async turn() {
      await fill();
      if (waiting === 0 && underWay.size === 0) return;
      waiting = await countWaiting(db);
      metrics.mailsWaiting(waiting);
    },
    async stop() {
      stopping = true;
      await filling?.catch(logFailure);
      await Promise.race([Promise.all(underWay.values()), pause(STOP_PATIENCE)]);
      await place.mailTransport?.close();
      await Promise.all(underWay.values());
    },
  };
}

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds).unref());

interface Result {
  end: Outcome | Delivery['end'];
  /** Null where no server was to be asked. */
  said: Said | null;
}

/** What went wrong here, before a server said anything. */
const ours = (code: string): Said => ({ code, words: null });

/** Hands a mail to the server, if there is one and the mail is for it. */
async function deliver(place: MailPlace, mail: ClaimedMail): Promise<Result> {
  const { clock, log, renderMail, mailTransport, hasMailbox } = place;
  const { id, kind, content } = mail;
  if (!content) return { end: 'refused', said: ours('unreadable') };
  if (content.to === null) return { end: 'decoy', said: null };
  if (hasMailbox) return { end: 'kept', said: null };
  if (mail.expiresAt <= clock.now()) return { end: 'expired', said: null };
  if (!mailTransport) return { end: 'away', said: ours('no USHER_SMTP_URL') };
  try {
    const rendered = renderMail(kind, content.values);
    const outgoing = { ...rendered, id, date: mail.createdAt, to: content.to };
    const { end, code, answer } = await mailTransport.send(outgoing);
    return { end, said: { code, words: answer } };
  } catch (error) {
    // A bug of ours, which a later version may not have. Its message may hold what the mail holds.
    const { name, stack } = error as Error;
    log.error(
      { mail: id, kind, error: name, place: stack?.slice(stack.indexOf('\n    at ') + 1) },
      'email failed',
    );
    return { end: 'later', said: ours('failure') };
  }
}

/**
 * Writes what became of a mail: its end, with the event of it, or when it is tried again. The server's words, which can
 * quote the address, go into the row alone, sealed.
 */
async function settle(place: MailPlace, mail: ClaimedMail, { end, said }: Result): Promise<void> {
  const { db, clock, log, keys, metrics } = place;
  const now = clock.now();
  const code = said?.code ?? null;
  const line = { mail: mail.id, kind: mail.kind, tries: mail.tries, answer: code };
  const next = end === 'later' || end === 'away' ? nextTry(mail, now) : undefined;
  if (next !== undefined) {
    await putOffMail(db, keys.mail, mail, next, said);
    log.warn({ ...line, end, next: new Date(next).toISOString() }, 'email delayed');
    return;
  }
  const outcome = end === 'later' || end === 'away' ? 'expired' : end;
  const ended = await db.transaction().execute(async (tx) => {
    if (!(await endMail(tx, keys.mail, mail, outcome, said, now))) return false;
    const event = eventOf[outcome];
    const details = { mail: mail.id, kind: mail.kind, tries: mail.tries, ...(code ? { answer: code } : {}) };
    if (event) await recordEvent(tx, event, OPERATOR, { userId: mail.userId, actorId: null, details }, now);
    return true;
  });
  if (!ended) return;
  metrics.mail(outcome);
  log.info({ ...line, end: outcome }, 'email finished');
}
