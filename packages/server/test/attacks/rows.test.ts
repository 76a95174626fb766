import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bytesOfRow, rowsInADay, strangerRows } from '../../../../scripts/stranger-rows.ts';
import { rateLimits, readRateLimits } from '../../src/core/rate-limits.ts';
import { RECOVERY_EMAIL_SENT } from '../../src/flows/recovery/send-mail.ts';
import { cleanUp, deleteOldEvents } from '../../src/jobs/cleanup.ts';
import { NEW_PASSWORD, newIdentifiers, PASSWORD, sessionTimeouts, WRONG } from '../support/app.ts';
import { DAY, HOUR, MINUTE } from '../support/clock.ts';
import { deviceOf, sessionOf } from '../support/cookies.ts';
import { lastEmail, tokenOf } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withCountedApp } from '../support/with-app.ts';
import { newAccount, URL_OF_ALL } from '../support/work.ts';

const tables = Object.keys(bytesOfRow) as (keyof typeof bytesOfRow)[];
type Rows = Record<(typeof tables)[number], number>;

it('SECURITY.md shows what one IP range can have written in a day, as it follows from the budgets', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../../SECURITY.md'), 'utf8');
  expect(strangerRows().length).toBeGreaterThan(5);
  for (const line of strangerRows()) expect(text).toContain(line);
});

describe.each(databases)('rows of strangers on $name', ({ name: kind, create }) => {
  /** Both databases count by the same statements, so one of them does the long runs. */
  const isLong = kind === 'SQLite';
  const { app, database } = withCountedApp(create);

  async function rows(): Promise<Rows> {
    const counts = {} as Rows;
    for (const table of tables) {
      const { count } = await app.context.db
        .selectFrom(table)
        .select((all) => all.fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      counts[table] = Number(count);
    }
    return counts;
  }
  const grown = (now: Rows, before: Rows) =>
    Object.fromEntries(tables.map((table) => [table, now[table] - before[table]])) as Rows;
  /** What the jobs of a server do every ten minutes. */
  async function clean(): Promise<void> {
    const { db, clock, log } = app.context;
    await cleanUp({ db, clock, sessionTimeouts });
    await deleteOldEvents({ db, clock, log, eventsDays: 'forever' });
  }
  /** Until no email waits: what strangers have caused is then wholly written. */
  const delivered = () =>
    expect
      .poll(
        async () =>
          (await app.context.db.selectFrom('emails').select('due_at').execute()).every(
            (message) => message.due_at === null,
          ),
        {
          timeout: 30_000,
        },
      )
      .toBe(true);
  /** When the jobs look again at what is a day old. */
  const TURN = 10 * MINUTE;
  const madeUp = () => `nobody${Math.random().toString(36).slice(2)}@example.org`;

  it('D17: 5,000 wrong codes for made-up emails: 60 are looked at, the rest is 429, and a day later nothing is left', async () => {
    await clean();
    const before = await rows();
    const from = newIp();
    const tries = isLong ? 5_000 : 500;
    const statuses = new Map<number, number>();
    for (let i = 0; i < tries; i++) {
      const path = i % 2 ? '/v1/reset-password' : '/v1/verify-email';
      const body = { email: madeUp(), code: '000000', password: NEW_PASSWORD };
      const { status, headers } = await app.call('POST', path, body, from);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 429) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    const { max: most } = rateLimits.codes_per_ip_range;
    expect(Object.fromEntries(statuses)).toEqual({ 400: most, 429: tries - most });
    const written = grown(await rows(), before);
    // Ten refusals one by one, then each time they have doubled.
    const refusals = 10 + Math.floor(Math.log2((tries - most) / 10));
    expect(written).toEqual({ ...nothing(), events: most + refusals, rate_limits: 1 + 2 * most });
    app.clock.advance(DAY + TURN);
    await clean();
    expect(grown(await rows(), before)).toEqual(nothing());
  }, 120_000);
  const nothing = () => Object.fromEntries(tables.map((table) => [table, 0])) as Rows;

  it('wrong codes of one range keep nobody else from theirs, nor those of a range from a link, and right ones count for nothing', async () => {
    const from = newIp();
    const reset = (body: object, range = from) =>
      app.call('POST', '/v1/reset-password', { password: NEW_PASSWORD, ...body }, range);
    const { email } = await newAccount(app);
    for (let i = 0; i < rateLimits.codes_per_ip_range.max; i++)
      await reset({ email: madeUp(), code: '000000' });
    expect((await reset({ email, code: '000000' })).status).toBe(429);
    expect((await reset({ email, code: '000000' }, newIp())).status).toBe(400);
    expect((await reset({ token: 'made up' })).status).toBe(410);
    app.clock.advance(HOUR);
    expect((await reset({ email, code: '000000' })).status).toBe(400);
  });

  it('D18: wrong passwords for made-up names for 400 days leave no more rows than those of one day', async () => {
    const known = await newAccount(app);
    const guess = (username: string) =>
      app.call('POST', '/v1/signin', { username, password: WRONG }, newIp());
    await guess(known.username);
    await delivered();
    app.clock.advance(8 * DAY);
    await clean();
    const before = await rows();
    const perDay = [];
    for (let day = 0; day < (isLong ? 400 : 30); day++) {
      for (let i = 0; i < 2; i++) expect((await guess(newIdentifiers().username)).status).toBe(401);
      perDay.push((await rows()).rate_limits);
      app.clock.advance(DAY + TURN);
      await clean();
    }
    const after = await rows();
    expect(new Set(perDay).size).toBe(1);
    // Sessions and known browsers of accounts expire meanwhile.
    const expired = { sessions: expect.any(Number), devices: expect.any(Number) };
    expect(grown(after, before)).toEqual({ ...nothing(), ...expired });
    // What is counted for an account stays until a password is right.
    const asked = [{ limit: 'passwords_per_account_total', subject: known.id } as const];
    const stored = () => readRateLimits(app.context.db, app.context.keys.rateLimits, asked, app.clock.now());
    expect(await stored()).toMatchObject([{ count: 1 }]);

    // Or until the account is gone.
    const { username, password } = known;
    const reply = await app.call('POST', '/v1/signin', { username, password }, newIp());
    const headers = { cookie: sessionOf(reply), origin: URL_OF_ALL };
    await guess(known.username);
    expect(await stored()).toMatchObject([{ count: 1 }]);
    const { email } = known;
    const gone = await app.call('DELETE', '/v1/me', { email, password: PASSWORD }, newIp(), headers);
    expect([gone.status, await stored()]).toEqual([200, []]);
  }, 120_000);

  it('D10: a known browser that asks for recovery emails without end fills neither tables nor the outbox', async () => {
    const { email, reply, id } = await newAccount(app);
    const headers = { cookie: deviceOf(reply) || expect.fail('no device cookie'), origin: URL_OF_ALL };
    const from = newIp();
    const before = await rows();
    for (let i = 0; i < 200; i++) {
      const answer = await app.call('POST', '/v1/send-mail', { email }, from, headers);
      expect([answer.status, answer.body]).toEqual([202, { message: RECOVERY_EMAIL_SENT }]);
    }
    const { max: most } = rateLimits.recovery_emails_from_known_devices;
    // Ten refusals one by one, then each time they have doubled.
    const refusals = 10 + Math.floor(Math.log2((200 - most) / 10));
    const written = grown(await rows(), before);
    expect(written).toMatchObject({ verifications: most, emails: most });
    const events = await app.context.db
      .selectFrom('events')
      .select('name')
      .where('user_id', '=', id)
      .execute();
    const count = (name: string) => events.filter((event) => event.name === name).length;
    expect([count('password_reset_requested'), count('rate_limit_exceeded')]).toEqual([most, refusals]);

    const other = await newAccount(app);
    const asked = await app.call('POST', '/v1/send-mail', { email: other.email }, newIp());
    expect(asked.status).toBe(202);
    const token = tokenOf((await lastEmail(app, database, other.email)).link);
    const reset = { token, password: NEW_PASSWORD };
    expect((await app.call('POST', '/v1/reset-password', reset, newIp())).status).toBe(200);
  });

  it('D10: the last recovery email of a known browser keeps its code there, however often it asks for more', async () => {
    const { email, reply } = await newAccount(app);
    const headers = { cookie: deviceOf(reply) || expect.fail('no device cookie'), origin: URL_OF_ALL };
    const from = newIp();
    const flows: string[] = [];
    for (let i = 0; i < rateLimits.recovery_emails_from_known_devices.max + 2; i++) {
      const answer = await app.call('POST', '/v1/send-mail', { email }, from, headers);
      flows.push(...answer.headers.getSetCookie().filter((one) => one.startsWith('usher-verification=')));
    }
    expect(flows).toHaveLength(rateLimits.recovery_emails_from_known_devices.max);
    const { code } = await lastEmail(app, database, email);
    const cookie = `${headers.cookie}; ${flows.at(-1)?.split(';')[0]}`;
    const body = { email, code, password: NEW_PASSWORD };
    const reset = await app.call('POST', '/v1/reset-password', body, from, { ...headers, cookie });
    expect(reset.status).toBe(200);
  });

  it('all that one range can do stays below the figures of SECURITY.md', async () => {
    await delivered();
    app.clock.advance(8 * DAY);
    await clean();
    const before = await rows();
    const from = '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff';
    // As long as they may be.
    const headers = { 'user-agent': 'u'.repeat(300) };
    const call = (path: string, body: object) => app.call('POST', path, body, from, headers);
    const longEmail = () =>
      `${madeUp().split('@')[0]}${'x'.repeat(30)}@${'y'.repeat(60)}.${'z'.repeat(60)}.example.org`;
    let minutes = 0;
    const seen = new Set<number>();
    for (; minutes < (isLong ? 120 : 60); minutes += 10) {
      for (let i = 0; i < 12; i++)
        seen.add((await call('/v1/signup', { ...newIdentifiers(), email: longEmail() })).status);
      for (let i = 0; i < 4; i++) seen.add((await call('/v1/send-mail', { email: longEmail() })).status);
      for (let name = 0; name < 25; name++) {
        const email = longEmail();
        for (let i = 0; i < 5; i++) seen.add((await call('/v1/signin', { email, password: WRONG })).status);
      }
      for (let i = 0; i < 15; i++)
        seen.add((await call('/v1/verify-email', { email: longEmail(), code: '000000' })).status);
      for (let i = 0; i < 100; i++)
        seen.add((await call('/v1/refresh', { refresh_token: 'made up' })).status);
      for (let i = 0; i < 20; i++) seen.add((await call('/v1/restore-email', { token: 'made up' })).status);
      app.clock.advance(10 * MINUTE);
    }
    expect([...seen].sort()).toEqual([201, 202, 400, 401, 410, 429].filter((status) => seen.has(status)));
    expect(seen.has(429)).toBe(true);
    await delivered();
    const written = grown(await rows(), before);
    const allowed = rowsInADay();
    for (const table of tables) {
      expect([table, written[table] <= Math.ceil((allowed[table] * minutes) / (24 * 60)) + 10]).toEqual([
        table,
        true,
      ]);
      const stored = await app.context.db.selectFrom(table).selectAll().execute();
      const bytes = stored.map((row) =>
        Object.values(row).reduce<number>((sum, value) => sum + Buffer.byteLength(String(value ?? '')), 0),
      );
      expect([table, Math.max(0, ...bytes) <= bytesOfRow[table]]).toEqual([table, true]);
    }
    // What they made up is gone in a day; what is left is about the accounts that they signed up.
    app.clock.advance(DAY + TURN);
    await clean();
    const { db } = app.context;
    expect(
      await db
        .selectFrom('events')
        .select('name')
        .where('user_id', 'is', null)
        .where('ip', 'is not', null)
        .execute(),
    ).toEqual([]);
    expect(await db.selectFrom('verifications').select('id').where('user_id', 'is', null).execute()).toEqual(
      [],
    );
    expect(await db.selectFrom('emails').select('id').where('status', '=', 'decoy').execute()).toEqual([]);
    expect(await db.selectFrom('rate_limit_members').select('key').execute()).toEqual([]);
  }, 120_000);
});
