import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestApp } from './app.ts';

/** A stream of server-sent events that is being read. */
export interface Listening {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** The events so far, oldest first, without comments. */
  messages: { event: string; id?: string; data: string }[];
  /** Resolves when the stream has ended, whichever side closed it. */
  ended: Promise<void>;
  leave(): void;
}

/** Requests a stream and reads it until it ends. */
export function listen(
  app: Pick<TestApp, 'port' | 'url'>,
  path: string,
  headers: Record<string, string>,
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const { host } = new URL(app.url);
    const options = { host: '127.0.0.1', port: app.port, path, headers: { host, ...headers }, agent: false };
    const call = request(options, (answer) => {
      const messages: Listening['messages'] = [];
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => {
        const parts = (text + chunk).split('\n\n');
        text = parts.pop() ?? '';
        for (const part of parts) if (!part.startsWith(':')) messages.push(messageOf(part));
      });
      const ended = new Promise<void>((done) => {
        answer.once('close', done);
        answer.once('error', () => done());
      });
      const { statusCode: status = 0, headers } = answer;
      resolve({ status, headers, messages, ended, leave: () => call.destroy() });
    });
    call.once('error', reject).end();
  });
}

const messageOf = (text: string) =>
  Object.fromEntries(
    text.split('\n').map((line) => {
      const [, name = '', value = ''] = /^(\w+): (.*)$/.exec(line) ?? [];
      return [name, value];
    }),
  ) as Listening['messages'][number];

/** A connection to a server that can be cut, as a network failure would. */
export interface Line {
  url: string;
  leadTo(port: number): void;
  /** Closes every connection. */
  cut(): void;
  close(): Promise<void>;
}

export async function startLine(): Promise<Line> {
  const sockets = new Set<Socket>();
  let far = 0;
  const server = createServer((near) => {
    const on = connect(far, '127.0.0.1');
    for (const [one, other] of [
      [near, on],
      [on, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => one.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    leadTo(port) {
      far = port;
    },
    cut,
    async close() {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
}
