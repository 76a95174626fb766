import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { OPERATOR, recordEvents } from '../../src/core/events.ts';
import { deleteOldEvents } from '../../src/jobs/cleanup.ts';
import { createLog } from '../../src/platform/log.ts';
import { newUserId } from '../../src/platform/random.ts';
import { PASSWORD, signUp, startApp } from '../support/app.ts';
import { DAY } from '../support/clock.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('old events on $name', ({ create }) => {
  // Its own job leaves alone what the tests are about.
  const { app, database, inside } = withApp(create, { eventsDays: 'forever' });

  /** Writes so many events about somebody, at a time. @returns The id of whom they are about. */
  async function write(count: number, at: number): Promise<string> {
    const userId = newUserId();
    const many = Array.from({ length: count }, () => ({ userId, actorId: null }));
    await recordEvents(inside.db, 'user_updated', OPERATOR, many, at);
    return userId;
  }
  const countOf = async (userId: string): Promise<number> =>
    (await inside.db.selectFrom('events').select('id').where('user_id', '=', userId).execute()).length;

  /** The job of a server with this setting, and what it logs. */
  async function forget(eventsDays: number | 'forever'): Promise<string[]> {
    const lines: string[] = [];
    const sink = new Writable({
      write(line, _encoding, done) {
        lines.push(String(line));
        done();
      },
    });
    await deleteOldEvents({ db: inside.db, clock: app.clock, log: createLog('info', sink), eventsDays });
    return lines;
  }

  it('go after as many days as the setting says, to the millisecond', async () => {
    const now = app.clock.now();
    const older = await write(1, now - 365 * DAY - 1);
    const asOld = await write(1, now - 365 * DAY);
    const lines = await forget(365);
    expect([await countOf(older), await countOf(asOld)]).toEqual([0, 1]);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      events: 1,
      before: new Date(now - 365 * DAY).toISOString(),
      msg: 'old events removed',
    });
    app.clock.advance(1);
    await forget(365);
    expect(await countOf(asOld)).toBe(0);
    // Again does nothing, and says nothing.
    expect(await forget(365)).toEqual([]);
  });

  it('stay with `forever`', async () => {
    const ancient = await write(1, app.clock.now() - 10_000 * DAY);
    expect(await forget('forever')).toEqual([]);
    expect(await countOf(ancient)).toBe(1);
    await forget(10_000 - 1);
    expect(await countOf(ancient)).toBe(0);
  });

  it('go in parts, while others write', async () => {
    const old = await write(1_700, app.clock.now() - 400 * DAY);
    const forgetting = forget(365);
    const bob = await signUp(app, newIp());
    const lines = await forgetting;
    expect(await countOf(old)).toBe(0);
    expect(JSON.parse(lines[0] ?? '').events).toBe(1_700);
    expect(await countOf(bob.id)).toBe(2);
  });

  it('are no loss to what is counted, as far back as they are kept', async () => {
    const boss = await signUp(app, newIp());
    await inside.promote(boss.id);
    const statsOf = async (span: string): Promise<number[]> => {
      await boss.browser.post('/v1/signin', { email: boss.email, password: PASSWORD });
      const { body } = await boss.browser.get(`/v1/stats?span=${span}`);
      return body.steps.map(({ sign_ups: count }: { sign_ups: number }) => count);
    };
    await signUp(app, newIp());
    app.clock.advance(20 * DAY);
    await signUp(app, newIp());
    const before = { month: await statsOf('month'), week: await statsOf('week') };
    expect(before.month.reduce((sum, count) => sum + count)).toBeGreaterThan(before.week.at(-1) ?? 0);
    await forget(7);
    expect(await statsOf('week')).toEqual(before.week);
    expect((await statsOf('month')).slice(-7)).toEqual(before.week);
    expect((await statsOf('month')).slice(0, 22)).toEqual(Array(22).fill(0));
  });

  it('go by themselves while a server runs', async () => {
    const old = await write(3, app.clock.now() - 31 * DAY);
    const kept = await write(3, app.clock.now() - 29 * DAY);
    const publicUrl = app.url;
    const other = await startApp(database, {
      publicUrl,
      secret: app.secret,
      clock: app.clock,
      eventsDays: 30,
    });
    await expect.poll(() => countOf(old)).toBe(0);
    expect(await countOf(kept)).toBe(3);
    await other.stop();
  });
});
