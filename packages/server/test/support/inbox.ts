import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';
import { type ParsedMail, parseMail } from './mime.ts';
import { PATIENCE } from './patience.ts';

/** A mail as it came in over the wire. */
export interface ReceivedMail extends ParsedMail {
  /** The envelope, as MAIL FROM and RCPT TO had it. */
  from: string;
  to: string[];
  /** Whether it came over TLS. */
  secure: boolean;
  /** The code and the link that stand in its text, if any. */
  code: string | undefined;
  link: string | undefined;
}

/** An answer of the server, such as `550 5.1.1 No such user here`. */
type Reply = string | undefined;

/** What the server does, other than to take a mail. May be changed at any time. */
export interface Script {
  /** What it says to a wrong password. */
  refuseLogin?: (() => Reply) | undefined;
  /** Refuses a recipient. */
  refuseRecipient?: ((address: string) => Reply) | undefined;
  /** Refuses the mail after it came whole. */
  refuseMail?: ((mail: ReceivedMail) => Reply) | undefined;
  /** Waits before it greets, and before it answers a whole mail; in milliseconds. */
  greetAfter?: number | undefined;
  answerAfter?: ((mail: ReceivedMail) => number) | undefined;
  /** Waits for this before it answers a whole mail. */
  answerWhen?: ((mail: ReceivedMail) => Promise<void> | undefined) | undefined;
  /** Takes the mail and hangs up instead of saying so. */
  dropAfterData?: boolean | undefined;
}

/** A mail server of the tests' own, on a free port of this machine. */
export interface Inbox {
  /** For the setting `USHER_SMTP_URL`; the settings of an app that sends here are `settings`. */
  url: string;
  port: number;
  settings: { smtpUrl: string; mailFrom: string };
  script: Script;
  /** Every mail that came whole, whatever was answered. */
  mails: ReceivedMail[];
  /** How many connections were made. */
  connections(): number;
  /** The first mail to an address that was not given out yet; waits for it. */
  next(address: string): Promise<ReceivedMail>;
  /** Waits until as many mails came. */
  until(count: number): Promise<ReceivedMail[]>;
  /** Gone, as a server that is down; `start` brings it back on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

interface InboxOptions {
  /** `none` unless told: no STARTTLS is offered. */
  tls?: 'none' | 'starttls' | 'implicit';
  key?: string;
  cert?: string;
  /** Takes mails of this user alone. */
  user?: { name: string; password: string };
  host?: string;
}

export async function startInbox(options: InboxOptions = {}): Promise<Inbox> {
  const { tls = 'none', user, host = '127.0.0.1' } = options;
  const mails: ReceivedMail[] = [];
  const given = new Set<ReceivedMail>();
  const script: Script = {};
  let connections = 0;
  let server: SMTPServer;
  let port = 0;

  const start = async () => {
    server = new SMTPServer({
      ...(options.key && options.cert ? { key: options.key, cert: options.cert } : {}),
      secure: tls === 'implicit',
      disabledCommands: [...(tls === 'starttls' ? [] : ['STARTTLS']), ...(user ? [] : ['AUTH'])],
      authOptional: !user,
      allowInsecureAuth: true,
      logger: false,
      disableReverseLookup: true,
      onAuth: ({ username, password }, _session, done) => {
        const isRight = username === user?.name && password === user?.password;
        const refusal = answer(script.refuseLogin?.() ?? '535 5.7.8 Authentication failed');
        done(isRight ? null : refusal, { user: username ?? '' });
      },
      onConnect: (_session, done) => {
        connections++;
        setTimeout(() => done(), script.greetAfter ?? 0).unref();
      },
      onRcptTo: ({ address }, _session, done) => done(answer(script.refuseRecipient?.(address))),
      onData: async (stream, session, done) => {
        const chunks: Buffer[] = [];
        for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
        const { mailFrom, rcptTo } = session.envelope;
        const parsed = await parseMail(Buffer.concat(chunks));
        const mail: ReceivedMail = {
          ...parsed,
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          secure: session.secure,
          code: /^ {4}(\S+)$/m.exec(parsed.text)?.[1],
          link: /:\n(https?:\/\/\S+)$/m.exec(parsed.text)?.[1],
        };
        mails.push(mail);
        if (script.dropAfterData) return hangUp(session.id);
        await script.answerWhen?.(mail);
        setTimeout(
          () => done(answer(script.refuseMail?.(mail)), '2.0.0 Ok: queued'),
          script.answerAfter?.(mail) ?? 0,
        ).unref();
      },
    });
    server.on('error', () => {});
    server.listen(port, host);
    await once(server.server, 'listening');
    ({ port } = server.server.address() as AddressInfo);
  };
  const hangUp = (id: string): void => {
    for (const connection of server.connections) if (connection.id === id) connection._socket.destroy();
  };

  await start();
  const wait = async <T>(what: string, look: () => T | undefined): Promise<T> => {
    for (const end = performance.now() + PATIENCE; performance.now() < end; ) {
      const found = look();
      if (found !== undefined) return found;
      await sleep(10);
    }
    const came = mails.map(({ to, headers }) => `${to.join()}: ${headers.subject}`);
    throw new Error(`${what} did not come. What came: ${came.join('; ') || 'nothing'}`);
  };
  const url = `${tls === 'implicit' ? 'smtps' : 'smtp'}://${host}:${port}`;
  return {
    url,
    port,
    settings: { smtpUrl: url, mailFrom: 'Usher <usher@example.com>' },
    script,
    mails,
    connections: () => connections,
    async next(address) {
      const mail = await wait(`A mail to ${address}`, () =>
        mails.find((one) => one.to.includes(address) && !given.has(one)),
      );
      given.add(mail);
      return mail;
    },
    until: (count) => wait(`${count} mails`, () => (mails.length >= count ? mails.slice() : undefined)),
    start,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(resolve));
      for (const connection of server.connections) connection._socket.destroy();
      await closed;
    },
  };
}

function answer(reply: Reply): Error | null {
  if (reply === undefined) return null;
  return Object.assign(new Error(reply.slice(4)), { responseCode: Number(reply.slice(0, 3)) });
}
