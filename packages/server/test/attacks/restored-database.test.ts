// An older copy of the database is put back: what was signed out, used or revoked since must not come back with it.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readStateFile, stateFileOf } from '../../src/platform/state-file.ts';
import { run, withPlace } from '../cli/program.ts';
import { login, newIdentifiers, send, signUp, startApp, type TestApp } from '../support/app.ts';
import { DAY, HOUR, type TestClock, testClock } from '../support/clock.ts';
import { lastEmail } from '../support/emails.ts';
import { type Credential, openInside, present, sendAs, sendTo } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { newFolder, SECRET } from '../support/process.ts';
import { withStarted } from '../support/with-app.ts';

describe('a database file of yesterday is put back', () => {
  let file: string;
  let clock: TestClock;
  let app: TestApp;
  let url: string | undefined;
  const open = async (): Promise<TestApp> => {
    const started = await startApp(
      { url: `sqlite:${file}` },
      { secret: SECRET, clock, ...(url ? { publicUrl: url } : {}) },
    );
    url ??= started.url;
    return { ...started, url };
  };
  beforeEach(async () => {
    file = join(newFolder(), 'usher.db');
    clock = testClock();
    url = undefined;
    app = await open();
  });
  afterEach(() => app.stop());

  const copy = () => `${file}.backup`;
  /** Copies the file while nothing uses it, and goes on a day later. */
  async function backUp(): Promise<void> {
    await app.stop();
    copyFileSync(file, copy());
    clock.advance(HOUR);
    app = await open();
  }
  async function putBack(): Promise<void> {
    await app.stop();
    for (const part of [`${file}-wal`, `${file}-shm`]) rmSync(part, { force: true });
    copyFileSync(copy(), file);
    app = await open();
  }
  const expectRejected = async (...credentials: Credential[]) => {
    for (const credential of credentials) expect((await present(app, credential)).status).toBe(401);
  };
  const logIn = async ({ email, password }: { email: string; password: string }) => {
    const { status, body } = await sendTo(app, 'POST', '/v1/login', { email, password });
    expect(status).toBe(200);
    return body as { access_token: string; refresh_token: string };
  };
  const restores = async () => {
    const inside = await openInside(app, { url: `sqlite:${file}` });
    const rows = await inside.db
      .selectFrom('events')
      .select('details')
      .where('name', '=', 'database_restored')
      .execute();
    await inside.close();
    return rows.map(({ details }) => JSON.parse(details));
  };

  it('K14: its sessions, refresh tokens, codes and links are rejected, and log and events say so', async () => {
    const who = await signUp(app);
    const cookie = { cookie: who.browser.cookie ?? '' };
    const pair = await login(app, who);
    await send(app, 'POST', '/v1/send-mail', { email: who.email });
    const message = await lastEmail(app, { url: `sqlite:${file}` }, who.email);
    await backUp();
    expect((await sendAs(app, cookie, 'POST', '/v1/logout')).status).toBe(200);
    expect((await present(app, { refresh: pair.refresh_token })).status).toBe(200);
    await putBack();

    await expectRejected(cookie, { bearer: pair.access_token }, { refresh: pair.refresh_token });
    const token = new URL(message.link ?? '').hash.replace('#token=', '');
    const password = 'another correct horse';
    for (const proof of [{ token }, { email: who.email, code: message.code }])
      expect(
        (await sendTo(app, 'POST', '/v1/reset-password', { ...proof, password })).status,
      ).toBeGreaterThan(399);
    expect(await restores()).toEqual([{ sessions: 2 }]);
    expect(app.log.filter((line) => line.includes('older copy of the database'))).toHaveLength(1);
    // Whoever signs in now stays in.
    const after = await logIn(who);
    await app.stop();
    app = await open();
    expect((await present(app, { refresh: after.refresh_token })).status).toBe(200);
    expect(await restores()).toHaveLength(1);
  });

  it('K14: a refresh is enough to be noticed, although no event tells of it', async () => {
    const who = await signUp(app);
    const pair = await login(app, who);
    await backUp();
    const before = readStateFile(stateFileOf(file))?.revision ?? 0;
    expect((await present(app, { refresh: pair.refresh_token })).status).toBe(200);
    await expect.poll(() => readStateFile(stateFileOf(file))?.revision).toBeGreaterThan(before);
    await putBack();
    await expectRejected({ refresh: pair.refresh_token });
    expect(await restores()).toHaveLength(1);
  });

  it('K14: the copy of the database as it is ends nothing, nor does a file that is missing or of another database', async () => {
    const who = await signUp(app);
    const { access_token: bearer } = await login(app, who);
    await app.stop();
    copyFileSync(file, copy());
    rmSync(stateFileOf(file));
    copyFileSync(copy(), file);
    app = await open();
    expect((await present(app, { bearer })).status).toBe(200);
    expect(await restores()).toEqual([]);
    await app.stop();
    const notes = readFileSync(stateFileOf(file));
    for (const part of [file, `${file}-wal`, `${file}-shm`, stateFileOf(file)]) rmSync(part, { force: true });
    app = await open();
    await sendTo(app, 'POST', '/v1/signup', newIdentifiers());
    await app.stop();
    writeFileSync(stateFileOf(file), notes);
    app = await open();
    expect(await restores()).toEqual([]);
  });

  it('K14: a copy made by VACUUM INTO while it runs is whole, and noticed as an older one', async () => {
    const who = await signUp(app);
    const cookie = { cookie: who.browser.cookie ?? '' };
    const other = new DatabaseSync(file);
    other.exec(`VACUUM INTO '${copy()}'`);
    other.close();
    chmodSync(copy(), 0o600);
    expect((await sendAs(app, cookie, 'POST', '/v1/logout')).status).toBe(200);
    await putBack();
    await expectRejected(cookie);
    expect(await restores()).toEqual([{ sessions: 1 }]);
    await logIn(who);
  });

  it('K14: an empty database where there was one is rejected, and neither made anew nor noted', async () => {
    await signUp(app);
    // Its log beside it holds what was written, so the copy of the file alone has nothing in it.
    copyFileSync(file, copy());
    const state = stateFileOf(file);
    await app.stop();
    const notes = readFileSync(state);
    const whole = readFileSync(file);
    const begin = (...args: string[]) => run(dirname(file), { USHER_SECRET: SECRET, USHER_PORT: '0' }, args);
    const lost = [
      {
        lose: () => copyFileSync(copy(), file),
        found: `${file} is empty`,
        cause: ' It may have been copied while Usher was running.',
      },
      {
        lose: () => truncateSync(file),
        found: `${file} is empty`,
        cause: ' It may have been copied while Usher was running.',
      },
      {
        lose: forgetInstallation,
        found: `${file} is empty`,
        cause: ' It may have been copied while Usher was running.',
      },
      { lose: () => rmSync(file), found: `${file} is missing` },
    ];
    for (const { lose, found, cause = '' } of lost) {
      lose();
      const refusal = `${found}, but ${state} shows that there was a database.${cause} Restore a backup, or delete ${state} to start with a new database.`;
      for (const command of ['serve', 'db create']) {
        const { code, stderr } = await begin(...command.split(' '));
        expect({ code, stderr }).toEqual({ code: 2, stderr: `usher: ${refusal}\n` });
      }
      await expect(open()).rejects.toThrow(refusal);
      expect(readFileSync(state)).toEqual(notes);
      writeFileSync(file, whole, { mode: 0o600 });
    }
    app = await open();
    expect(await restores()).toEqual([]);

    await app.stop();
    truncateSync(file);
    rmSync(state);
    expect((await begin('db', 'create')).code).toBe(0);
    app = await open();
  });

  /** As a copy that lacks its log can leave it: the tables are there, and not what they held. */
  function forgetInstallation(): void {
    const database = new DatabaseSync(file);
    database.exec('DELETE FROM installation');
    database.close();
  }

  it('usher db drop removes what is noted with the file, and usher db create makes it again', async () => {
    await signUp(app);
    await app.stop();
    const begin = (...args: string[]) => run(dirname(file), { USHER_SECRET: SECRET }, args);
    expect((await begin('db', 'drop', '--yes')).code).toBe(0);
    expect(existsSync(stateFileOf(file))).toBe(false);
    expect((await begin('db', 'create')).code).toBe(0);
    app = await open();
  });

  it('K14: what is noted beside it is closed to other users, and holds no secret', async () => {
    const who = await signUp(app);
    await login(app, who);
    await app.stop();
    expect(statSync(stateFileOf(file)).mode & 0o777).toBe(0o600);
    expect(readStateFile(stateFileOf(file))).toEqual({
      installation: expect.any(String),
      revision: expect.any(Number),
    });
    app = await open();
  });
});

describe.each(databases)('usher db restored on $name', (kind) => {
  const place = withPlace(kind);
  const app = withStarted(
    // The key of this database was made just now.
    () => startApp(place.database, { secret: place.secret, clock: testClock(Date.now()) }),
    (it) => it.stop(),
    'test',
  );

  it('K14: an operator who put a backup back signs everybody out at once, on a server that runs', async () => {
    const who = await signUp(app);
    const cookie = { cookie: who.browser.cookie ?? '' };
    const pair = await login(app, who);
    const unasked = await place.usher(['db', 'restored']);
    expect(unasked.code).toBe(2);
    expect((await present(app, cookie)).status).toBe(200);

    const done = await place.usher(['db', 'restored', '--yes']);
    expect(done).toMatchObject({ code: 0, stdout: '' });
    expect(done.stderr).toBe(
      'Revoked all sessions (2), known browsers and API clients, email codes and links (except those that undo an email change) and the setup link.\n',
    );
    for (const credential of [cookie, { bearer: pair.access_token }, { refresh: pair.refresh_token }])
      expect((await present(app, credential)).status).toBe(401);
    const again = await place.usher(['db', 'restored', '--yes', '--json']);
    expect(JSON.parse(again.stdout)).toEqual({ sessions: 0 });
    app.clock.advance(DAY);
    const { access_token: bearer } = await login(app, who);
    expect((await present(app, { bearer })).status).toBe(200);
  });
});
