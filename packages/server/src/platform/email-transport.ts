import type { NodemailerError, SMTPPoolOptions, SMTPPoolSentMessageInfo, Transporter } from 'nodemailer';
import { type Config, isLoopback, type Secret, splitMailbox } from '../config.ts';

/** An email to send. */
export interface OutgoingEmail {
  /** The part of the Message-ID before the @; the same on every attempt. */
  id: string;
  /** When it was created, in milliseconds since 1970. */
  date: number;
  to: string;
  subject: string;
  text: string;
  html: string;
  language: string;
}

/**
 * The result of an attempt: the server accepted the email (`sent`), will never accept it (`rejected`), or not now
 * (`later`); or no server is accepting email (`away`), which says nothing about this one.
 *
 * `reply` is the server's reply, verbatim except for the SMTP password; it can quote an email address. `code` is its
 * status code, such as `550 5.1.1`, or the name of the failure, and quotes nothing.
 */
export interface Delivery {
  end: 'sent' | 'rejected' | 'later' | 'away';
  reply: string;
  code: string;
}

export interface EmailTransport {
  /** Never rejects because of the server. */
  send(email: OutgoingEmail): Promise<Delivery>;
  /** Aborts emails that are being sent; their result is `away`. */
  close(): Promise<void>;
}

type EmailConfig = Pick<Config, 'smtpTls' | 'emailFrom'> & { smtpUrl: Secret };

/** Milliseconds: for connecting and the greeting, for each reply, and for an email as a whole. */
interface Timeouts {
  connection: number;
  socket: number;
  email: number;
}

const defaultTimeouts: Timeouts = { connection: 10_000, socket: 30_000, email: 240_000 };

/** How many emails are sent at once. */
export const CONNECTIONS = 5;

/**
 * Connects at the first email, and reuses the connections.
 *
 * @param publicUrl Its host is the name given to the server in EHLO.
 */
export function createEmailTransport(
  config: EmailConfig,
  publicUrl: string,
  timeouts: Timeouts = defaultTimeouts,
): EmailTransport {
  const from = splitMailbox(config.emailFrom);
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  // Loaded with the first email, not at every start.
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
          // An object is not parsed, so it is always exactly one recipient (attacks W8, W21).
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
    // How long the server may take to close the connection.
    socketCloseTimeout: 1_000,
    // Nothing in an email may be read from a file or URL, whatever it contains.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** TLS from the first byte (`smtps:`), or STARTTLS, without which nothing is sent (fault F26). */
function serverOf(smtpUrl: Secret, smtpTls: Config['smtpTls']) {
  const { protocol, hostname, port } = new URL(smtpUrl.reveal());
  const auth = loginOf(smtpUrl);
  const secure = protocol === 'smtps:';
  // A connection within this machine cannot be intercepted, and localhost has no certificate.
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

/** The user and password in the server's URL, if any. */
function loginOf(smtpUrl: Secret): { user: string; pass: string } | undefined {
  const { username, password } = new URL(smtpUrl.reveal());
  if (!username && !password) return undefined;
  return { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
}

/**
 * The last of several checks: a line break in one of these would let its author add headers to the email (attack W22).
 */
function rejectControl(...texts: string[]): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there.
  if (texts.some((text) => /[\x00-\x1f\x7f]/.test(text)))
    throw new Error('An email has a control character in its address or subject.');
}

/**
 * A status code concerns this email only in reply to its recipient or its content; earlier, it concerns the client or
 * the server.
 */
function failureOf({ command, responseCode, response, code, message }: NodemailerError): Delivery {
  const said = (response ?? message).trim();
  if (code === 'ETLS') return { end: 'away', reply: `STARTTLS failed: ${said}`, code };
  const isAboutEmail = command === 'RCPT TO' || command === 'DATA';
  // Below `ESOCKET` and similar codes is the system's error, such as ECONNREFUSED.
  const told = {
    reply: said,
    code: codeIn(response) ?? /\bE[A-Z]{4,}\b/.exec(message)?.[0] ?? code ?? 'unknown',
  };
  if (code === 'EENVELOPE' && command === 'API') return { end: 'rejected', ...told };
  if (!isAboutEmail || !responseCode || responseCode === 421) return { end: 'away', ...told };
  return { end: responseCode >= 500 && responseCode !== 503 ? 'rejected' : 'later', ...told };
}

/** Removes the credentials from a reply, in case the server echoes them (RFC 4616, and LOGIN). */
function withoutLogin(said: string, smtpUrl: Secret): string {
  const { user, pass } = loginOf(smtpUrl) ?? {};
  if (!user || !pass) return said;
  const spoken = [`\0${user}\0${pass}`, pass].flatMap((text) => [
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
    text,
  ]);
  return spoken.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), said);
}

/** The status code of a reply, with the enhanced one (RFC 3463) if there is one. */
function codeIn(response: string | undefined): string | undefined {
  return /^\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?/.exec(response ?? '')?.[0].replace('-', ' ');
}
