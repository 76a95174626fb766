import { beforeAll, describe, expect, it } from 'vitest';
import { cleanUp } from '../../src/jobs/cleanup.ts';
import { recordSamples } from '../../src/jobs/record-samples.ts';
import { createHasher } from '../../src/platform/hasher.ts';
import { PASSWORD, sessionTimeouts, signUp, startApp } from '../support/app.ts';
import { DAY, HOUR } from '../support/clock.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('figures over time on $name', ({ create }) => {
  const { app, database, inside } = withApp(create);
  let admin: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    admin = await signUp(app, newIp());
    await inside.promote(admin.id);
  });

  const note = (queue = 0) =>
    recordSamples({
      db: inside.db,
      clock: app.clock,
      sessionTimeouts,
      hasher: { longestQueue: () => queue },
    });
  async function stats(span: 'day' | 'week' | 'month') {
    await admin.browser.post('/v1/signin', { email: admin.email, password: PASSWORD });
    const { status, body } = await admin.browser.get(`/v1/stats?span=${span}`);
    expect(status).toBe(200);
    const steps: { sessions: number | null; hashes_waiting: number | null }[] = body.steps;
    return steps.map(({ sessions, hashes_waiting }) => [sessions, hashes_waiting]);
  }

  it('are the most that any process saw in each step', async () => {
    const others = [await signUp(app, newIp()), await signUp(app, newIp())];
    // Of these ten minutes the start had noted nobody.
    await note(7);
    for (const { browser } of others) await browser.post('/v1/logout');
    await note(3);
    expect((await stats('day')).at(-1)).toEqual([3, 7]);
    app.clock.advance(HOUR);
    await note(1);
    // Whoever looks is there, too: of the step that goes on, also what is now counts.
    expect((await stats('day')).slice(-2)).toEqual([
      [3, 7],
      [1, 1],
    ]);
    expect((await stats('week')).at(-1)).toEqual([3, 7]);
  });

  it('are noted by a server by itself', async () => {
    app.clock.advance(2 * DAY);
    await signUp(app, newIp());
    const { url: publicUrl, secret, clock } = app;
    const other = await startApp(database, { publicUrl, secret, clock });
    const noted = () =>
      inside.db
        .selectFrom('samples')
        .selectAll()
        .where('at', '>', clock.now() - HOUR)
        .execute();
    await expect
      .poll(async () => (await noted()).map(({ name }) => name).sort())
      .toEqual(['hashes_waiting', 'sessions']);
    expect(await noted()).toContainEqual(expect.objectContaining({ name: 'sessions', value: 1 }));
    await other.stop();
    // Nothing was sampled on the day before, which is not the same as none.
    expect((await stats('week')).at(-2)).toEqual([null, null]);
  });

  it('are kept for as long as the console looks back', async () => {
    const left = async () => (await inside.db.selectFrom('samples').select('at').execute()).length;
    const before = await left();
    app.clock.advance(58 * DAY);
    await cleanUp({ db: inside.db, clock: app.clock, sessionTimeouts });
    expect(await left()).toBe(before);
    app.clock.advance(2 * DAY);
    await cleanUp({ db: inside.db, clock: app.clock, sessionTimeouts });
    expect(await left()).toBeLessThan(before);
    expect(await left()).toBeGreaterThan(0);
    app.clock.advance(2 * DAY);
    await cleanUp({ db: inside.db, clock: app.clock, sessionTimeouts });
    expect(await left()).toBe(0);
  });
});

it('a hasher tells the longest queue since it was asked last', async () => {
  const hasher = createHasher({ threads: 1 });
  await Promise.all(Array.from({ length: 5 }, () => hasher.hash(PASSWORD, 'background')));
  expect(hasher.queued()).toBe(0);
  expect(hasher.longestQueue()).toBe(4);
  expect(hasher.longestQueue()).toBe(0);
  await hasher.close();
});
