import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import { type ParsedEmail, parseEmail } from './mime.ts';
import { TIMEOUT } from './timeouts.ts';

/** An email as received over SMTP. */
export interface ReceivedEmail extends ParsedEmail {
  /** The envelope, from MAIL FROM and RCPT TO. */
  from: string;
  to: string[];
  /** Whether it was sent over TLS. */
  secure: boolean;
  /** The code and the link in its text, if any. */
  code: string | undefined;
  link: string | undefined;
}

/** A reply of the server, such as `550 5.1.1 No such user here`. */
type Reply = string | undefined;

/** How the server behaves, other than accepting emails. May be changed at any time. */
export interface Script {
  /** The reply to a wrong password. */
  rejectLogin?: (() => Reply) | undefined;
  /** Rejects a recipient. */
  rejectRecipient?: ((address: string) => Reply) | undefined;
  /** Rejects the email after it was received completely. */
  rejectEmail?: ((email: ReceivedEmail) => Reply) | undefined;
  /** The delay before the greeting, and before the reply to a complete email; in milliseconds. */
  greetAfter?: number | undefined;
  answerAfter?: ((email: ReceivedEmail) => number) | undefined;
  /** Waits for this before it replies to a complete email. */
  answerWhen?: ((email: ReceivedEmail) => Promise<void> | undefined) | undefined;
  /** Accepts the email, but closes the connection instead of replying. */
  dropAfterData?: boolean | undefined;
}

/** A mail server for the tests, on a free port of this machine. */
export interface Inbox {
  /** The value of `USHER_SMTP_URL`; `settings` has all settings of an app that sends to this server. */
  url: string;
  port: number;
  settings: { smtpUrl: string; emailFrom: string };
  script: Script;
  /** Every email that was received completely, whatever the reply. */
  emails: ReceivedEmail[];
  /** The number of connections so far. */
  connections(): number;
  /** Waits for the next email to a recipient that was not returned yet. */
  next(address: string): Promise<ReceivedEmail>;
  /** Waits until this many emails were received. */
  until(count: number): Promise<ReceivedEmail[]>;
  /** Stops it, like a server that is down; `start` brings it back on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

interface InboxOptions {
  /** `none` by default: STARTTLS is not offered. */
  tls?: 'none' | 'starttls' | 'implicit';
  key?: string;
  cert?: string;
  /** Requires this user to authenticate. */
  user?: { name: string; password: string };
  host?: string;
}

export async function startInbox(options: InboxOptions = {}): Promise<Inbox> {
  const { tls = 'none', host = '127.0.0.1' } = options;
  const emails: ReceivedEmail[] = [];
  const given = new Set<ReceivedEmail>();
  const script: Script = {};
  let connections = 0;
  let server: SMTPServer;
  let port = 0;

  const start = async () => {
    const onConnect = () => {
      connections++;
    };
    server = createServer(options, script, emails, onConnect);
    server.on('error', () => {});
    server.listen(port, host);
    await once(server.server, 'listening');
    ({ port } = server.server.address() as AddressInfo);
  };
  await start();
  const url = `${tls === 'implicit' ? 'smtps' : 'smtp'}://${host}:${port}`;
  return {
    url,
    port,
    settings: { smtpUrl: url, emailFrom: 'Usher <usher@example.com>' },
    script,
    emails,
    connections: () => connections,
    async next(address) {
      const email = await waitFor(emails, `An email to ${address}`, () =>
        emails.find((one) => one.to.includes(address) && !given.has(one)),
      );
      given.add(email);
      return email;
    },
    until: (count) =>
      waitFor(emails, `${count} emails`, () => (emails.length >= count ? emails.slice() : undefined)),
    start,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(resolve));
      for (const connection of server.connections) connection._socket.destroy();
      await closed;
    },
  };
}

function createServer(
  { tls = 'none', user, key, cert }: InboxOptions,
  script: Script,
  emails: ReceivedEmail[],
  onConnect: () => void,
): SMTPServer {
  const server = new SMTPServer({
    ...(key && cert ? { key, cert } : {}),
    secure: tls === 'implicit',
    disabledCommands: [...(tls === 'starttls' ? [] : ['STARTTLS']), ...(user ? [] : ['AUTH'])],
    authOptional: !user,
    allowInsecureAuth: true,
    logger: false,
    disableReverseLookup: true,
    onAuth: ({ username, password }, _session, done) => {
      const isRight = username === user?.name && password === user?.password;
      const rejection = answer(script.rejectLogin?.() ?? '535 5.7.8 Authentication failed');
      done(isRight ? null : rejection, { user: username ?? '' });
    },
    onConnect: (_session, done) => {
      onConnect();
      setTimeout(() => done(), script.greetAfter ?? 0).unref();
    },
    onRcptTo: ({ address }, _session, done) => done(answer(script.rejectRecipient?.(address))),
    onData: async (stream, session, done) => {
      const email = await readEmail(stream as AsyncIterable<Buffer>, session);
      emails.push(email);
      if (script.dropAfterData) return hangUp(server, session.id);
      await script.answerWhen?.(email);
      setTimeout(
        () => done(answer(script.rejectEmail?.(email)), '2.0.0 Ok: queued'),
        script.answerAfter?.(email) ?? 0,
      ).unref();
    },
  });
  return server;
}

function hangUp(server: SMTPServer, id: string): void {
  for (const connection of server.connections) if (connection.id === id) connection._socket.destroy();
}

async function readEmail(
  stream: AsyncIterable<Buffer>,
  { envelope: { mailFrom, rcptTo }, secure }: SMTPServerSession,
): Promise<ReceivedEmail> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const parsed = await parseEmail(Buffer.concat(chunks));
  return {
    ...parsed,
    from: mailFrom ? mailFrom.address : '',
    to: rcptTo.map(({ address }) => address),
    secure,
    code: /^ {4}(\S+)$/m.exec(parsed.text)?.[1],
    link: /:\n(https?:\/\/\S+)$/m.exec(parsed.text)?.[1],
  };
}

async function waitFor<T>(
  emails: readonly ReceivedEmail[],
  what: string,
  look: () => T | undefined,
): Promise<T> {
  for (const end = performance.now() + TIMEOUT; performance.now() < end; ) {
    const found = look();
    if (found !== undefined) return found;
    await sleep(10);
  }
  const received = emails.map(({ to, headers }) => `${to.join()}: ${headers.subject}`);
  throw new Error(`${what} did not come. What came: ${received.join('; ') || 'nothing'}`);
}

function answer(reply: Reply): Error | null {
  if (reply === undefined) return null;
  return Object.assign(new Error(reply.slice(4)), { responseCode: Number(reply.slice(0, 3)) });
}
