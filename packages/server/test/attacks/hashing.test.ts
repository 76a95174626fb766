// Whose password is hashed when: nobody takes all places in the queue, and nobody's turn tells of somebody else.
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readRateLimits } from '../../src/core/rate-limits.ts';
import type { Requester } from '../../src/platform/fair-queue.ts';
import { createHasher } from '../../src/platform/hasher.ts';
import { newIdentifiers, PASSWORD, type Reply, send, signUp, WRONG } from '../support/app.ts';
import { deviceOf } from '../support/cookies.ts';
import { newIp, openInside } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withCountedApp, withStarted } from '../support/with-app.ts';
import { type Answered, newAccount, URL_OF_ALL } from '../support/work.ts';

afterEach(() => void vi.restoreAllMocks());

describe.each(databases)('hashing in turn on $name', ({ create }) => {
  // The real cost is what the threads are kept busy with.
  const { app, database } = withApp(create, { hashing: {} });

  const signIn = (username: string, password: string): Promise<Reply> =>
    send(app, 'POST', '/v1/signin', { username, password }, { from: newIp() });

  it('E18: one’s own sign-in does not wait for the hashes of imported users that others guess at', async () => {
    const inside = await openInside(app, database);
    const guessed = await Promise.all(
      Array.from({ length: availableParallelism() }, () => signUp(app, newIp())),
    );
    const own = await signUp(app, newIp());
    // Half a second of work each, so that they are surely under way all the time; as many as there are threads of ours.
    const imported = '$2b$13$Z17AXnnlpzddNUvnC6cZNOSwMA/8oNiKnHTHTwLlBijfucQQlHjaG';
    for (const { id } of guessed)
      await inside.db.updateTable('users').set({ password_hash: imported }).where('id', '=', id).execute();
    const began: string[] = [];
    const ended: string[] = [];
    const run = Piscina.prototype.run;
    vi.spyOn(Piscina.prototype, 'run').mockImplementation(async function (this: Piscina, task) {
      if (task.stored === imported) began.push('theirs');
      const answer = await run.call(this, task);
      ended.push(task.stored === imported ? 'theirs' : task.password === PASSWORD ? 'own' : 'dummy');
      return answer;
    });
    const guesses = guessed.map(({ username }) => signIn(username, WRONG));
    await expect.poll(() => began.length).toBe(guessed.length);
    expect((await signIn(own.username, PASSWORD)).status).toBe(200);
    expect(ended.filter((whose) => whose !== 'dummy')[0]).toBe('own');
    expect((await Promise.all(guesses)).map(({ status }) => status)).toEqual(guessed.map(() => 401));
    await inside.close();
  });
});

describe.each(databases)('the order of hashes on $name', ({ create }) => {
  const { app } = withCountedApp(create);
  // Of 51 places a range has 6, strangers there 4, an account 3.
  const hasher = withStarted(
    () => createHasher({ threads: 1, parameters: { memoryKib: 64, passes: 1 }, niceness: 0 }),
    (it) => it.close(),
  );
  /** For whom a password was to be checked, in the order in which they came. */
  let asked: Requester[] = [];
  beforeAll(async () => {
    app.context.hasher = {
      ...app.context.hasher,
      verify: (hash, password, requester) => {
        asked.push(requester);
        return hasher.verify(hash, password, requester);
      },
    };
  });
  beforeEach(() => {
    asked = [];
  });

  const signIn = (body: object, from: string, headers?: Record<string, string>) =>
    app.call('POST', '/v1/signin', body, from, headers);
  const knownBy = (reply: { headers: Headers }): Record<string, string> => ({
    cookie: deviceOf(reply) || expect.fail('no device cookie'),
    origin: URL_OF_ALL,
  });
  const askedFor = (count: number) => expect.poll(() => asked.length).toBe(count);
  const statusesOf = async (replies: Promise<Answered>[]) =>
    (await Promise.all(replies)).map(({ status }) => status);
  const count = (statuses: number[], status: number) => statuses.filter((one) => one === status).length;
  let release = () => {};
  // Also after a test that failed: while the threads are held, the hasher cannot close.
  afterEach(() => release());
  /** Keeps the threads from hashing until `open`, so that the order is that of the turns alone. */
  function holdThreads() {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    release = open;
    const run = Piscina.prototype.run;
    const started: string[] = [];
    vi.spyOn(Piscina.prototype, 'run').mockImplementation(async function (this: Piscina, task) {
      // The thread that brings the write-ahead log home is given a path: writers wait for it.
      if (typeof task === 'string') return run.call(this, task);
      started.push(task.password);
      await opened;
      return run.call(this, task);
    });
    return { open, started };
  }

  it('D15: while 12 accounts from one IP address sign in, in browsers known and new, known devices of others do 20 of 20', async () => {
    const accounts = await Promise.all(Array.from({ length: 12 }, () => newAccount(app)));
    const owners = await Promise.all(Array.from({ length: 20 }, () => newAccount(app)));
    const { open } = holdThreads();
    const address = newIp();
    const flood = accounts.flatMap(({ email, reply }) =>
      [undefined, knownBy(reply)].flatMap((browser) =>
        Array.from({ length: 3 }, () => signIn({ email, password: PASSWORD }, address, browser)),
      ),
    );
    await askedFor(72);
    const signIns = owners.map(({ email, reply }) =>
      signIn({ email, password: PASSWORD }, newIp(), knownBy(reply)),
    );
    await askedFor(92);
    open();
    expect(await statusesOf(signIns)).toEqual(owners.map(() => 200));
    const flooded = await statusesOf(flood);
    expect([count(flooded, 200), count(flooded, 503)]).toEqual([6, 66]);
  });

  it('D15: nor does one account that signs in from everywhere take more than its share', async () => {
    const { email, reply } = await newAccount(app);
    const stranger = await newAccount(app);
    const owner = await newAccount(app);
    const browsers = [knownBy(reply)];
    while (browsers.length < 6) browsers.push(knownBy(await signIn({ email, password: PASSWORD }, newIp())));
    asked = [];
    const { open } = holdThreads();
    const flood = browsers.flatMap((browser) =>
      Array.from({ length: 10 }, () => signIn({ email, password: PASSWORD }, newIp(), browser)),
    );
    await askedFor(60);
    const signIns = [
      signIn({ email: owner.email, password: PASSWORD }, newIp(), knownBy(owner.reply)),
      signIn({ email: stranger.email, password: PASSWORD }, newIp()),
    ];
    await askedFor(62);
    open();
    expect(await statusesOf(signIns)).toEqual([200, 200]);
    const flooded = await statusesOf(flood);
    expect([count(flooded, 200), count(flooded, 503)]).toEqual([3, 57]);
  });

  it('B23: 14 right passwords at once in a known browser: none is called wrong, none counts, and it stays known', async () => {
    const { email, id, reply } = await newAccount(app);
    const browser = knownBy(reply);
    const from = newIp();
    asked = [];
    const { open } = holdThreads();
    const signIns = Array.from({ length: 14 }, () => signIn({ email, password: PASSWORD }, from, browser));
    await askedFor(14);
    open();
    const statuses = await statusesOf(signIns);
    expect([...new Set(statuses)].sort()).toEqual([200, 503]);
    const again = await signIn({ email, password: PASSWORD }, from, browser);
    expect([again.status, deviceOf(again)]).toEqual([200, browser['cookie']]);
    const events = await app.context.db
      .selectFrom('events')
      .select('name')
      .where('user_id', '=', id)
      .where('name', 'in', ['device_trust_revoked', 'sign_in_failed'])
      .execute();
    expect(events).toEqual([]);
  });

  it('D15: what finds no place in the queue does not count, and buys no guess: five are compared, as ever', async () => {
    const { email, id, reply } = await newAccount(app);
    const guess = (headers?: Record<string, string>) => signIn({ email, password: WRONG }, newIp(), headers);
    const countsOf = async () => {
      const asked = [
        { limit: 'passwords_per_account', subject: id },
        { limit: 'passwords_per_identifier', subject: `email ${email}` },
        { limit: 'passwords_per_account_total', subject: id },
        { limit: 'passwords_per_account_known_devices', subject: id },
      ] as const;
      const { db, keys } = app.context;
      return (await readRateLimits(db, keys.rateLimits, asked, app.clock.now())).map((limit) => limit.count);
    };
    asked = [];
    const { open } = holdThreads();
    // All places that the account has, for strangers and for the browsers that it knows.
    const held = Array.from({ length: 3 }, () => [guess(), guess(knownBy(reply))]).flat();
    await askedFor(6);
    for (let i = 0; i < 12; i++)
      for (const headers of [undefined, knownBy(reply)]) expect((await guess(headers)).status).toBe(503);
    expect(await countsOf()).toEqual([3, 3, 3, 3]);
    open();
    expect(await statusesOf(held)).toEqual(held.map(() => 401));
    for (let i = 0; i < 10; i++) await guess();
    const refused = await app.context.db
      .selectFrom('events')
      .select('details')
      .where('name', '=', 'sign_in_failed')
      .where('user_id', '=', id)
      .execute();
    const compared = refused.filter(({ details }) => JSON.parse(details).reason === 'wrong');
    expect(compared).toHaveLength(3 + 5);
  });

  it('D16: others have their turns beside 100 wrong guesses from one IP address', async () => {
    const others = await Promise.all(Array.from({ length: 3 }, () => newAccount(app)));
    const { open, started } = holdThreads();
    const address = newIp();
    const names = Array.from({ length: 20 }, () => newIdentifiers().username);
    const guesses = Array.from({ length: 100 }, (_, i) =>
      signIn({ username: names[i % 20], password: WRONG }, address),
    );
    await askedFor(100);
    const signIns = others.map(({ email }) => signIn({ email, password: PASSWORD }, newIp()));
    await askedFor(103);
    open();
    expect(await statusesOf(signIns)).toEqual([200, 200, 200]);
    const answers = await Promise.all(guesses);
    const statuses = answers.map(({ status }) => status);
    expect([count(statuses, 401), count(statuses, 503)]).toEqual([4, 96]);
    for (const { status, body, headers } of answers)
      if (status === 503) expect([body.code, headers.get('retry-after')]).toEqual(['busy', '2']);
    // Beside the one that ran already, the address had a single turn before the last of the others.
    const before = started.slice(0, started.lastIndexOf(PASSWORD));
    expect(before.filter((password) => password === WRONG).length).toBeLessThanOrEqual(2);
  });

  it('D15, E1: turn and share depend on the identifier that was given, and not on whether an account has it', async () => {
    const { username, email, id, reply } = await newAccount(app);
    const nobody = newIdentifiers();
    const from = newIp();
    asked = [];
    for (const names of [{ username }, { email }, { username: nobody.username }, { email: nobody.email }])
      await signIn({ ...names, password: WRONG }, from);
    const range = `${from}/32`;
    expect(asked).toEqual(
      [`username ${username}`, `email ${email}`, `username ${nobody.username}`, `email ${nobody.email}`].map(
        (account) => ({ range, account, isKnown: false }),
      ),
    );
    asked = [];
    await signIn({ email, password: WRONG }, from, knownBy(reply));
    expect(asked).toEqual([{ range, account: id, isKnown: true }]);
  });
});
