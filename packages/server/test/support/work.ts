import { randomBytes } from 'node:crypto';
import { type KyselyPlugin, SqliteQueryCompiler } from 'kysely';
import { serveContext } from '../../src/app.ts';
import { configFromOptions, type SettingName } from '../../src/config.ts';
import type { AppContext } from '../../src/context.ts';
import { openContext } from '../../src/open-context.ts';
import { createLog } from '../../src/platform/log.ts';
import { cheapHashing, longTimeouts, newIdentifiers } from './app.ts';
import { type TestClock, testClock } from './clock.ts';
import { newIp } from './forge.ts';
import type { TestDatabase } from './postgres.ts';

/** The work that a response took. */
export interface Work {
  /** Every statement sent to the database, without its values. */
  statements: string[];
  hashes: number;
}

/** An Usher embedded as a library, with almost free hashing and a record of its work. */
export interface CountedApp {
  context: AppContext;
  clock: TestClock;
  secret: string;
  /** The work since the last call. */
  work(): Work;
  /** Sends a request from an IP. */
  call(
    method: string,
    path: string,
    body: unknown,
    from: string,
    headers?: Record<string, string>,
  ): Promise<Answered>;
  stop(): Promise<void>;
}

export interface Answered {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies; what they find there is what they assert.
  body: any;
}

/** The public URL of all of them. */
export const URL_OF_ALL = 'http://localhost:4000';

/** Two of these with the same database, `secret` and `clock` stand for two processes of one installation. */
export async function startCounted(
  database: Pick<TestDatabase, 'url'>,
  options: Partial<Record<SettingName, unknown>> & { clock?: TestClock; secret?: string } = {},
): Promise<CountedApp> {
  const { clock = testClock(), secret = randomBytes(32).toString('base64'), ...settings } = options;
  const config = configFromOptions({ database: database.url, secret, publicUrl: URL_OF_ALL, ...settings });
  const opened = await openContext(config, {
    clock,
    log: createLog('silent'),
    hashing: cheapHashing,
    timeouts: longTimeouts,
  });
  const usher = serveContext(opened);
  const { context } = opened;

  const counted: Work = { statements: [], hashes: 0 };
  const { hasher } = context;
  context.hasher = {
    ...hasher,
    hash: (...asked) => {
      counted.hashes++;
      return hasher.hash(...asked);
    },
    verify: (...asked) => {
      counted.hashes++;
      return hasher.verify(...asked);
    },
  };
  // The jobs have already started, so their statements are not recorded.
  context.db = context.db.withPlugin(noting(counted.statements));

  return {
    context,
    clock,
    secret,
    work: () => {
      const done = { statements: counted.statements.splice(0), hashes: counted.hashes };
      counted.hashes = 0;
      return done;
    },
    async call(method, path, body, from, headers = {}) {
      const request = new Request(`${URL_OF_ALL}${path}`, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const reply = await usher.fetch(request, {
        incoming: { rawHeaders: [], socket: { remoteAddress: from } },
      });
      const text = await reply.text();
      return {
        status: reply.status,
        headers: reply.headers,
        body: /json(;|$)/.test(reply.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined,
      };
    },
    stop: () => usher.close(),
  };
}

/** A user who has just signed up. */
export async function newAccount({ call }: CountedApp) {
  const names = newIdentifiers();
  const reply = await call('POST', '/v1/signup', names, newIp());
  return { ...names, id: reply.body.user.id as string, reply };
}

/** Records the text of every statement. Both databases get the same ones, so either compiler can be used. */
function noting(statements: string[]): KyselyPlugin {
  const compiler = new SqliteQueryCompiler();
  return {
    transformQuery({ node, queryId }) {
      statements.push(compiler.compileQuery(node, queryId).sql);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
}
