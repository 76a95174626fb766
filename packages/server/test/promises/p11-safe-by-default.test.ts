import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import { createUsher, type UsherOptions } from '../../src/app.ts';
import { configFromOptions, loadConfig, type SettingName, settings } from '../../src/config.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { createLog } from '../../src/platform/log.ts';
import { newIdentifiers } from '../support/app.ts';
import { postgres } from '../support/postgres.ts';

const SECRET = 'Ee1Yb2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6YWJjZA';

describe('P11: an unsafe setting refuses to start', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(inject('folder'), 'p11-'));
    file = join(folder, 'usher.db');
    return () => rmSync(folder, { recursive: true });
  });

  /** Starts with these settings on a new database, and stops. */
  async function start(options: UsherOptions = {}): Promise<void> {
    const usher = await createUsher({ database: `sqlite:${file}`, log: createLog('silent'), ...options });
    await usher.close();
  }

  const unsafe: [what: string, setting: SettingName, options: UsherOptions][] = [
    ['a short secret', 'secret', { secret: 'k3y' }],
    ['a secret of 31 bytes', 'secret', { secret: SECRET.slice(0, 31) }],
    ['a secret of one letter', 'secret', { secret: 'a'.repeat(64) }],
    ['a secret that says what to do', 'secret', { secret: 'change-me-change-me-change-me-change-me' }],
    ['a secret from an example', 'secret', { secret: 'this-is-only-an-example-of-a-secret-key' }],
    ['a secret that is called so', 'secret', { secret: 'secret-secret-secret-secret-secret-secret' }],
    ['a secret that counts', 'secret', { secret: '0123456789abcdef0123456789abcdef' }],
    ['a short metrics token', 'metricsToken', { metricsToken: 'prometheus' }],
    ['plain http on the net', 'insecureHttp', { publicUrl: 'http://accounts.example.org' }],
    ['plain http in a private net', 'insecureHttp', { publicUrl: 'http://192.168.1.7:4000' }],
    [
      'plain http under a look-alike of this machine',
      'insecureHttp',
      { publicUrl: 'http://localhost.example.org' },
    ],
    ['a word for yes', 'insecureHttp', { publicUrl: 'http://accounts.example.org', insecureHttp: 'true' }],
    ['a public URL with a path', 'publicUrl', { publicUrl: 'https://example.org/accounts' }],
    ['a public URL with a tab', 'publicUrl', { publicUrl: 'https://a\torg' }],
    ['a public URL of two lines', 'publicUrl', { publicUrl: 'https://a.\norg' }],
    ['a public URL with a space', 'publicUrl', { publicUrl: 'https:// a.org' }],
    ['a public URL with a password', 'publicUrl', { publicUrl: 'https://user:pass@example.org' }],
    ['a public URL of another scheme', 'publicUrl', { publicUrl: 'javascript:alert(1)' }],
    ['a public URL that is none', 'publicUrl', { publicUrl: 'accounts.example.org' }],
    ['all addresses without a public URL', 'publicUrl', { host: '0.0.0.0' }],
    ['all addresses of IPv6 without a public URL', 'publicUrl', { host: '::' }],
    ['production without a public URL', 'publicUrl', { env: 'production' }],
    ['production by another name', 'env', { env: 'prod' }],
    ['trust in everybody', 'trustedProxies', { trustedProxies: '0.0.0.0/0' }],
    ['trust in everybody of IPv6', 'trustedProxies', { trustedProxies: ['10.0.0.0/8', '::/0'] }],
    ['trust in a name', 'trustedProxies', { trustedProxies: 'proxy.internal' }],
    ['trust in a prefix that cannot be', 'trustedProxies', { trustedProxies: '10.0.0.0/33' }],
    ['pages of everybody', 'allowedOrigins', { allowedOrigins: '*' }],
    ['pages of nobody in particular', 'allowedOrigins', { allowedOrigins: 'null' }],
    ['pages below a path', 'allowedOrigins', { allowedOrigins: 'https://app.example.org/login' }],
    ['a tab in an origin', 'allowedOrigins', { allowedOrigins: 'https://a.org,https://b\t.org' }],
    ['short passwords', 'passwordMin', { passwordMin: 7 }],
    ['any password', 'passwordMin', { passwordMin: '0' }],
    ['tokens for ever', 'tokenMinutes', { tokenMinutes: 525_600 }],
    ['tokens for no time', 'tokenMinutes', { tokenMinutes: 0 }],
    ['no signature', 'signingAlgorithm', { signingAlgorithm: 'none' }],
    ['a shared key for signatures', 'signingAlgorithm', { signingAlgorithm: 'HS256' }],
    ['sign-up by a word we do not know', 'signup', { signup: 'close' }],
    ['a port that is none', 'port', { port: '4000; rm' }],
    ['a database in memory', 'database', { database: 'sqlite::memory:' }],
    ['a database of another make', 'database', { database: 'mysql://localhost/usher' }],
  ];
  it.each(unsafe)('%s', async (_, setting, options) => {
    // By the name that it has in the environment or in code.
    await expect(start(options)).rejects.toThrow(new RegExp(`${settings[setting].env}|${setting}`, 'i'));
    // It says so before it makes anything.
    expect(existsSync(file)).toBe(false);
  });

  it('a name that nobody knows, and says which was meant', async () => {
    await expect(start({ publicURL: 'https://example.org' } as UsherOptions)).rejects.toThrow(
      'Did you mean publicUrl?',
    );
    const load = (env: NodeJS.ProcessEnv) => () => loadConfig({}, env);
    expect(load({ USHER_PUBLIC_ULR: 'https://example.org' })).toThrow('Did you mean USHER_PUBLIC_URL?');
    expect(load({ USHER_SECRETS: SECRET })).toThrow('USHER_SECRETS');
    expect(load({ USHER_SECRET_FILE: join(folder, 'missing') })).toThrow('USHER_SECRET_FILE');
    expect(load({ USHER_INSECURE: 'accepted' })).toThrow('USHER_INSECURE');
    // Neither repeats what was given: it may be a secret.
    const secret = 'sh0rt-but-mine';
    expect(load({ USHER_SECRET: secret })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining(secret) }),
    );
  });

  it('unless it is named twice, where it can be', async () => {
    await start({ publicUrl: 'http://accounts.example.org', insecureHttp: 'allow' });
    await start({ publicUrl: 'https://accounts.example.org', host: '0.0.0.0', env: 'production' });
  });

  it.skipIf(process.platform === 'win32')(
    'a database or key that others on the machine can read',
    async () => {
      await start();
      const key = join(folder, 'usher.key');
      for (const path of [file, key])
        for (const mode of [0o644, 0o640, 0o606]) {
          chmodSync(path, mode);
          await expect(start()).rejects.toThrow(`chmod 600 ${path}`);
          chmodSync(path, 0o600);
        }
      await start();
    },
  );

  it('a key that is missing, cut off or another one', async () => {
    await start();
    const key = join(folder, 'usher.key');
    const text = readFileSync(key, 'utf8');
    rmSync(key);
    await expect(start()).rejects.toThrow('is missing');
    // A refused start does not make a new one, which would settle the matter for the worse.
    expect(existsSync(key)).toBe(false);
    writeFileSync(key, text.slice(0, 20), { mode: 0o600 });
    await expect(start()).rejects.toThrow('fewer than 32 bytes');
    rmSync(key);
    await expect(start({ secret: SECRET })).rejects.toThrow('Wrong secret for this database');
    writeFileSync(key, text, { mode: 0o600 });
    await start();
  });

  it('a database server without a secret', async () => {
    const database = await postgres.create();
    await expect(start({ database: database.url })).rejects.toThrow(/secret.* is required/i);
    await start({ database: database.url, secret: SECRET });
    await expect(start({ database: database.url, secret: `${SECRET}x` })).rejects.toThrow(
      'Wrong secret for this database',
    );
    await database.remove();
  });

  describe('L10: a database server on another machine', () => {
    /** Reaches this machine under a name that is not known for it. */
    const elsewhere = (url: string) => url.replace(/@[^:/]+/, '@0.0.0.0');

    it('without TLS, unless that is named twice; and what asks for TLS is never sent without', async () => {
      const database = await postgres.create();
      const url = elsewhere(database.url);
      const password = decodeURIComponent(new URL(url).password);
      for (const parameters of ['', '?sslmode=disable', '?ssl=0', '?host=db.example.org']) {
        const refused = start({ database: url + parameters, secret: SECRET });
        await expect(refused).rejects.toThrow(/without TLS.*USHER_DATABASE_TLS=off/);
        if (password) await expect(refused).rejects.not.toThrow(password);
      }
      // This server has no TLS, so it is not talked to.
      for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'])
        await expect(start({ database: `${url}?sslmode=${mode}`, secret: SECRET })).rejects.toThrow('SSL');
      await start({ database: url, databaseTls: 'off', secret: SECRET });
      await start({ database: database.url, secret: SECRET });
      await database.remove();
    });

    it('takes the password apart from the URL, whatever is in it', async () => {
      const database = await postgres.create();
      const password = 'p@ss/w#r?d %41&+=:é';
      const role = `usher_${randomUUID().replaceAll('-', '')}`;
      const inside = await openDatabase(database.url);
      await sql.raw(`CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD '${password}'`).execute(inside.db);
      await inside.close();
      const url = new URL(database.url);
      url.username = role;
      url.password = '';
      await start({ database: url.href, databasePassword: password, secret: SECRET });
      const wrong = start({ database: url.href, databasePassword: `${password}x`, secret: SECRET });
      await expect(wrong).rejects.toThrow('password authentication failed');
      await expect(wrong).rejects.not.toThrow(/p@ss|p%40ss/);
      await database.remove();
      const home = await openDatabase(inject('maintenance'));
      await sql.raw(`DROP ROLE ${role}`).execute(home.db);
      await home.close();
    });
  });

  describe('and with no setting at all it is safe:', () => {
    it('on this machine alone, with nothing open that was not asked for', () => {
      expect(configFromOptions({})).toMatchObject({
        host: '127.0.0.1',
        insecureHttp: 'reject',
        allowedOrigins: [],
        trustedProxies: [],
        metricsPort: undefined,
        eventsDays: 365,
        metricsToken: undefined,
        secret: undefined,
        passwordMin: 8,
        tokenMinutes: 10,
        signingAlgorithm: 'ES256',
      });
    });

    it('with a secret of its own, in a file that nobody else can read', async () => {
      await start();
      const key = readFileSync(join(folder, 'usher.key'), 'utf8').trim();
      expect(Buffer.from(key, 'base64url')).toHaveLength(48);
      for (const path of [file, join(folder, 'usher.key')]) expect(statSync(path).mode & 0o777).toBe(0o600);
      const another = join(folder, 'another');
      await start({ database: `sqlite:${folder}/another.db`, secret: SECRET });
      expect(existsSync(another)).toBe(false);
      expect(readFileSync(join(folder, 'usher.key'), 'utf8').trim()).toBe(key);
    });

    it('with cookies that no script reads and no other site sends, and with metrics closed', async () => {
      const usher = await createUsher({ database: `sqlite:${file}`, log: createLog('silent') });
      const ask = (path: string, init?: RequestInit) =>
        usher.fetch(new Request(`http://localhost:4000${path}`, init));
      const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
      const reply = await ask('/v1/signup', { ...json, body: JSON.stringify(newIdentifiers()) });
      expect(reply.headers.getSetCookie()).toEqual([
        expect.stringMatching(/^usher=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600$/),
        expect.stringMatching(/^usher-device=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=7776000$/),
      ]);
      expect((await ask('/metrics')).status).toBe(404);
      const weak = await ask('/v1/signup', {
        ...json,
        body: JSON.stringify({ ...newIdentifiers(), password: 'password' }),
      });
      expect(weak.status).toBe(400);
      await usher.close();
      const behindTls = await createUsher({
        database: `sqlite:${file}`,
        log: createLog('silent'),
        publicUrl: 'https://id.example.org',
      });
      const secure = await behindTls.fetch(
        new Request('https://id.example.org/v1/signup', { ...json, body: JSON.stringify(newIdentifiers()) }),
      );
      expect(secure.headers.getSetCookie()).toEqual([
        expect.stringMatching(/^__Host-usher=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600; Secure$/),
        expect.stringMatching(
          /^__Host-usher-device=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=7776000; Secure$/,
        ),
      ]);
      expect(secure.headers.get('strict-transport-security')).toBe('max-age=63072000');
      await behindTls.close();
      const withSubdomains = await createUsher({
        database: `sqlite:${file}`,
        log: createLog('silent'),
        publicUrl: 'https://id.example.org',
        hstsSubdomains: 'on',
      });
      const asked = await withSubdomains.fetch(new Request('https://id.example.org/healthz'));
      expect(asked.headers.get('strict-transport-security')).toBe('max-age=63072000; includeSubDomains');
      await withSubdomains.close();
    });
  });
});
