import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { createHasher } from '../../src/platform/hasher.ts';
import { PASSWORD, send, signUp, WRONG } from '../support/app.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

/** What makes a database refuse every new password hash, and what takes that back. */
const refusing = {
  SQLite: {
    begin: [
      `CREATE TRIGGER no_hash BEFORE UPDATE OF password_hash ON users BEGIN SELECT RAISE(ABORT, 'no hash'); END`,
    ],
    end: ['DROP TRIGGER no_hash'],
  },
  PostgreSQL: {
    begin: [
      `CREATE FUNCTION no_hash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no hash'; END $$`,
      'CREATE TRIGGER no_hash BEFORE UPDATE OF password_hash ON users FOR EACH ROW EXECUTE FUNCTION no_hash()',
    ],
    end: ['DROP TRIGGER no_hash ON users'],
  },
};

describe.each(databases)('a hash that cannot be replaced on $name', ({ name, create }) => {
  const { app, inside } = withApp(create);

  it('U19: the right password signs in, and the next sign-in replaces the hash', async () => {
    const { id, username } = await signUp(app, newIp());
    const cheap = createHasher({ threads: 1, parameters: { memoryKib: 16, passes: 1 } });
    const weak = await cheap.hash(PASSWORD, { range: 'none', account: id, isKnown: true });
    await cheap.close();
    await inside.db.updateTable('users').set({ password_hash: weak }).where('id', '=', id).execute();
    const stored = () =>
      inside.db.selectFrom('users').select('password_hash').where('id', '=', id).executeTakeFirstOrThrow();
    const signIn = (password: string) =>
      send(app, 'POST', '/v1/signin', { username, password }, { from: newIp() });

    for (const statement of refusing[name].begin) await sql.raw(statement).execute(inside.db);
    expect((await signIn(PASSWORD)).status).toBe(200);
    expect((await signIn(WRONG)).status).toBe(401);
    expect((await stored()).password_hash).toBe(weak);
    const log = app.log.join('\n');
    expect(log).toContain('password hash not upgraded');
    expect(log).not.toContain(weak);

    for (const statement of refusing[name].end) await sql.raw(statement).execute(inside.db);
    expect((await signIn(PASSWORD)).status).toBe(200);
    expect((await stored()).password_hash).not.toBe(weak);
  });
});
