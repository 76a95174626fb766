// Transactions lock rows in one order (ARCHITECTURE.md, "Races"): the user, the rows that belong to the user, then the
// rate limits. In another order two of them wait for each other, and PostgreSQL aborts one.
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import { cleanUp } from '../../src/jobs/cleanup.ts';
import { run } from '../cli/program.ts';
import { NEW_PASSWORD, PASSWORD, type Reply, send, sessionTimeouts, signUp } from '../support/app.ts';
import { deviceOf } from '../support/cookies.ts';
import { lastEmail, tokenOf } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { postgres } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe('transactions lock rows in one order', () => {
  const { app, database, inside } = withApp(postgres.create);

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    return client;
  }

  /**
   * Holds locks in a transaction of the test while requests begin, one after the other, until each waits for a lock.
   * Then the transaction makes its last statement and ends.
   */
  async function inOrder<T extends readonly Promise<unknown>[]>(
    [held, last]: [string, string?],
    userId: string,
    ...requests: { [K in keyof T]: () => T[K] }
  ): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
    const [holder, watch] = [await connect(), await connect()];
    const waiting = async () => {
      const { rows } = await watch.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows.length;
    };
    try {
      await holder.query('BEGIN');
      await holder.query(held, [userId]);
      const replies: Promise<unknown>[] = [];
      for (const request of requests) {
        replies.push(request());
        await expect.poll(waiting).toBe(replies.length);
      }
      if (last) await holder.query(last, [userId]);
      await holder.query('COMMIT');
      return (await Promise.all(replies)) as { -readonly [K in keyof T]: Awaited<T[K]> };
    } finally {
      await holder.end();
      await watch.end();
    }
  }

  const USER = 'UPDATE users SET last_sign_in_at = last_sign_in_at WHERE id = $1';
  // Not an update, which would leave a new version of the row: the requests would then no longer get it in order.
  const VERIFICATIONS = 'SELECT id FROM verifications WHERE user_id = $1 FOR UPDATE';

  /** Requests the email that resets a password: the token of its link, and a wrong code of the right length. */
  async function requestReset(email: string): Promise<{ token: string; wrong: string }> {
    await send(app, 'POST', '/v1/send-mail', { email }, { from: newIp() });
    const { link, code } = await lastEmail(app, database, email, 'reset_password');
    return {
      token: tokenOf(link),
      wrong: (code ?? '').replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    };
  }

  const guess = (email: string, code: string): Promise<Reply> =>
    send(app, 'POST', '/v1/reset-password', { email, code, password: NEW_PASSWORD }, { from: newIp() });

  const reset = (token: string): Promise<Reply> =>
    send(app, 'POST', '/v1/reset-password', { token, password: NEW_PASSWORD }, { from: newIp() });

  it('a password reset and the work of a sign-in', async () => {
    const { id, email } = await signUp(app, newIp());
    const { token } = await requestReset(email);
    const [reply] = await inOrder([USER, VERIFICATIONS], id, () => reset(token));
    expect(reply).toMatchObject({ status: 200, body: { message: 'Password changed.' } });
  });

  it.each(['the same browser', 'another browser'])(
    'a verification in %s and the work of a sign-in',
    async (where) => {
      const { id, email, browser } = await signUp(app, newIp());
      const token = tokenOf((await lastEmail(app, database, email, 'verify_email')).link);
      const [reply] = await inOrder([USER, VERIFICATIONS], id, () =>
        where === 'the same browser'
          ? browser.post('/v1/verify-email', { token })
          : send(app, 'POST', '/v1/verify-email', { token, password: NEW_PASSWORD }, { from: newIp() }),
      );
      expect(reply).toMatchObject({ status: 200, body: { message: 'Email verified.' } });
    },
  );

  it('a password reset by the link and a guess of the code', async () => {
    const { id, email } = await signUp(app, newIp());
    const { token, wrong } = await requestReset(email);
    expect((await guess(email, wrong)).body.code).toBe('invalid_code');
    const replies = await inOrder(
      [VERIFICATIONS],
      id,
      () => reset(token),
      () => guess(email, wrong),
    );
    expect(replies).toMatchObject([{ status: 200 }, { body: { code: 'invalid_code' } }]);
  });

  it('the deletion of an account and a guess of a code', async () => {
    const { id, email, browser } = await signUp(app, newIp());
    const { wrong } = await requestReset(email);
    expect((await guess(email, wrong)).body.code).toBe('invalid_code');
    const replies = await inOrder(
      [VERIFICATIONS],
      id,
      () => browser.send('DELETE', '/v1/me', { email, password: PASSWORD }),
      () => guess(email, wrong),
    );
    expect(replies).toMatchObject([{ status: 200 }, { body: { code: 'invalid_code' } }]);
  });

  it('the deletion of an account and a recovery email for a known device', async () => {
    const { id, email, browser } = await signUp(app, newIp());
    const cookie = deviceOf(await send(app, 'POST', '/v1/signin', { email, password: PASSWORD }));
    expect(cookie).not.toBe('');
    const request = () => browser.send('POST', '/v1/send-mail', { email }, { cookie });
    expect((await request()).status).toBe(202);
    const replies = await inOrder(
      [VERIFICATIONS],
      id,
      () => browser.send('DELETE', '/v1/me', { email, password: PASSWORD }),
      request,
    );
    expect(replies).toMatchObject([{ status: 200 }, { status: 202 }]);
  });

  it('a sign-in and a password reset by the operator', async () => {
    const { id, username, email } = await signUp(app, newIp());
    await requestReset(email);
    const env = { USHER_DATABASE: database.url, USHER_SECRET: app.secret, USHER_PUBLIC_URL: app.url };
    const replies = await inOrder(
      [VERIFICATIONS],
      id,
      () => send(app, 'POST', '/v1/signin', { email, password: PASSWORD }, { from: newIp() }),
      () => run(inject('folder'), env, ['user', 'reset-password', username]),
    );
    expect(replies).toMatchObject([{ status: 200 }, { code: 0 }]);
  });

  it('the cleanup of rate limits waits for no transaction that has locked one', async () => {
    const { db } = inside;
    const { clock } = app;
    const expires_at = clock.now();
    const keys = ['first', 'locked', 'last'];
    await db
      .insertInto('rate_limits')
      .values(keys.map((key) => ({ key, count: 1, blocked_until: 0, expires_at, rejected: 0 })))
      .execute();
    await db
      .insertInto('rate_limit_members')
      .values(keys.map((key) => ({ key, member: key, expires_at })))
      .execute();
    const left = async () => {
      const limits = await db.selectFrom('rate_limits').select('key').where('key', 'in', keys).execute();
      const members = await db
        .selectFrom('rate_limit_members')
        .select('key')
        .where('key', 'in', keys)
        .execute();
      return [limits, members].map((rows) => rows.map(({ key }) => key));
    };
    const holder = await connect();
    await holder.query('BEGIN');
    for (const table of ['rate_limits', 'rate_limit_members'])
      await holder.query(`SELECT 1 FROM ${table} WHERE key = 'locked' FOR UPDATE`);
    await cleanUp({ db, clock, sessionTimeouts });
    expect(await left()).toEqual([['locked'], ['locked']]);
    await holder.query('COMMIT');
    await holder.end();
    await cleanUp({ db, clock, sessionTimeouts });
    expect(await left()).toEqual([[], []]);
  });
});
