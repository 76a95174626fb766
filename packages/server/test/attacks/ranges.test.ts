import { describe, expect, it } from 'vitest';
import { newIdentifiers, PASSWORD, WRONG } from '../support/app.ts';
import { MINUTE } from '../support/clock.ts';
import { databases } from '../support/postgres.ts';
import { withCountedApp } from '../support/with-app.ts';
import { newAccount } from '../support/work.ts';

/** Different names that one IPv4 address or IPv6 /64 may fail with; a /56 twice as many, a /48 three times. */
const NAMES = 20;

describe.each(databases)('client ranges on $name', ({ create }) => {
  const { app } = withCountedApp(create);

  const spray = (from: string) =>
    app.call('POST', '/v1/signin', { username: newIdentifiers().username, password: WRONG }, from);
  /** One attempt from each address. @returns How many were looked at. */
  async function evaluated(froms: string[]): Promise<number> {
    const statuses = [];
    for (const from of froms) statuses.push((await spray(from)).status);
    for (const status of statuses) expect(status).toBeOneOf([401, 429]);
    return statuses.filter((status) => status === 401).length;
  }

  it('B22: names that fail from four /64 of one /48 count for it, and the 61st is rejected', async () => {
    // Each is in a /56 of its own.
    const froms = Array.from({ length: 61 }, (_, i) => `2001:db8:22:${(i % 4) + 1}00::${i}`);
    expect(await evaluated(froms)).toBe(3 * NAMES);
    const reply = await spray('2001:db8:22:ff00::1');
    expect([reply.status, reply.body.code]).toEqual([429, 'too_many_requests']);
    expect(Number(reply.headers.get('retry-after'))).toBe(600);
    // Neither IPv4 nor another /48 is concerned.
    expect(await evaluated(['203.0.113.22', '2001:db8:23:100::1'])).toBe(2);
    app.clock.advance(10 * MINUTE);
    expect(await evaluated(['2001:db8:22:ff00::1'])).toBe(1);
  });

  it('B22: from four /64 of one /56 the 41st is rejected', async () => {
    const froms = Array.from({ length: 61 }, (_, i) => `2001:db8:24:10${(i % 4) + 1}::${i}`);
    expect(await evaluated(froms)).toBe(2 * NAMES);
    expect(await evaluated(['2001:db8:24:1ff::1', '2001:db8:24:200::1'])).toBe(1);
  });

  it('B22: side by side no more pass either', async () => {
    const replies = await Promise.all(
      Array.from({ length: 80 }, (_, i) => spray(`2001:db8:25:${(i % 4) + 1}00::${i}`)),
    );
    // On a machine that is busy with other things the database may be too slow for some, which are then not looked at.
    for (const { status } of replies) expect(status).toBeOneOf([401, 429, 503]);
    expect(replies.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(3 * NAMES);
  });

  it('a /64 that is rate limited takes nothing from its neighbors', async () => {
    expect(await evaluated(Array.from({ length: 100 }, () => '2001:db8:26:1::1'))).toBe(NAMES);
    const { username } = await newAccount(app);
    const signIn = (password: string) =>
      app.call('POST', '/v1/signin', { username, password }, '2001:db8:26:2::1');
    for (let i = 0; i < 4; i++) expect((await signIn(WRONG)).status).toBe(401);
    expect((await signIn(PASSWORD)).status).toBe(200);
    // The name that did not fail is counted nowhere any more.
    expect(await evaluated(Array.from({ length: 21 }, () => '2001:db8:26:2::1'))).toBe(NAMES);
  });

  it('B22: so do emails that are asked for, sign-ups and forged secrets', async () => {
    const attempts: [most: number, attempt: (from: string) => ReturnType<typeof app.call>][] = [
      [10, (from) => app.call('POST', '/v1/send-mail', { email: newIdentifiers().email }, from)],
      [30, (from) => app.call('POST', '/v1/signup', newIdentifiers(), from)],
      [60, (from) => app.call('POST', '/v1/refresh', { refresh_token: 'x' }, from)],
    ];
    for (const [most, attempt] of attempts) {
      const statuses = [];
      for (let i = 0; i < 4 * most; i++)
        statuses.push((await attempt(`2001:db8:27:${(i % 4) + 1}00::1`)).status);
      expect([most, statuses.filter((status) => status !== 429).length]).toEqual([most, 3 * most]);
    }
  });

  it('a sign-in takes two statements more from IPv6 than from IPv4', async () => {
    const { username } = await newAccount(app);
    const costs = [];
    for (const from of ['203.0.113.28', '2001:db8:28::1']) {
      app.work();
      await app.call('POST', '/v1/signin', { username, password: WRONG }, from);
      costs.push(app.work().statements.length);
    }
    // One for each wider range that counts wrong passwords; names are counted in all of them at once.
    expect((costs[1] ?? 0) - (costs[0] ?? 0)).toBe(2);
  });
});
