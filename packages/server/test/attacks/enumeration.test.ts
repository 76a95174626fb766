import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { KyselyPlugin } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveContext, type Usher } from '../../src/app.ts';
import { configFromOptions } from '../../src/config.ts';
import type { Route } from '../../src/http/route.ts';
import { type OpenedContext, openContext } from '../../src/open-context.ts';
import { type HttpServer, startHttpServer } from '../../src/platform/http-server.ts';
import { createLog } from '../../src/platform/log.ts';
import { routes } from '../../src/routes.ts';
import {
  cheapHashing,
  longTimeouts,
  newIdentifiers,
  PASSWORD,
  type Reply,
  send,
  WRONG,
} from '../support/app.ts';
import { DAY, MINUTE, SECOND, type TestClock, testClock } from '../support/clock.ts';
import { databases } from '../support/postgres.ts';
import { withDatabase } from '../support/with-app.ts';

/** Whatever of an answer a stranger can see; the id and the date of it are new each time. */
function visible({ status, headers, text }: Reply) {
  const seen = [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id');
  return { status, headers: seen, body: text.replace(/"request_id":"[^"]+"/, '"request_id":""') };
}

describe.each(databases)('enumeration on $name', ({ create }) => {
  const database = withDatabase(create);
  let opened: OpenedContext;
  let server: HttpServer;
  let usher: Usher;
  let clock: TestClock;
  /** What a request made the server do: every statement, and every password that was hashed or compared. */
  let work: string[] = [];
  /** The same, for the request that is being served; the jobs beside it have none. */
  const serving = new AsyncLocalStorage<string[]>();
  const note = (step: string) => void serving.getStore()?.push(step);
  beforeAll(async () => {
    clock = testClock();
    server = await startHttpServer(
      (request, peer) => serving.run(work, () => usher.fetch(request, peer)),
      '127.0.0.1',
      0,
    );
    const publicUrl = `http://localhost:${server.port}`;
    const options = {
      database: database.url,
      publicUrl,
      secret: randomBytes(32).toString('base64'),
      trustedProxies: '127.0.0.1',
    };
    opened = await openContext(configFromOptions(options), {
      clock,
      log: createLog('silent'),
      hashing: cheapHashing,
      timeouts: longTimeouts,
    });
    usher = serveContext({ ...opened, context: counted(opened.context) });
  });
  afterAll(async () => {
    await server.stop(0);
    await usher.close();
  });
  beforeEach(() => {
    clock.advance(60 * MINUTE);
  });

  /** The same world, which notes what it is asked to do. */
  function counted(context: OpenedContext['context']): OpenedContext['context'] {
    const statements: KyselyPlugin = {
      transformQuery: ({ node }) => {
        const table = JSON.stringify(node).match(
          /"identifier":\{"kind":"IdentifierNode","name":"(\w+)"/,
        )?.[1];
        note(`${node.kind} ${table}`);
        return node;
      },
      transformResult: async ({ result }) => result,
    };
    const { hasher } = context;
    return {
      ...context,
      db: context.db.withPlugin(statements),
      hasher: {
        ...hasher,
        hash: (...asked) => {
          note('hash');
          return hasher.hash(...asked);
        },
        verify: (...asked) => {
          note('verify');
          return hasher.verify(...asked);
        },
      },
    };
  }

  const app = () => ({ port: server.port });
  const signIn = (body: object, from: string, headers: Record<string, string> = {}) =>
    send(app(), 'POST', '/v1/signin', body, { from, headers });
  const basic = (name: string, from: string, password = WRONG) =>
    send(app(), 'POST', '/v1/login', undefined, {
      from,
      headers: { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` },
    });
  async function account() {
    const names = newIdentifiers();
    const reply = await send(app(), 'POST', '/v1/signup', names, { from: '198.51.100.1' });
    const cookie = reply.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    return { ...names, id: reply.body.user.id as string, cookie };
  }
  const update = (
    id: string,
    change: { disabled_at?: number; password_hash?: string; admin_since?: number },
  ) => opened.context.db.updateTable('users').set(change).where('id', '=', id).execute();

  /** What a stranger sees of a request, and what it cost. */
  async function observe(ask: () => Promise<Reply>) {
    work = [];
    const reply = visible(await ask());
    return { reply, work };
  }

  describe('E1: who has an account and who has none', () => {
    type Ask = (names: { username: string; email: string }, password: string, from: string) => Promise<Reply>;
    const ways: [way: string, ask: Ask][] = [
      ['sign-in by user name', ({ username }, password, from) => signIn({ username, password }, from)],
      ['sign-in by address', ({ email }, password, from) => signIn({ email, password }, from)],
      [
        'log-in by JSON',
        ({ username }, password, from) => send(app(), 'POST', '/v1/login', { username, password }, { from }),
      ],
      ['log-in by Basic', ({ email }, password, from) => basic(email, from, password)],
    ];

    it('get the same answer for the same work, whichever way is tried', async () => {
      const [known, disabled, admin, without] = await Promise.all([
        account(),
        account(),
        account(),
        account(),
      ]);
      await update(disabled.id, { disabled_at: 1 });
      await update(admin.id, { admin_since: 1 });
      await update(without.id, { password_hash: '!' });
      for (const [way, ask] of ways) {
        const from = '198.51.100.2';
        const nobody = await observe(() => ask(newIdentifiers(), WRONG, from));
        expect([way, nobody.reply.status]).toEqual([way, 401]);
        expect(nobody.work.filter((step) => step === 'verify')).toHaveLength(1);
        for (const [names, password] of [
          [known, WRONG],
          [admin, WRONG],
          [disabled, WRONG],
          [disabled, PASSWORD],
          [without, PASSWORD],
          [without, '!'],
        ] as const)
          expect([way, await observe(() => ask(names, password, from))]).toEqual([way, nobody]);
        clock.advance(DAY);
      }
    });

    it.each(ways.filter((_, i) => i % 3 === 0))('are throttled alike: %s', async (_, ask) => {
      const from = '198.51.100.3';
      const [known, stranger] = [await account(), newIdentifiers()];
      for (let i = 0; i < 5; i++)
        expect(await observe(() => ask(known, WRONG, from))).toEqual(
          await observe(() => ask(stranger, WRONG, from)),
        );
      const nobody = await observe(() => ask(stranger, WRONG, from));
      expect(nobody.reply.status).toBe(401);
      expect(nobody.work).not.toContain('verify');
      expect(await observe(() => ask(known, WRONG, from))).toEqual(nobody);
      // Not even the right password makes a difference then.
      expect(await observe(() => ask(known, PASSWORD, from))).toEqual(nobody);
      clock.advance(30 * SECOND);
      const after = await observe(() => ask(stranger, WRONG, from));
      expect(after.work).toContain('verify');
      expect(await observe(() => ask(known, WRONG, from))).toEqual(after);
    });

    it('are alike where the password is none that anybody could have', async () => {
      const known = await account();
      for (const password of ['', 'x'.repeat(1_500), '🔑'.repeat(900)]) {
        const nobody = await observe(() =>
          signIn({ username: newIdentifiers().username, password }, '198.51.100.4'),
        );
        expect(await observe(() => signIn({ username: known.username, password }, '198.51.100.4'))).toEqual(
          nobody,
        );
        expect(nobody.work).toEqual([]);
      }
    });

    it('count alike against the IP address that asks, also where two names are of one account', async () => {
      /** How many further names an address may try after it failed with a user name and an address. */
      async function left(
        { username, email }: { username: string; email: string },
        from: string,
      ): Promise<number> {
        await signIn({ username, password: WRONG }, from);
        await signIn({ email, password: WRONG }, from);
        for (let tries = 0; tries < 30; tries++)
          if ((await signIn({ username: newIdentifiers().username, password: WRONG }, from)).status === 429)
            return tries;
        throw new Error('There is no limit.');
      }
      const [known, from] = [await account(), '198.51.100.5'];
      const stranger = await left(newIdentifiers(), from);
      expect(stranger).toBe(18);
      expect(await left(known, '198.51.100.6')).toBe(stranger);
      // Over the limit everybody gets the same refusal, whose-ever password it is.
      const nobody = await observe(() =>
        signIn({ username: newIdentifiers().username, password: WRONG }, from),
      );
      expect(nobody.reply.status).toBe(429);
      for (const password of [WRONG, PASSWORD])
        expect(await observe(() => signIn({ username: known.username, password }, from))).toEqual(nobody);
    });
  });

  it('E10: who is no administrator learns nothing of others, not even that they are not there', async () => {
    const [eve, victim] = [await account(), await account()];
    const own = { cookie: eve.cookie, 'sec-fetch-site': 'same-origin' };
    const ids = [victim.id, eve.id, '00000000-0000-7000-8000-000000000000', 'nonsense'];
    const admins = routes.filter(({ access }) => access === 'admin');
    const call = (route: Route, id: string, headers: Record<string, string>) =>
      observe(() => send(app(), route.method, route.path.replace(':id', id), undefined, { headers }));
    for (const route of admins)
      for (const [headers, status] of [
        [own, 403],
        [{}, 401],
      ] as const) {
        const [first, ...others] = await Promise.all(
          ids.map(async (id) => (await call(route, id, headers)).reply),
        );
        expect(first?.status).toBe(status);
        for (const other of others) expect(other).toEqual(first);
      }
    const search = (term: string) =>
      observe(() => send(app(), 'GET', `/v1/users?search=${term}`, undefined, { headers: own }));
    const none = await search('nobody-at-all');
    for (const term of [victim.username, victim.email, victim.id, eve.email])
      expect(await search(term)).toEqual(none);
    // A session is found by its owner alone; the ids of others are ids of nothing.
    const { id } = await opened.context.db
      .selectFrom('sessions')
      .select('id')
      .where('user_id', '=', victim.id)
      .executeTakeFirstOrThrow();
    const end = (session: string) =>
      observe(() => send(app(), 'DELETE', `/v1/me/sessions/${session}`, undefined, { headers: own }));
    expect(await end(id)).toEqual(await end('A'.repeat(22)));
  });

  it('E12: no cookie of a stranger changes what is seen', async () => {
    const [known, eve] = [await account(), await account()];
    const from = '198.51.100.12';
    const page = { 'sec-fetch-site': 'same-origin' };
    const headers = [
      {},
      page,
      { ...page, cookie: eve.cookie },
      { ...page, cookie: 'usher=planted' },
      { ...page, cookie: 'usher-device=x; trusted=1' },
    ];
    for (const more of headers) {
      clock.advance(60 * MINUTE);
      const nobody = await observe(() =>
        signIn({ username: newIdentifiers().username, password: WRONG }, from, more),
      );
      expect(nobody.reply.status).toBe(401);
      expect(await observe(() => signIn({ username: known.username, password: WRONG }, from, more))).toEqual(
        nobody,
      );
      expect(nobody.reply.headers.filter(([name]) => name === 'set-cookie')).toEqual([]);
    }
  });

  // The last one: from here on a failure takes as long as a check of this hash did, and the machine may be busy.
  it('E2: who was imported gets the same answer for the same work, also when disabled', async () => {
    const [imported, leaver] = [await account(), await account()];
    // Of the digits, over and over.
    const bcrypt = '$2a$04$R1lJ2gkNaoPGdafE.H.16.1MKHPvmKwryeulRe225LKProWYwt9Oi';
    const digits = '0123456789'.repeat(8);
    await update(imported.id, { password_hash: bcrypt });
    await update(leaver.id, { password_hash: bcrypt, disabled_at: 1 });
    const from = '198.51.100.13';
    const nobody = await observe(() =>
      signIn({ username: newIdentifiers().username, password: WRONG }, from),
    );
    expect(nobody.work.filter((step) => step === 'verify')).toHaveLength(1);
    for (const [{ username }, password] of [
      [imported, WRONG],
      [leaver, WRONG],
      [leaver, digits],
    ] as const)
      expect(await observe(() => signIn({ username, password }, from))).toEqual(nobody);
    expect((await signIn({ username: imported.username, password: digits }, from)).status).toBe(200);
  });
});
