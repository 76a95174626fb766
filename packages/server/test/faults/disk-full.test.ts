// F5: no room for another write. Usher says so, and claims nothing that it could not write down; what needs no write goes
// on. A limit on the size of files stands in for the disk: it needs no rights, and holds for root as well.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { newIdentifiers, PASSWORD, type Reply } from '../support/app.ts';
import { type Credential, call, cookieOf, newFolder, startProcess } from '../support/process.ts';

/** In units of 512 bytes, or 1024 in some shells: far more than an empty database, far less than the log may grow to. */
const ROOM = 2_000;
/** So many writes never fit. */
const MAX_WRITES = 5_000;

// Windows has no such limit.
describe.skipIf(process.platform === 'win32')('a full disk', () => {
  it('F5: rejects what must be written, claims no log-out, and goes on reading', async () => {
    const file = join(newFolder(), 'usher.db');
    const usher = await startProcess({
      database: `sqlite:${file}`,
      // Without the trap the signal of this limit would end the process; a full disk sends none.
      shell: `trap '' XFSZ; ulimit -f ${ROOM}`,
    });
    const ask = (method: string, path: string, body?: unknown, credential?: Credential) =>
      call(usher, method, path, body, credential);
    const names = newIdentifiers();
    const made = await ask('POST', '/v1/signup', names);
    expect(made.status, made.text).toBe(201);
    const cookie = { cookie: cookieOf(made) ?? '' };
    const pair = (await ask('POST', '/v1/login', { username: names.username, password: PASSWORD })).body;
    const bearer = { bearer: pair.access_token as string };

    let refreshToken: string = pair.refresh_token;
    let full: Reply | undefined;
    for (let i = 0; i < MAX_WRITES && !full; i++) {
      const reply = await ask('POST', '/v1/refresh', { refresh_token: refreshToken });
      if (reply.status === 200) refreshToken = reply.body.refresh_token;
      else full = reply;
    }
    expect(full?.status, full?.text).toBe(503);

    const change = { current_password: PASSWORD, new_password: 'another horse, another battery' };
    const writes = await Promise.all([
      ask('POST', '/v1/refresh', { refresh_token: refreshToken }),
      ask('POST', '/v1/signup', newIdentifiers()),
      ask('POST', '/v1/signin', { username: names.username, password: PASSWORD }),
      ask('POST', '/v1/login', { username: names.username, password: PASSWORD }),
      ask('POST', '/v1/signin', { username: names.username, password: 'not the password' }),
      ask('POST', '/v1/logout', undefined, cookie),
      ask('POST', '/v1/logout', undefined, bearer),
      ask('POST', '/v1/logout-everywhere', undefined, cookie),
      ask('PATCH', '/v1/me', { username: newIdentifiers().username }, cookie),
      ask('PUT', '/v1/me/password', change, cookie),
      ask('DELETE', '/v1/me', { email: names.email, password: PASSWORD }, cookie),
    ]);
    for (const { status, body, headers, text } of writes) {
      expect({ status, code: body.code }, text).toEqual({ status: 503, code: 'unavailable' });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(text).not.toContain('successful');
      // A browser keeps the cookie of a session that did not end.
      expect(headers.getSetCookie().filter((one) => /^usher=;/.test(one))).toEqual([]);
    }
    for (const credential of [cookie, bearer])
      for (const path of ['/v1/me', '/v1/dashboard', '/v1/me/sessions'])
        expect((await ask('GET', path, undefined, credential)).status, path).toBe(200);
    for (const path of ['/healthz', '/.well-known/jwks.json', '/docs'])
      expect((await ask('GET', path)).status, path).toBe(200);
    expect(usher.logs()).toMatch(/"msg":"request failed"/);

    // Room again: what is in the log goes to its place, and the log begins anew.
    const cleaner = new DatabaseSync(file);
    expect(cleaner.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()).toMatchObject({ busy: 0 });
    expect(cleaner.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    cleaner.close();
    const next = await ask('POST', '/v1/refresh', { refresh_token: refreshToken });
    expect(next.status, next.text).toBe(200);
    expect((await ask('POST', '/v1/logout', undefined, bearer)).body.message).toBe('logout successful!');
    expect((await ask('POST', '/v1/refresh', next.body)).status).not.toBe(200);
    expect((await ask('GET', '/v1/me', undefined, bearer)).status).toBe(401);
    expect((await ask('GET', '/v1/me', undefined, cookie)).body.user.username).toBe(names.username);
    const signIn = await ask('POST', '/v1/signin', { email: names.email, password: PASSWORD });
    expect(signIn.status).toBe(200);
    expect(await usher.kill()).toEqual({ code: 0, signal: null });
  });
});
