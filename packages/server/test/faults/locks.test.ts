// A transaction that ends the verifications of a user, such as a sign-in, locks the user first. So must one that uses a
// verification up: in another order the two wait for each other, and PostgreSQL aborts one of them.
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { NEW_PASSWORD, send, signUp } from '../support/app.ts';
import { lastEmail, tokenOf } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { postgres } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe('a verification is used up after its user is locked', () => {
  const { app, database } = withApp(postgres.create);

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    return client;
  }

  /** Does the work of a sign-in, step by step, while a request for the same user begins and waits. */
  async function expectNoDeadlock<T>(userId: string, request: () => Promise<T>): Promise<T> {
    const [signIn, watch] = [await connect(), await connect()];
    const waiting = async () => {
      const { rows } = await watch.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows.length;
    };
    try {
      await signIn.query('BEGIN');
      await signIn.query('UPDATE users SET last_sign_in_at = last_sign_in_at WHERE id = $1', [userId]);
      const reply = request();
      await expect.poll(waiting).toBe(1);
      await signIn.query('UPDATE verifications SET checks = checks WHERE user_id = $1', [userId]);
      await signIn.query('COMMIT');
      return await reply;
    } finally {
      await signIn.end();
      await watch.end();
    }
  }

  it('by a password reset', async () => {
    const { id, email } = await signUp(app, newIp());
    await send(app, 'POST', '/v1/send-mail', { email }, { from: newIp() });
    const token = tokenOf((await lastEmail(app, database, email, 'reset_password')).link);
    const body = { token, password: NEW_PASSWORD };
    const reply = await expectNoDeadlock(id, () =>
      send(app, 'POST', '/v1/reset-password', body, { from: newIp() }),
    );
    expect(reply).toMatchObject({ status: 200, body: { message: 'Password changed.' } });
  });

  it.each(['the same browser', 'another browser'])('by a verification in %s', async (where) => {
    const { id, email, browser } = await signUp(app, newIp());
    const token = tokenOf((await lastEmail(app, database, email, 'verify_email')).link);
    const reply = await expectNoDeadlock(id, () =>
      where === 'the same browser'
        ? browser.post('/v1/verify-email', { token })
        : send(app, 'POST', '/v1/verify-email', { token, password: NEW_PASSWORD }, { from: newIp() }),
    );
    expect(reply).toMatchObject({ status: 200, body: { message: 'Email verified.' } });
  });
});
