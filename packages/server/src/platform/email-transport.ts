import type { NodemailerError, SMTPPoolOptions, SMTPPoolSentMessageInfo, Transporter } from 'nodemailer';
import { type Config, isLoopback, type Secret, splitMailbox } from '../config.ts';

/** An email on its way out. */
export interface OutgoingEmail {
  /** The part of the Message-ID before the @; the same at every try. */
  id: string;
  /** When it was written, in milliseconds since 1970. */
  date: number;
  to: string;
  subject: string;
  text: string;
  html: string;
  language: string;
}

/**
 * What became of an email: the server took it (`sent`), will never take it (`refused`), not now (`later`); or there was
 * no server that takes any email (`away`), which says nothing about this one.
 *
 * `answer` is what the server said, as it said it, but for our password; it can quote an address. `code` is its number, as in `550 5.1.1`, or
 * the name of what went wrong, and quotes nothing.
 */
export interface Delivery {
  end: 'sent' | 'rejected' | 'later' | 'away';
  reply: string;
  code: string;
}

export interface EmailTransport {
  /** Never rejects for what the server does. */
  send(email: OutgoingEmail): Promise<Delivery>;
  /** Cuts off what is being sent, which is then `away`. */
  close(): Promise<void>;
}

type EmailConfig = Pick<Config, 'smtpTls' | 'emailFrom'> & { smtpUrl: Secret };

/** Milliseconds: to be connected and greeted, for the server to say something, and for an email as a whole. */
interface Timeouts {
  connection: number;
  socket: number;
  email: number;
}

const defaultTimeouts: Timeouts = { connection: 10_000, socket: 30_000, email: 240_000 };

/** How many emails are handed over at once. */
export const CONNECTIONS = 5;

/**
 * Connects at the first email, and keeps the connections for those that follow.
 *
 * @param publicUrl Its host is what we call ourselves to the server.
 */
export function createEmailTransport(
  config: EmailConfig,
  publicUrl: string,
  timeouts: Timeouts = defaultTimeouts,
): EmailTransport {
  const from = splitMailbox(config.emailFrom);
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  // Loaded with the first email, and not by every start.
  let pool: Promise<Pool> | undefined;
  let closed = false;
  return {
    async send({ id, date, to, subject, text, html, language }) {
      rejectControl(to, subject);
      try {
        pool ??= openPool(config, new URL(publicUrl).hostname, timeouts);
        const transport = await pool;
        if (closed) transport.close();
        const { response } = await transport.sendMail({
          messageId: `<${id}@${domain}>`,
          date: new Date(date),
          from,
          // As an object: it is not parsed, so it is one address whatever it is made of (attacks W8, W21).
          to: { name: '', address: to },
          envelope: { from: from.address, to: [to] },
          subject,
          text,
          html,
          headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': language },
          signal: AbortSignal.timeout(timeouts.email),
        });
        return { end: 'sent', reply: response, code: codeIn(response) ?? '' };
      } catch (error) {
        const failure = failureOf(error as NodemailerError);
        return { ...failure, reply: withoutLogin(failure.reply, config.smtpUrl) };
      }
    },
    async close() {
      closed = true;
      (await pool)?.close({ force: true });
    },
  };
}

type Pool = Transporter<SMTPPoolSentMessageInfo, SMTPPoolOptions>;

async function openPool({ smtpUrl, smtpTls }: EmailConfig, name: string, timeouts: Timeouts): Promise<Pool> {
  const { createTransport } = await import('nodemailer');
  return createTransport({
    pool: true,
    maxConnections: CONNECTIONS,
    ...serverOf(smtpUrl, smtpTls),
    name,
    connectionTimeout: timeouts.connection,
    greetingTimeout: timeouts.connection,
    dnsTimeout: timeouts.connection,
    socketTimeout: timeouts.socket,
    // How long a server may take to hang up after us.
    socketCloseTimeout: 1_000,
    // Nothing in an email is read from a file or an address, whatever stands in it.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** TLS from the first byte (`smtps:`), or after STARTTLS, without which nothing is sent (fault F26). */
function serverOf(smtpUrl: Secret, smtpTls: Config['smtpTls']) {
  const { protocol, hostname, port } = new URL(smtpUrl.reveal());
  const auth = loginOf(smtpUrl);
  const secure = protocol === 'smtps:';
  // On this machine nobody is in between, and nobody has a certificate for it.
  const isPlain = !secure && (isLoopback(hostname) || smtpTls === 'off');
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port) || (secure ? 465 : 587),
    secure,
    requireTLS: !secure && !isPlain,
    ignoreTLS: isPlain,
    ...(auth ? { auth } : {}),
  };
}

/** The user and password of the server's URL, if it has any. */
function loginOf(smtpUrl: Secret): { user: string; pass: string } | undefined {
  const { username, password } = new URL(smtpUrl.reveal());
  if (!username && !password) return undefined;
  return { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
}

/** The last of several checks: with a line end in one of these, whoever wrote it would write the email (attack W22). */
function rejectControl(...texts: string[]): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there.
  if (texts.some((text) => /[\x00-\x1f\x7f]/.test(text)))
    throw new Error('An email has a control character in its address or subject.');
}

/** A number means this email only in answer to its recipient or its text; before that, it means us or the server. */
function failureOf({ command, responseCode, response, code, message }: NodemailerError): Delivery {
  const said = (response ?? message).trim();
  if (code === 'ETLS') return { end: 'away', reply: `STARTTLS failed: ${said}`, code };
  const isAboutEmail = command === 'RCPT TO' || command === 'DATA';
  // Beneath `ESOCKET` and its like the system says what it was, such as ECONNREFUSED.
  const told = {
    reply: said,
    code: codeIn(response) ?? /\bE[A-Z]{4,}\b/.exec(message)?.[0] ?? code ?? 'unknown',
  };
  if (code === 'EENVELOPE' && command === 'API') return { end: 'rejected', ...told };
  if (!isAboutEmail || !responseCode || responseCode === 421) return { end: 'away', ...told };
  return { end: responseCode >= 500 && responseCode !== 503 ? 'rejected' : 'later', ...told };
}

/** What was said, should the server say back to us what we signed in with (RFC 4616, and LOGIN). */
function withoutLogin(said: string, smtpUrl: Secret): string {
  const { user, pass } = loginOf(smtpUrl) ?? {};
  if (!user || !pass) return said;
  const spoken = [`\0${user}\0${pass}`, pass].flatMap((text) => [
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
    text,
  ]);
  return spoken.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), said);
}

/** The number of an answer, and the enhanced one (RFC 3463) if there is one. */
function codeIn(response: string | undefined): string | undefined {
  return /^\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?/.exec(response ?? '')?.[0].replace('-', ' ');
}
