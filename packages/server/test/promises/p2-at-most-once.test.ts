// P2: what may happen once happens once, also when fifty ask for it at one moment and two processes answer. And P10 with
// it: of administrators who take each other's rights away at the same moment one is left.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/platform/db/index.ts';
import { newIdentifiers, PASSWORD, type Reply } from '../support/app.ts';
import { secretOf } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { type Credential, call, cookieOf, launch, submit, type UsherProcess } from '../support/process.ts';
import { withDatabase, withStarted } from '../support/with-app.ts';

const CROWD = 50;
const many = Array.from({ length: CROWD }, (_, i) => i);

describe.each(databases)('two processes on one database of $name', ({ createEmpty }) => {
  const testDatabase = withDatabase(createEmpty);
  const database = withStarted(
    () => openDatabase(testDatabase.url),
    (it) => it.close(),
  );
  let ushers: UsherProcess[];
  /** The first administrator, whom the race for the set-up link makes. */
  let admin: Credential;

  afterAll(async () => {
    await Promise.all((ushers ?? []).map((usher) => usher.kill('SIGKILL')));
  });

  /** One process after the other. */
  const usher = (i = 0): UsherProcess => ushers[i % ushers.length] as UsherProcess;
  const users = () => database.db.selectFrom('users').selectAll().execute();
  const sessions = () => database.db.selectFrom('sessions').selectAll().execute();
  const eventNames = async () =>
    (await database.db.selectFrom('events').select('name').execute()).map(({ name }) => name);

  /** Someone new, with a session of either kind. */
  async function newcomer() {
    const names = newIdentifiers();
    const made = await call(usher(), 'POST', '/v1/signup', names);
    expect(made.text, 'sign-up').toContain('user created!');
    const pair = await call(usher(1), 'POST', '/v1/login', { username: names.username, password: PASSWORD });
    expect(pair.status).toBe(200);
    return {
      ...names,
      id: made.body.user.id as string,
      cookie: { cookie: cookieOf(made) ?? '' },
      bearer: { bearer: pair.body.access_token as string },
      refreshToken: pair.body.refresh_token as string,
    };
  }

  it('X13, X14: four that start at once on nothing migrate it once, and make one key', async () => {
    const { url } = testDatabase;
    const four = await Promise.all(many.slice(0, 4).map(() => launch({ database: url }).ready));
    const published = await Promise.all(four.map((one) => call(one, 'GET', '/.well-known/jwks.json')));
    expect(published[0]?.body.keys).toHaveLength(1);
    for (const { body } of published) expect(body).toEqual(published[0]?.body);
    expect(await database.db.selectFrom('installation').select('id').execute()).toHaveLength(1);
    expect((await eventNames()).sort()).toEqual(['installation_created', 'key_created']);
    const applied = four.filter((one) => /migrations applied/.test(one.logs()));
    expect(applied).toHaveLength(1);
    ushers = four;
  });

  it('X5: a set-up link makes one administrator', async () => {
    // All four have printed the same one, although they started at the same moment.
    const tokens = ushers.map(({ setUpLink }) => secretOf(setUpLink ?? ''));
    expect(new Set(tokens).size).toBe(1);
    const opened = await Promise.all(tokens.map((link) => submit(usher(), '/setup', { link })));
    const good = tokens.filter((_, i) => opened[i]?.status === 200);
    expect(good.length).toBeGreaterThan(0);
    await Promise.all(ushers.splice(2).map((one) => one.kill()));

    const replies = await Promise.all(
      many.map((i) => {
        const form = { ...newIdentifiers(), token: good[i % good.length] ?? '' };
        return submit(usher(i), '/setup', form);
      }),
    );
    expect(count(replies, 201), tell(replies)).toBe(1);
    expect(onlyRefused(replies, [201, 410]), tell(replies)).toEqual([]);
    expect(await users()).toMatchObject([{ admin_since: expect.any(Number) }]);
    expect(await sessions()).toHaveLength(1);
    const winner = replies.find((reply) => reply.status === 201) as Reply;
    admin = { cookie: cookieOf(winner) ?? '' };
    expect((await call(usher(1), 'GET', '/v1/users', undefined, admin)).status).toBe(200);
    for (const reply of replies) if (reply !== winner) expect(cookieOf(reply)).toBeUndefined();
  });

  it.each(['email', 'username'] as const)('X1: one account for one %s', async (field) => {
    const { [field]: wanted } = newIdentifiers();
    const before = (await users()).length;
    const replies = await Promise.all(
      many.map((i) => {
        // The same name in every spelling.
        const spelled = i % 3 === 0 ? wanted.toUpperCase() : ` ${wanted}`;
        return call(usher(i), 'POST', '/v1/signup', { ...newIdentifiers(), [field]: spelled });
      }),
    );
    expect(count(replies, 201), tell(replies)).toBe(1);
    // No identifier has more than its share of the hashing queue.
    expect(onlyRefused(replies, [201, 409, 503]), tell(replies)).toEqual([]);
    for (const { status, body } of replies)
      if (status === 409) expect(body.errors).toMatchObject([{ field, code: `${field}_taken` }]);
    expect(replies.filter((reply) => cookieOf(reply) !== undefined)).toHaveLength(1);
    expect(await users()).toHaveLength(before + 1);
  });

  it('R2: one refresh token has one successor', async () => {
    const { refreshToken } = await newcomer();
    const chain = [refreshToken];
    for (let round = 0; round < 8; round++) {
      const token = chain.at(-1);
      const began = performance.now();
      const replies = await Promise.all(
        many.map((i) => call(usher(i), 'POST', '/v1/refresh', { refresh_token: token })),
      );
      const next = new Set(
        replies.flatMap(({ status, body }) => (status === 200 ? [body.refresh_token] : [])),
      );
      expect([...next], tell(replies)).toHaveLength(1);
      // Within ten seconds a second use is a retry; so late it would end the session, as it should.
      if (performance.now() - began > 8_000) return;
      expect(onlyRefused(replies, [200]), tell(replies)).toEqual([]);
      chain.push([...next][0]);
    }
    expect(new Set(chain).size).toBe(9);

    // One that was used long before ends the session: once, however often it comes.
    const reused = await Promise.all(
      many.map((i) => call(usher(i), 'POST', '/v1/refresh', { refresh_token: chain[2] })),
    );
    expect(count(reused, 401), tell(reused)).toBe(CROWD);
    expect((await call(usher(), 'POST', '/v1/refresh', { refresh_token: chain.at(-1) })).status).toBe(401);
    expect((await eventNames()).filter((name) => name === 'refresh_token_reused')).toHaveLength(1);
  });

  it('lets in everybody who has the right password, also at the same moment', async () => {
    for (let round = 0; round < 6; round++) {
      const replies = await Promise.all(logins(await newcomer(), 5, 0));
      expect(onlyRefused(replies, [200]), tell(replies)).toEqual([]);
    }
  });

  it('X8: nothing of an account survives its deletion', async () => {
    for (const by of ['owner', 'admin', 'owner', 'admin'] as const) {
      const who = await newcomer();
      const erase = () =>
        by === 'owner'
          ? call(usher(1), 'DELETE', '/v1/me', { email: who.email, password: PASSWORD }, who.cookie)
          : sleep(25).then(() => call(usher(1), 'DELETE', `/v1/users/${who.id}`, undefined, admin));
      const [erased, ...others] = await Promise.all([
        erase(),
        ...logins(who, 3),
        ...many
          .slice(4)
          .map((i) => call(usher(i), 'POST', '/v1/refresh', { refresh_token: who.refreshToken })),
      ]);
      expect(erased?.body).toMatchObject({ message: 'delete successful!' });
      expect(onlyRefused(others, [200, 401]), tell(others)).toEqual([]);
      await rejectAll([who.cookie, who.bearer], others, [who.refreshToken]);
      const again = await call(usher(), 'POST', '/v1/signin', { email: who.email, password: PASSWORD });
      expect(again.status).toBe(401);
    }
    const there = new Set((await users()).map(({ id }) => id));
    expect((await sessions()).filter(({ user_id }) => !there.has(user_id))).toEqual([]);
  });

  it('X9: no session that the old password began survives its change', async () => {
    for (let round = 0; round < 4; round++) {
      const who = await newcomer();
      const to = `${who.username} has another horse`;
      const change = { current_password: PASSWORD, new_password: to };
      const [changed, ...others] = await Promise.all([
        call(usher(round), 'PUT', '/v1/me/password', change, who.cookie),
        // Two hashes go before the change, and one before a sign-in: some come beside it.
        ...logins(who, 3, 40 * (round + 1)),
        ...many
          .slice(4)
          .map((i) => call(usher(i), 'POST', '/v1/refresh', { refresh_token: who.refreshToken })),
      ]);
      expect(changed?.body).toEqual({ message: 'Password changed.' });
      expect(onlyRefused(others, [200, 401]), tell(others)).toEqual([]);
      await rejectAll([who.cookie, who.bearer], others, [who.refreshToken]);
      const kept = { cookie: cookieOf(changed as Reply) ?? '' };
      expect((await call(usher(round), 'GET', '/v1/me', undefined, kept)).status).toBe(200);
      const signIn = (password: string) =>
        call(usher(), 'POST', '/v1/signin', { email: who.email, password });
      expect((await signIn(to)).status).toBe(200);
      expect((await signIn(PASSWORD)).status).toBe(401);
    }
  });

  it('X10: no session from before a disable lives when the account is enabled again', async () => {
    for (let round = 0; round < 6; round++) {
      const who = await newcomer();
      const change = (disabled: boolean) =>
        call(usher(1), 'PATCH', `/v1/users/${who.id}`, { disabled }, admin);
      const [disabled, ...others] = await Promise.all([
        sleep(15 * round).then(() => change(true)),
        ...logins(who, 4),
        ...many
          .slice(5)
          .map((i) => call(usher(i), 'POST', '/v1/refresh', { refresh_token: who.refreshToken })),
      ]);
      expect(disabled?.body.user).toMatchObject({ disabled: true });
      expect(onlyRefused(others, [200, 401]), tell(others)).toEqual([]);
      expect((await change(false)).body.user).toMatchObject({ disabled: false });
      await rejectAll([who.cookie, who.bearer], others, [who.refreshToken]);
      const again = await call(usher(), 'POST', '/v1/signin', { email: who.email, password: PASSWORD });
      expect(again.status).toBe(200);
    }
  });

  it('P10: of administrators who act against each other at once one is left', async () => {
    const admins = await Promise.all(many.slice(0, 4).map(newcomer));
    const role = (by: Credential, id: string, to: 'user' | 'admin', i = 0) =>
      call(usher(i), 'PATCH', `/v1/users/${id}`, { role: to }, by);
    for (const one of admins) expect((await role(admin, one.id, 'admin')).status).toBe(200);
    const first = (await call(usher(), 'GET', '/v1/me', undefined, admin)).body.user.id;
    // From here on there are these four and no other.
    expect((await role(admins[0]?.bearer as Credential, first, 'user')).status).toBe(200);
    const stillAdmins = async () =>
      (await users()).filter((user) => user.admin_since !== null && user.disabled_at === null);

    for (let round = 0; round < 8; round++) {
      // Each against each other, and every second time also against themselves.
      const acts = admins.flatMap((by) =>
        admins.filter((on) => on !== by || round % 2 === 1).map((on) => ({ by, on })),
      );
      const replies = await Promise.all(acts.map(({ by, on }, i) => role(by.bearer, on.id, 'user', i)));
      expect(onlyRefused(replies, [200, 403, 409]), tell(replies)).toEqual([]);
      const left = await stillAdmins();
      expect(left.length).toBeGreaterThan(0);
      const keeper = admins.find((one) => one.id === left[0]?.id) as (typeof admins)[number];
      for (const one of admins) expect((await role(keeper.bearer, one.id, 'admin')).status).toBe(200);
    }

    const acts = admins.flatMap((by, i) =>
      admins.map((on, j) => {
        const path = `/v1/users/${on.id}`;
        if (by === on)
          return call(usher(i), 'DELETE', '/v1/me', { email: by.email, password: PASSWORD }, by.bearer);
        if ((i + j) % 3 === 0) return call(usher(j), 'DELETE', path, undefined, by.bearer);
        return call(
          usher(j),
          'PATCH',
          path,
          (i + j) % 3 === 1 ? { disabled: true } : { role: 'user' },
          by.bearer,
        );
      }),
    );
    const replies = await Promise.all(acts);
    // Whoever was deleted, disabled or demoted meanwhile is refused; so is what would take the last one away.
    expect(onlyRefused(replies, [200, 401, 403, 404, 409]), tell(replies)).toEqual([]);
    expect((await stillAdmins()).length).toBeGreaterThan(0);
  });

  /** Sign-ins that are on their way, each after another pause of at most `spread` milliseconds. */
  const logins = (who: { username: string }, howMany: number, spread = 30) =>
    many.slice(0, howMany).map(async (i) => {
      await sleep((spread * i) / howMany);
      return call(usher(i), 'POST', i === 0 ? '/v1/signin' : '/v1/login', {
        username: who.username,
        password: PASSWORD,
      });
    });

  /** Whatever was handed out, both processes refuse it. */
  async function rejectAll(known: Credential[], replies: Reply[], refreshTokens: string[]): Promise<void> {
    const cookies = replies.flatMap((reply) => cookieOf(reply) ?? []).map((cookie) => ({ cookie }));
    const pairs = replies.filter(({ status, body }) => status === 200 && body.access_token);
    const credentials = [
      ...known,
      ...cookies,
      ...pairs.map(({ body }) => ({ bearer: body.access_token as string })),
    ];
    const tokens = new Set([...refreshTokens, ...pairs.map(({ body }) => body.refresh_token as string)]);
    const asked = await Promise.all([
      ...credentials.flatMap((credential) =>
        ushers.map((one) => call(one, 'GET', '/v1/me', undefined, credential)),
      ),
      ...[...tokens].flatMap((token) =>
        ushers.map((one) => call(one, 'POST', '/v1/refresh', { refresh_token: token })),
      ),
    ]);
    expect(onlyRefused(asked, [401]), tell(asked)).toEqual([]);
  }
});

const count = (replies: Reply[], status: number): number =>
  replies.filter((one) => one.status === status).length;

/** The answers of another status. A database that is too busy at the moment may say so: that does nothing twice. */
const onlyRefused = (replies: Reply[], expected: number[]): number[] =>
  replies
    .filter(({ status, body }) => !expected.includes(status) && body?.code !== 'unavailable')
    .map(({ status }) => status);

/** What was answered, and how often, for whoever reads a failure. */
const tell = (replies: Reply[]): string =>
  JSON.stringify(
    Object.groupBy(
      replies.map(({ status, body }) => `${status} ${body?.code ?? ''}`),
      (one) => one,
    ),
    (_, value) => (Array.isArray(value) ? value.length : value),
  );
