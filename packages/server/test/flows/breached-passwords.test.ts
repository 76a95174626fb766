import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { createUsher } from '../../src/app.ts';
import { HashParts, writeBreachedPasswords } from '../../src/core/passwords/breached-file.ts';
import { createLog } from '../../src/platform/log.ts';
import { run } from '../cli/program.ts';
import { newIdentifiers, PASSWORD, send, signUp } from '../support/app.ts';
import { lastEmail } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

/** No rule but the list refuses it. */
const BREACHED = 'dolphin-trumpet 77';
const said = 'data breach';

function newList(passwords: string[]): string {
  const folder = mkdtempSync(join(inject('folder'), 'breached-'));
  const parts = new HashParts(join(folder, 'parts'));
  for (const password of passwords) parts.add(createHash('sha1').update(password).digest());
  parts.close();
  writeBreachedPasswords(join(folder, 'list'), parts.folder, parts.count);
  return join(folder, 'list');
}

describe.each(databases)('breached passwords on $name', ({ create }) => {
  let list: string;
  const { app, database, inside } = withApp(create, () => {
    list = newList([BREACHED, ...Array.from({ length: 1000 }, (_, n) => `another one ${n}`)]);
    return { breachedPasswords: list };
  });
  let admin: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    admin = await signUp(app);
    await inside.promote(admin.id);
  });

  const refused = { status: 400, body: { errors: [{ field: 'password', code: 'password_breached' }] } };

  it('U18: are rejected at sign-up, by API and page, with the reason', async () => {
    const names = newIdentifiers();
    const reply = await send(app, 'POST', '/v1/signup', { ...names, password: BREACHED }, { from: newIp() });
    expect(reply).toMatchObject(refused);
    expect(reply.body.errors[0].message).toContain(said);
    expect(reply.text).not.toContain(BREACHED);
    const page = await submit(app, '/sign-up', { ...names, password: BREACHED }, { from: newIp() });
    expect(page.status).toBe(400);
    expect(page.text).toContain(said);
    const advice = await send(app, 'POST', '/v1/check-password', { password: BREACHED });
    expect(advice.body).toMatchObject({ strength: 'weak', message: expect.stringContaining(said) });
    expect((await send(app, 'POST', '/v1/check-password', { password: PASSWORD })).body.strength).toBe(
      'strong',
    );
  });

  it('U18: are rejected at a change, a reset, and from an administrator', async () => {
    const { browser, email } = await signUp(app, newIp());
    const change = { current_password: PASSWORD, new_password: BREACHED };
    expect(await browser.send('PUT', '/v1/me/password', change)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'new_password', code: 'password_breached' }] },
    });
    await send(app, 'POST', '/v1/send-mail', { email }, { from: newIp() });
    const { code } = await lastEmail(app, database, email);
    const reset = (password: string) =>
      send(app, 'POST', '/v1/reset-password', { email, code, password }, { from: newIp() });
    expect(await reset(BREACHED)).toMatchObject(refused);
    expect((await reset('this one was in none')).status).toBe(200);
    expect(await admin.browser.post('/v1/users', { ...newIdentifiers(), password: BREACHED })).toMatchObject(
      refused,
    );
  });

  it('U18: are rejected from the command line', async () => {
    const env = {
      USHER_DATABASE: database.url,
      USHER_SECRET: app.secret,
      USHER_BREACHED_PASSWORDS: list,
      USHER_PUBLIC_URL: app.url,
    };
    const { username, email } = newIdentifiers();
    const folder = mkdtempSync(join(inject('folder'), 'cli-'));
    for (const args of [
      ['user', 'add', '--username', username, '--email', email, '--password-stdin'],
      ['user', 'reset-password', admin.username, '--password-stdin'],
    ]) {
      const ended = await run(folder, env, args, BREACHED);
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toContain(said);
    }
  });
});

describe('P11: a list of breached passwords that cannot be used refuses to start:', () => {
  const start = async (breachedPasswords: string) => {
    const folder = mkdtempSync(join(inject('folder'), 'breached-'));
    const database = `sqlite:${join(folder, 'usher.db')}`;
    const usher = await createUsher({ database, breachedPasswords, log: createLog('silent') });
    await usher.close();
  };
  const ENTRIES = 1_000;
  const list = () => newList(Array.from({ length: ENTRIES }, (_, n) => `password number ${n}`));
  const flip = (path: string, at: number) => {
    const bytes = readFileSync(path);
    bytes.writeUInt8((bytes[at] ?? 0) ^ 1, at);
    writeFileSync(path, bytes);
  };
  const spoiled: [what: string, spoil: (path: string) => void, said: string][] = [
    ['one that is empty', (path) => writeFileSync(path, ''), 'isn’t a list'],
    ['a text', (path) => writeFileSync(path, 'password\n'.repeat(100)), 'isn’t a list'],
    ['one that is cut off', (path) => truncateSync(path, readFileSync(path).length - 3), 'is damaged'],
    ['one that is cut off in its head', (path) => truncateSync(path, 20), 'isn’t a list'],
    ['one with another number of entries', (path) => flip(path, 15), 'is damaged'],
    ['one with a bit flipped in the unused part of its head', (path) => flip(path, 30), 'is damaged'],
    ['one with a bit flipped in its index', (path) => flip(path, 70), 'is damaged'],
  ];
  it.each(spoiled)('%s', async (_, spoil, words) => {
    const path = list();
    spoil(path);
    await expect(start(path)).rejects.toThrow(words);
    await expect(start(path)).rejects.toThrow(/USHER_BREACHED_PASSWORDS.*usher passwords build/);
  });
  it('one that is missing; and one that is whole starts', async () => {
    await expect(start('/nowhere/list')).rejects.toThrow(/couldn’t read.*usher passwords build/);
    await start(list());
  });

  it.each<[what: string, damage: (bytes: Buffer) => Buffer]>([
    ['entries that are out of order', (bytes) => bytes.fill(0, bytes.length - 3 * ENTRIES)],
    ['entries that are missing', (bytes) => bytes.subarray(0, bytes.length - 3 * ENTRIES)],
    ['a bucket beyond its end', (bytes) => bytes.fill(0xff, 64, bytes.length - 3 * ENTRIES)],
  ])('but where %s show later, no password can be chosen', async (_, damage) => {
    const path = list();
    const database = `sqlite:${join(dirname(path), 'usher.db')}`;
    const usher = await createUsher({ database, breachedPasswords: path, log: createLog('silent') });
    writeFileSync(path, damage(readFileSync(path)));
    const body = JSON.stringify(newIdentifiers());
    const headers = { 'content-type': 'application/json' };
    const request = new Request('http://localhost:4000/v1/signup', { method: 'POST', headers, body });
    const reply = await usher.fetch(request);
    await usher.close();
    expect([reply.status, reply.headers.getSetCookie()]).toEqual([500, []]);
  });
});
