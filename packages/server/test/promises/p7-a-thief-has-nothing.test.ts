import { createHash, createSecretKey } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeSetUpLink } from '../../src/app.ts';
import { ConfigError, configFromOptions } from '../../src/config.ts';
import { openContext } from '../../src/open-context.ts';
import { mac } from '../../src/platform/secrets.ts';
import { asBearer, login, newIdentifiers, PASSWORD, send, signUp, startApp } from '../support/app.ts';
import { claimsOf, forgeMac, newIp } from '../support/forge.ts';
import { openLink, secretOf } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('P7 on $name: a thief of the database has nothing', ({ create }) => {
  const { app, database, inside } = withApp(create, { metricsToken: 'a token for the metrics', hashing: {} });
  let victim: Awaited<ReturnType<typeof signUp>>;
  let pair: Awaited<ReturnType<typeof login>>;
  let link: URL;
  /** Every text in the database, and every part of one that could be a secret. */
  let loot: string[];
  beforeAll(async () => {
    victim = await signUp(app);
    await inside.promote(victim.id);
    pair = await login(app, victim);
    await send(app, 'POST', '/v1/refresh', { refresh_token: pair.refresh_token });
    await send(app, 'POST', '/v1/signin', { username: 'tried-in-vain', password: 'wrong wrong wrong' });
    const settings = configFromOptions({ database: database.url, secret: app.secret, publicUrl: app.url });
    const { context, close } = await openContext(settings, { clock: app.clock });
    link = new URL((await makeSetUpLink(context)) ?? expect.fail('no link'));
    await close();
    loot = await steal();
  });

  async function steal(): Promise<string[]> {
    const texts = new Set<string>();
    for (const { name } of await inside.db.introspection.getTables())
      for (const row of await inside.db
        .selectFrom(name as 'users')
        .selectAll()
        .execute())
        for (const value of Object.values(row))
          if (typeof value === 'string')
            for (const text of [value, ...value.split(/[$"{}:,]/)]) if (text.length > 2) texts.add(text);
    return [...texts];
  }

  it('finds what it looks for: this test sees every table', () => {
    for (const text of [victim.username, victim.email, victim.id, claimsOf(pair.access_token).sid])
      expect(loot).toContain(text);
    expect(loot.some((text) => text.startsWith('$argon2id$v=19$m=32768,t=3,p=1$'))).toBe(true);
    expect(loot.length).toBeGreaterThan(60);
  });

  it('finds no secret in clear, encoded or under a plain hash', () => {
    const secrets = [
      PASSWORD,
      app.secret,
      pair.access_token,
      pair.refresh_token,
      victim.browser.cookie ?? '',
      secretOf(link.href),
    ];
    const all = loot.join('\n');
    for (const secret of secrets) {
      const forms = [
        secret,
        Buffer.from(secret).toString('base64'),
        Buffer.from(secret).toString('base64url'),
        Buffer.from(secret).toString('hex'),
      ];
      const digests = ['sha256', 'sha1', 'md5'].flatMap((kind) =>
        (['hex', 'base64', 'base64url'] as const).map((form) => createHash(kind).update(secret).digest(form)),
      );
      for (const form of [...forms, ...digests]) expect(all).not.toContain(form);
    }
    // The names that were tried are kept under a key, so that nobody can look one up.
    const names = [
      'tried-in-vain',
      'username tried-in-vain',
      'names\nusername tried-in-vain',
      `password\n${victim.id}`,
      '192.0.2.1/32',
      'signup\n192.0.2.1/32',
    ];
    for (const name of names) {
      expect(loot.filter((text) => text.includes('tried-in-vain'))).toEqual([]);
      for (const form of ['hex', 'base64', 'base64url'] as const)
        expect(all).not.toContain(createHash('sha256').update(name).digest(form));
    }
  });

  it('signs in with nothing of it', async () => {
    const before = await inside.db.selectFrom('sessions').select('id').execute();
    for (const text of loot) {
      const from = newIp();
      const bearer = await send(app, 'GET', '/v1/me', undefined, {
        headers: { authorization: `Bearer ${encodeURIComponent(text)}` },
        from,
      });
      const cookie = await send(app, 'GET', '/v1/me', undefined, {
        headers: { cookie: `usher=${encodeURIComponent(text)}` },
        from,
      });
      const refresh = await send(
        app,
        'POST',
        '/v1/refresh',
        { refresh_token: text.slice(0, 2_000) },
        { from },
      );
      const metrics = await send(app, 'GET', '/metrics', undefined, {
        headers: { authorization: `Bearer ${encodeURIComponent(text)}` },
      });
      expect([text, bearer.status, cookie.status, refresh.status, metrics.status]).toEqual([
        text,
        401,
        401,
        401,
        401,
      ]);
      expect((await openLink(app, '/setup', text.slice(0, 2_000), { from })).status).toBe(410);
    }
    // As a password only what looks like one.
    for (const text of loot.filter((one) => /^[\w-]{22}$|^[\w/+-]{43}$|^\$argon2id/.test(one))) {
      await inside.db.deleteFrom('rate_limits').execute();
      expect(
        (
          await send(
            app,
            'POST',
            '/v1/signin',
            { username: victim.username, password: text },
            { from: newIp() },
          )
        ).status,
      ).toBe(401);
    }
    expect(await inside.db.selectFrom('sessions').select('id').execute()).toEqual(before);
  });

  it('forges nothing with it', async () => {
    const claims = claimsOf(victim.browser.cookie ?? '');
    const session = claimsOf(pair.access_token).sid;
    for (const text of loot)
      for (const bytes of [
        Buffer.from(text),
        Buffer.from(text, 'base64url'),
        createHash('sha256').update(text).digest(),
      ]) {
        if (bytes.length === 0) continue;
        const from = newIp();
        const cookie = forgeMac(bytes, { ...claims, exp: claims.exp + 60 });
        expect(
          (await send(app, 'GET', '/v1/me', undefined, { headers: { cookie: `usher=${cookie}` }, from }))
            .status,
        ).toBe(401);
        const refresh = `usher_r_${session}_2_${mac(createSecretKey(bytes), `${session}\n2`)}`;
        expect((await send(app, 'POST', '/v1/refresh', { refresh_token: refresh }, { from })).status).toBe(
          401,
        );
      }
    // Nothing was revoked by trying.
    expect((await victim.browser.get('/v1/me')).status).toBe(200);
    expect((await send(app, 'GET', '/v1/me', undefined, asBearer(pair.access_token))).status).toBe(200);
  });

  it('K6: has private keys that only the secret opens, and a database that serves no other secret', async () => {
    const keys = await inside.db.selectFrom('keys').selectAll().execute();
    for (const key of keys) {
      expect(JSON.parse(key.public_jwk)).not.toHaveProperty('d');
      expect(Buffer.from(key.private_jwk_encrypted, 'base64url').toString('latin1')).not.toMatch(
        /"(d|kty|crv)"/,
      );
    }
    await expect(startApp(database)).rejects.toThrow(ConfigError);
    await expect(startApp(database)).rejects.toThrow('Wrong secret for this database');
    const twin = await startApp(database, { secret: app.secret });
    expect(
      (await send(twin, 'POST', '/v1/signin', { username: newIdentifiers().username, password: 'x' })).status,
    ).toBe(401);
    await twin.stop();
  });
});
