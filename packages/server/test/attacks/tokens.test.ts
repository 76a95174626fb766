import { createPublicKey, KeyObject, sign, webcrypto, X509Certificate } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createUsher } from '../../src/app.ts';
import { ConfigError } from '../../src/config.ts';
import { openKeyring, rotateKey } from '../../src/core/keys.ts';
import { accessTokens } from '../../src/core/tokens/access.ts';
import type { Claims } from '../../src/core/tokens/claims.ts';
import { cookieTokens } from '../../src/core/tokens/cookie.ts';
import { refreshTokens } from '../../src/core/tokens/refresh.ts';
import { newId } from '../../src/platform/random.ts';
import { deriveKeys, type Keys, mac } from '../../src/platform/secrets.ts';
import { login, PASSWORD, type Reply, sendBytes, signUp, startApp, type TestApp } from '../support/app.ts';
import { MINUTE, SECOND } from '../support/clock.ts';
import {
  accessHeader,
  COOKIE_HEADER,
  type Credential,
  claimsOf,
  forgeMac,
  forgeSigned,
  type Inside,
  openInside,
  pageHeaders,
  part,
  present,
  sendAs,
  sendTo,
} from '../support/forge.ts';
import { submit } from '../support/form.ts';
import { databases, type TestDatabase } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

/** Someone who is signed in both ways. */
interface Victim {
  id: string;
  cookie: string;
  access: string;
  refresh: string;
}

async function newVictim(app: TestApp): Promise<Victim> {
  const who = await signUp(app);
  const pair = await login(app, who);
  return {
    id: who.id,
    cookie: who.browser.cookie ?? '',
    access: pair.access_token,
    refresh: pair.refresh_token,
  };
}

/** What an honest token of this session says, made at this moment. */
function truth(app: TestApp, token: string): Claims {
  const now = Math.floor(app.clock.now() / 1000);
  return { ...claimsOf(token), iat: now, exp: now + 600, jti: newId() };
}

type Payload = (claims: Claims) => unknown;
type Header = (header: { alg: string; typ: string; kid?: string }) => unknown;

/** Tokens of both kinds for a victim's sessions, signed with the real keys, around what is made of their contents. */
async function forgeBoth(
  app: TestApp,
  { keys, keyring }: Inside,
  victim: Victim,
  payload: Payload = (same) => same,
  header: Header = (same) => same,
): Promise<Credential[]> {
  const key = keyring.signer(app.clock.now());
  const [browser, program] = [truth(app, victim.cookie), truth(app, victim.access)];
  return [
    { cookie: forgeMac(keys.cookie, payload(browser), header(COOKIE_HEADER)) },
    { bearer: await forgeSigned(key.privateKey, payload(program), header(accessHeader(key))) },
  ];
}

const statusOf = async (app: TestApp, credential: Credential): Promise<number> =>
  (await present(app, credential)).status;

const sayingNothing = ({ body: { request_id: _, ...body } }: Reply): unknown => body;

/** Every one is refused, with the same words as plain nonsense. */
async function expectRejected(app: TestApp, credentials: Credential[], flaw?: unknown): Promise<void> {
  const nonsense = sayingNothing(await present(app, { bearer: 'nonsense' }));
  for (const credential of credentials) {
    const reply = await present(app, credential);
    const shown = `${inspect(flaw)} ${inspect(credential)}`;
    expect(reply.status, shown).toBe(401);
    expect(sayingNothing(reply), shown).toEqual(nonsense);
    const unset =
      'cookie' in credential
        ? [expect.stringContaining('usher=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0')]
        : [];
    expect(reply.headers.getSetCookie()).toEqual(unset);
  }
}

describe.each(databases)('forged tokens on $name', ({ create }) => {
  const { app, inside } = withApp(create);
  let ada: Victim;
  beforeAll(async () => {
    ada = await newVictim(app);
  });

  const forge = (payload?: Payload, header?: Header) => forgeBoth(app, inside, ada, payload, header);
  /** With claims that are added to the honest ones or take their place; undefined takes them away. */
  const claiming = (more: object) => forge((claims) => ({ ...claims, ...more }));
  const heading = (more: object) => forge(undefined, (header) => ({ ...header, ...more }));
  const refused = async (made: Credential[] | Promise<Credential[]>, flaw?: unknown) =>
    expectRejected(app, await made, flaw);
  /** Both ways to send a token, whatever kind it is. */
  const bothWays = (token: string): Credential[] => [{ cookie: token }, { bearer: token }];

  it('accepts what the forge makes without a flaw, so that a flaw is why the others are rejected', async () => {
    for (const credential of await forge()) expect(await statusOf(app, credential)).toBe(200);
  });

  it('T1: alg none is rejected in every letter case, with any signature or none', async () => {
    const spellings = [...Array(16).keys()].map((bits) =>
      [...'none'].map((letter, i) => (bits & (1 << i) ? letter.toUpperCase() : letter)).join(''),
    );
    for (const alg of spellings)
      for (const honest of [ada.cookie, ada.access]) {
        const payload = part(truth(app, honest));
        const signature = honest.split('.')[2];
        for (const rest of ['', '.', `.${signature}`]) {
          await refused(bothWays(`${part({ alg, typ: 'at+jwt' })}.${payload}${rest}`), alg);
          await refused(bothWays(`${honest.split('.')[0]}.${payload}${rest}`), alg);
        }
      }
  });

  it('T2: an HMAC under our public key, however it is written, is rejected', async () => {
    const { kid, ...jwk } = await publicJwk(app);
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const point = Buffer.concat([jwk.x, jwk.y].map((half) => Buffer.from(half ?? '', 'base64url')));
    const spellings = [
      pem,
      pem.trim(),
      ` ${pem}`,
      `\n${pem}`,
      pem.replaceAll('\n', '\r\n'),
      pem.split('\n').slice(1, -2).join(''),
      publicKey.export({ type: 'spki', format: 'der' }),
      point,
      Buffer.concat([Buffer.of(4), point]),
      JSON.stringify({ ...jwk, kid }),
      JSON.stringify({ keys: [{ ...jwk, kid }] }),
      kid ?? '',
      '',
    ];
    const honest = { alg: 'ES256', typ: 'at+jwt', kid };
    const headers = [honest, { ...honest, alg: 'HS256' }, { alg: 'HS256', typ: 'JWT' }, COOKIE_HEADER];
    for (const secret of spellings)
      for (const header of headers)
        for (const token of [ada.cookie, ada.access])
          await refused(bothWays(forgeMac(secret, truth(app, token), header)), header);
  });

  it('T4: a key id that is ours with an algorithm that is not its own is rejected', async () => {
    const { privateKey, ...key } = inside.keyring.signer(app.clock.now());
    const generate = async (name: string, more: object = {}): Promise<CryptoKey> => {
      const algorithm = {
        name,
        modulusLength: 2048,
        publicExponent: Buffer.of(1, 0, 1),
        hash: 'SHA-256',
        ...more,
      };
      return (
        await webcrypto.subtle.generateKey(algorithm as webcrypto.RsaHashedKeyGenParams, true, ['sign'])
      ).privateKey;
    };
    const foreign = {
      RS256: await generate('RSASSA-PKCS1-v1_5'),
      PS256: await generate('RSA-PSS'),
      ES384: await generate('ECDSA', { namedCurve: 'P-384' }),
      ES256: await generate('ECDSA', { namedCurve: 'P-256' }),
      EdDSA: await generate('Ed25519'),
      Ed25519: await generate('Ed25519'),
    };
    for (const [alg, attacker] of Object.entries(foreign))
      for (const signer of alg === key.algorithm ? [attacker] : [attacker, privateKey]) {
        const header = { ...accessHeader(key), alg };
        await refused([{ bearer: await forgeSigned(signer, truth(app, ada.access), header) }], header);
      }
  });

  describe('with an attacker’s key', () => {
    let attacker: { privateKey: CryptoKey; publicKey: CryptoKey };
    let jwk: JWK;
    beforeAll(async () => {
      attacker = await generateKeyPair('ES256', { extractable: true });
      jwk = await exportJWK(attacker.publicKey);
    });

    /** Names the key of ours, one of nobody's, and none. */
    const headers = async (more: object) => {
      const { kid } = await publicJwk(app);
      return [{ kid }, { kid: 'mine' }, {}].map((id) => ({ alg: 'ES256', typ: 'at+jwt', ...id, ...more }));
    };
    const expectForeignRejected = async (more: object) => {
      for (const header of await headers(more)) {
        const token = await forgeSigned(attacker.privateKey, truth(app, ada.access), header);
        await refused(bothWays(token), header);
      }
    };

    it('T5: a header that brings its own key (jwk) is rejected', async () => {
      await expectForeignRejected({ jwk });
      await expectForeignRejected({ jwk: { ...jwk, ...(await publicJwk(app)) } });
    });

    it('T6: a header that names a place for keys (jku, x5u) is rejected, and nobody goes there', async () => {
      let connections = 0;
      const listener = createServer((_, response) =>
        response.end(JSON.stringify({ keys: [{ ...jwk, kid: 'mine' }] })),
      );
      listener.on('connection', () => connections++);
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
      const { port } = listener.address() as AddressInfo;
      for (const name of ['jku', 'x5u'])
        for (const url of [`http://127.0.0.1:${port}/jwks.json`, `http://localhost:${port}/`])
          await expectForeignRejected({ [name]: url });
      expect(connections).toBe(0);
      // The listener does listen.
      const socket = connect(port, '127.0.0.1');
      await new Promise((resolve) => listener.once('connection', resolve));
      expect(connections).toBe(1);
      socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    });

    it('T8: a header that brings a chain of certificates (x5c) is rejected', async () => {
      const chain = [certify(attacker).toString('base64')];
      await expectForeignRejected({ x5c: chain });
      await expectForeignRejected({ x5c: chain, jwk, x5t: newId() });
    });
  });

  it('T9: crit, known or unknown, in the header or the payload, is rejected even under the real keys', async () => {
    const extensions = [
      { crit: ['unknown'], unknown: 1 },
      { crit: ['exp'], exp: Math.floor(app.clock.now() / 1000) + 600 },
      { crit: ['b64'], b64: true },
      { crit: ['b64'], b64: false },
      { crit: [] },
      { crit: 'exp' },
      { b64: false },
    ];
    for (const more of extensions) {
      await refused(heading(more), more);
      await refused(
        forge(undefined, (header) => ({ ...more, ...header })),
        more,
      );
      await refused(claiming(more), more);
    }
  });

  it('T10: a token with one character changed is rejected', async () => {
    const [cookie, bearer] = [ada.cookie, ada.access];
    const flip = (token: string, at: number) =>
      `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
    for (let at = 0; at < Math.max(cookie.length, bearer.length); at += 7) {
      if (at < cookie.length) await refused([{ cookie: flip(cookie, at) }]);
      if (at < bearer.length) await refused([{ bearer: flip(bearer, at) }]);
    }
    expect(await statusOf(app, { cookie })).toBe(200);
    expect(await statusOf(app, { bearer })).toBe(200);
  });

  it('T13: a token is good up to the millisecond before exp, at exp no more', async () => {
    const second = Math.floor(app.clock.now() / 1000);
    const expiring = (exp: number) => claiming({ iat: exp - 600, exp });
    await refused(expiring(second - 1));
    await refused(expiring(second));
    const credentials = await expiring(second + 1);
    for (const credential of credentials) expect(await statusOf(app, credential)).toBe(200);
    app.clock.advance((second + 1) * SECOND - 1 - app.clock.now());
    for (const credential of credentials) expect(await statusOf(app, credential)).toBe(200);
    app.clock.advance(1);
    await refused(credentials);
    app.clock.advance(500);
  });

  it('T14: an exp that is no plain whole number of seconds, or too far away, is rejected', async () => {
    const saying = (text: string) => (claims: Claims) =>
      JSON.stringify(claims).replace(`"exp":${claims.exp}`, `"exp":${text}`);
    const { exp, iat } = truth(app, ada.cookie);
    for (const credential of await forge(saying(`${exp}`))) expect(await statusOf(app, credential)).toBe(200);
    const never = 'null true -1 0 1e400 -1e400 9007199254740991 9007199254740992 [] {} ""'.split(' ');
    const nearly = [`"${exp}"`, `${exp}.0`, `${exp}.5`, `${exp}e0`, `[${exp}]`, `0${exp}`, `${iat + 3_601}`];
    for (const text of [...never, ...nearly]) await refused(forge(saying(text)), text);
    for (const more of [{ exp: undefined }, { iat: exp }, { iat: exp + 1 }])
      await refused(claiming(more), more);
  });

  it('T35: a token that was issued, or whose user signed in, more than a minute from now is rejected', async () => {
    const second = Math.floor(app.clock.now() / SECOND);
    for (const ahead of [61, 600, 86_400]) {
      const later = second + ahead;
      await refused(claiming({ iat: later, exp: later + 600 }), { iat: later });
      await refused(claiming({ iat: later, exp: later + 600, auth_time: later }), { both: later });
      await refused(claiming({ auth_time: later }), { auth_time: later });
    }
    // The clocks of two processes may differ a little.
    const credentials = await claiming({ iat: second + 60, exp: second + 660 });
    for (const credential of credentials) expect(await statusOf(app, credential)).toBe(200);
  });

  it('T16: a token without one of its claims, or with a wrong one, is rejected', async () => {
    for (const name of Object.keys(truth(app, ada.cookie)))
      for (const value of [undefined, null, '', 7.5, {}, [7], [''], true])
        await refused(claiming({ [name]: value }), { [name]: value });
    for (const name of ['alg', 'typ', 'kid'])
      for (const value of [undefined, null, '', 'x', 'JWT', 'jwt', 'HS512']) {
        const forged = await heading({ [name]: value });
        // The header of a cookie token names no key.
        await refused(name === 'kid' && value === undefined ? forged.slice(1) : forged, { [name]: value });
      }
    for (const payload of ['', 'null', '[]', '"text"', '7', '{}', 'not JSON'])
      await refused(
        forge(() => payload),
        payload,
      );
    const other = await newVictim(app);
    for (const lie of [{ sub: other.id }, { sid: newId() }, { sub: ada.id.toUpperCase() }])
      await refused(claiming(lie), lie);
  });

  it('T17: an issuer that is not ours to the letter is rejected', async () => {
    const issuers = [
      `${app.url}/`,
      app.url.toUpperCase(),
      app.url.replace('http:', 'https:'),
      app.url.replace('localhost', '127.0.0.1'),
      `http://localhost:${app.port + 1}`,
      'http://localhost',
      `${app.url}/tenant`,
      `${app.url}.attacker.example`,
      ` ${app.url}`,
      `${app.url}\u0000`,
      [app.url],
      { url: app.url },
    ];
    for (const iss of issuers) await refused(claiming({ iss }), iss);
  });

  it('T18: an audience that is not ours alone is rejected', async () => {
    const { url } = app;
    const lists = [[url], [url, 'another service'], { [url]: true }];
    for (const aud of ['another service', `${url}/`, url.slice(0, -1), `${url} another`, ...lists])
      await refused(claiming({ aud }), aud);
  });

  it('T20: no kind of token passes where another belongs', async () => {
    const { cookie, access, refresh } = await newVictim(app);
    await refused([
      { cookie: access },
      { cookie: refresh },
      { bearer: cookie },
      { bearer: refresh },
      { refresh: access },
      { refresh: cookie },
    ]);
    // Not even to log out.
    for (const credential of [{ cookie: access }, { bearer: cookie }])
      expect((await sendAs(app, credential, 'POST', '/v1/logout')).status).toBe(401);
    for (const good of [{ cookie }, { bearer: access }, { refresh }])
      expect(await statusOf(app, good)).toBe(200);
  });

  it('T20: nor does a token under the real key of its kind for a session of the other', async () => {
    const { privateKey, ...key } = inside.keyring.signer(app.clock.now());
    const [browser, program] = [truth(app, ada.cookie), truth(app, ada.access)];
    await refused([
      { cookie: forgeMac(inside.keys.cookie, program) },
      { bearer: await forgeSigned(privateKey, browser, accessHeader(key)) },
      { refresh: refreshTokens(inside.keys.refresh).make(browser.sid, 1) },
      { bearer: forgeMac(inside.keys.cookie, program, accessHeader(key)) },
      { cookie: await forgeSigned(privateKey, browser, COOKIE_HEADER) },
      { bearer: await forgeSigned(privateKey, program, COOKIE_HEADER) },
    ]);
  });

  it('T21: a cookie and a bearer token at once are rejected, whoever they are of', async () => {
    const eve = await newVictim(app);
    const tokens = [ada, eve].flatMap(({ access }) => [access, 'nonsense']);
    for (const { cookie } of [ada, eve, { cookie: 'nonsense' }, { cookie: '' }])
      for (const token of tokens) {
        const headers = { ...pageHeaders(app), cookie: `usher=${cookie}`, authorization: `Bearer ${token}` };
        for (const [method, path] of [
          ['GET', '/v1/me'],
          ['POST', '/v1/logout'],
          ['POST', '/v1/logout-everywhere'],
        ] as const) {
          const reply = await sendTo(app, method, path, undefined, { headers });
          expect(reply.status).toBe(400);
          expect(reply.body.code).toBe('multiple_credentials');
          expect(reply.headers.getSetCookie()).toEqual([]);
        }
      }
    for (const { cookie, access } of [ada, eve])
      for (const credential of [{ cookie }, { bearer: access }])
        expect(await statusOf(app, credential)).toBe(200);
  });

  it('T22: a payload with a member twice, or one that aims at prototypes, is rejected', async () => {
    const eve = await newVictim(app);
    const add = (text: string) => (claims: Claims) => JSON.stringify(claims).replace(/\}$/, `,${text}}`);
    const lead = (text: string) => (claims: Claims) => JSON.stringify(claims).replace(/^\{/, `{${text},`);
    for (const edit of [add, lead])
      for (const text of [
        `"sub":"${ada.id}"`,
        `"sub":"${eve.id}"`,
        '"\\u0073ub":"x"',
        '"exp":9999999999',
        '"__proto__":{"admin_since":1}',
        '"constructor":{"prototype":{"admin_since":1}}',
        '"role":"admin"',
      ])
        await refused(forge(edit(text)), text);
    const texts = (claims: Claims) => JSON.stringify(claims);
    for (const edit of [
      (claims: Claims) => `${texts(claims)} `,
      ({ iss, ...claims }: Claims) => ({ ...claims, iss }),
    ])
      await refused(forge(edit), edit);
    expect(({} as { admin_since?: number }).admin_since).toBeUndefined();
  });

  it('T24: a token of more than 4,096 characters is rejected, although all else in it is right', async () => {
    const padded = (n: number) => claiming({ amr: ['x'.repeat(n)] });
    for (const [kind, short] of (await padded(1)).entries()) {
      const room = Math.floor(((4_096 - lengthOf(short)) * 3) / 4);
      const made = [await padded(1 + room), await padded(4 + room)].map((both) => both[kind] ?? short);
      const [fits = short, tooLong = short] = made;
      expect([lengthOf(fits) <= 4_096, lengthOf(tooLong) > 4_096]).toEqual([true, true]);
      expect(await statusOf(app, fits)).toBe(200);
      await refused([tooLong]);
    }
    await refused(padded(8_000));
    await refused(bothWays(`${ada.cookie.split('.')[0]}.${'A'.repeat(12_000)}.x`));
    const deep = '['.repeat(2_900);
    await refused(forge(() => deep));
    await refused(forge((claims) => JSON.stringify(claims).replace('["pwd"]', deep)));
  });

  it('T24: a header that no client would send is cut off before it is read', async () => {
    const head = `GET /v1/me HTTP/1.1\r\nHost: localhost:${app.port}\r\n`;
    const sending = sendBytes(app, `${head}Authorization: Bearer ${'A'.repeat(20_000)}\r\n\r\n`);
    // Whoever is cut off while still sending may not see the answer.
    expect(await sending.catch(() => '')).toMatch(/^(HTTP\/1.1 431 |$)/);
    expect(await statusOf(app, { bearer: ada.access })).toBe(200);
  });

  it('T25: a payload that is not plain UTF-8 of whole characters is rejected', async () => {
    const bytes = (edit: (text: string) => string) => (claims: Claims) =>
      Buffer.from(edit(JSON.stringify(claims)), 'latin1');
    const within = (name: 'jti' | 'sid' | 'sub', inserted: string) =>
      bytes((text) => text.replace(new RegExp(`("${name}":"[^"]{4})`), `$1${inserted}`));
    const inText = ['\xff', '\xc1\x81', '\xed\xa0\x80', '\xf8\x88\x80\x80\x80', '\0', '\u007f'];
    const escaped = ['\\ud800', '\\udc00\\ud800', '\\u0000', '\\ufeff', '\\u00e9'];
    for (const flaw of [...inText, ...escaped])
      for (const name of ['sid', 'sub', 'jti'] as const)
        await refused(forge(within(name, flaw)), [name, flaw]);
    await refused(forge(bytes((text) => `\xef\xbb\xbf${text}`)));
    await refused(forge((claims) => Buffer.from(JSON.stringify(claims), 'utf16le')));
    for (const character of ['\ud800', '\0', 'é']) await refused(claiming({ amr: [character] }), character);
  });

  it('T26: what another installation of the same name made is rejected, even on a copy of the same rows', async () => {
    await onFreshApp(create, { publicUrl: app.url }, async (other, otherDatabase) => {
      const named = { ...other, url: app.url };
      const within = await openInside(other, otherDatabase);
      for (const table of ['users', 'sessions'] as const)
        for (const row of await inside.db.selectFrom(table).selectAll().execute())
          await within.db
            .insertInto(table)
            .values(row as never)
            .execute();
      for (const credential of await forgeBoth(named, within, ada))
        expect(await statusOf(named, credential)).toBe(200);
      await expectRejected(named, [...(await forge()), { refresh: ada.refresh }]);
      // Nor under their key, with our key's id.
      const theirs = inside.keyring.signer(app.clock.now());
      const header = accessHeader(within.keyring.signer(app.clock.now()));
      await expectRejected(named, [
        { bearer: await forgeSigned(theirs.privateKey, truth(app, ada.access), header) },
      ]);
      await within.close();
    });
  });

  it('T32: a malformed Authorization header is rejected, and breaks nothing', async () => {
    const token = ada.access;
    const malformed = [
      '',
      ' ',
      'Bearer',
      'Bearer ',
      `Bearer  ${token}`,
      `Bearer\t${token}`,
      ` ${token}`,
      token,
      `Bearer=${token}`,
      `Bearer: ${token}`,
      `Bearer ${token},`,
      `Bearer ${token};`,
      `Bearer ${token}=`,
      `Bearer ${token}%20`,
      `Bearer ${token}.`,
      `Bearer .${token}`,
      `Bearer "${token}"`,
      `Bearer ${token} ${token}`,
      `Bearer ${token}, Bearer ${token}`,
      `Bearer Bearer ${token}`,
      `Bearer ${encodeURIComponent(`${token}\r\nx: y`)}`,
      `%42earer ${token}`,
      `Token ${token}`,
      `Digest username="ada"`,
      `Basic ${token}`,
      `Basic ${Buffer.from(`ada:${token}`).toString('base64')}`,
      'Bearer %00%ff%',
      `Bearer ${'\x80\xff'}`,
      `Bearer${'\xa0'}${token}`,
    ];
    for (const authorization of malformed) {
      const reply = await sendTo(app, 'GET', '/v1/me', undefined, { headers: { authorization } });
      expect(reply.status, authorization).toBe(401);
      expect(reply.text, authorization).not.toContain(ada.id);
      const leaving = await sendTo(app, 'POST', '/v1/logout', undefined, { headers: { authorization } });
      expect(leaving.status, authorization).toBe(401);
    }
    // The name of a scheme may be written in any case (RFC 9110, 11.1).
    const headers = { authorization: `bEARER ${token}` };
    expect((await sendTo(app, 'GET', '/v1/me', undefined, { headers })).status).toBe(200);
  });

  it('T33: the JWKS shows public members alone, of every key there is', async () => {
    await onFreshApp(create, {}, async (fresh, freshDatabase) => {
      const within = await openInside(fresh, freshDatabase);
      const rotate = (algorithm: string) =>
        within.db
          .transaction()
          .execute((tx) => rotateKey(tx, within.keys.wrap, algorithm, false, fresh.clock.now()));
      for (const algorithm of ['EdDSA', 'ES256', 'EdDSA', 'ES256']) await rotate(algorithm);
      fresh.clock.advance(5 * SECOND);
      // An unknown key makes the process look for new ones.
      await present(fresh, { bearer: forgeMac('', {}) });
      const { body, text } = await sendTo(fresh, 'GET', '/.well-known/jwks.json');
      const rows = await within.db.selectFrom('keys').select(['id', 'private_jwk_encrypted']).execute();
      expect(body.keys.map((key: JWK) => key.kid).toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
      expect(rows).toHaveLength(5);
      for (const key of body.keys) {
        const members = key.kty === 'EC' ? ['kty', 'crv', 'x', 'y'] : ['kty', 'crv', 'x'];
        expect(Object.keys(key).toSorted()).toEqual([...members, 'kid', 'alg', 'use'].toSorted());
        expect(createPublicKey({ key, format: 'jwk' }).type).toBe('public');
      }
      for (const row of rows) expect(text).not.toContain(row.private_jwk_encrypted);
      // What the last of the old ones signed has run out by then.
      fresh.clock.advance(75 * MINUTE);
      expect((await sendTo(fresh, 'GET', '/.well-known/jwks.json')).body.keys).toHaveLength(1);
      await within.close();
    });
  });

  it('T33: a token is rejected once the key that signed it is withdrawn as leaked', async () => {
    await onFreshApp(create, {}, async (fresh, freshDatabase) => {
      const within = await openInside(fresh, freshDatabase);
      const { access, refresh } = await newVictim(fresh);
      expect(await statusOf(fresh, { bearer: access })).toBe(200);
      await within.db
        .transaction()
        .execute((tx) => rotateKey(tx, within.keys.wrap, 'ES256', true, fresh.clock.now()));
      fresh.clock.advance(5 * SECOND);
      await present(fresh, { bearer: forgeMac('', {}) });
      await expectRejected(fresh, [{ bearer: access }]);
      const next = await present(fresh, { refresh });
      expect(await statusOf(fresh, { bearer: next.body.access_token })).toBe(200);
      await within.close();
    });
  });

  it('K13: what a leaked key signed is rejected once the console has rotated it, and by others within a second', async () => {
    await onFreshApp(create, {}, async (fresh, freshDatabase) => {
      const within = await openInside(fresh, freshDatabase);
      const perSecond: (() => void)[] = [];
      // Another process, whose jobs of each second run when this test says so.
      const other = await startApp(freshDatabase, {
        secret: fresh.secret,
        publicUrl: fresh.url,
        clock: {
          ...fresh.clock,
          every: (milliseconds, turn) => {
            if (milliseconds <= SECOND) perSecond.push(turn);
            return () => {};
          },
        },
      });
      const admin = await newVictim(fresh);
      await within.db.updateTable('users').set({ admin_since: 1 }).where('id', '=', admin.id).execute();
      const leaked = within.keyring.signer(fresh.clock.now());
      const forgeOne = async () => ({
        bearer: await forgeSigned(leaked.privateKey, truth(fresh, admin.access), accessHeader(leaked)),
      });
      const known = await forgeOne();
      for (const process of [fresh, other])
        for (const bearer of [known.bearer, admin.access])
          expect(await statusOf({ ...process, url: fresh.url }, { bearer })).toBe(200);

      const rotate = { leaked: 'yes', password: PASSWORD };
      const rotated = await submit(fresh, '/admin/keys/rotate', rotate, { cookie: admin.cookie });
      expect([rotated.status, rotated.headers.get('location')]).toEqual([303, '/admin/keys?done=rotated']);
      // The clock stands still: nothing but the rotation can have told this process.
      await expectRejected(fresh, [known, await forgeOne(), { bearer: admin.access }]);
      for (const turn of perSecond) turn();
      await expect.poll(() => statusOf({ ...other, url: fresh.url }, known)).toBe(401);
      for (const credential of [await forgeOne(), { bearer: admin.access }])
        expect(await statusOf({ ...other, url: fresh.url }, credential)).toBe(401);
      await other.stop();
      await within.close();
    });
  });
});

describe('token readers', () => {
  const issuer = 'https://accounts.example.org';
  const now = Date.parse('2026-03-01T12:00:00.500Z');
  const subject = { userId: newId(), sessionId: newId(), signedInAt: now, amr: ['pwd'] };
  const end = now + 60 * MINUTE;
  const keys = deriveKeys(newId() + newId());
  const cookies = cookieTokens(issuer, 60 * MINUTE, keys.cookie);
  const refreshes = refreshTokens(keys.refresh);

  /** A reader of access tokens over one key that only this test has. */
  async function withKey(algorithm: 'ES256' | 'EdDSA') {
    const pair = await generateKeyPair(algorithm);
    const ring = [{ id: newId(), algorithm, ...pair }];
    const tokens = accessTokens(
      { issuer, serviceAudiences: ['services'], lifetime: 10 * MINUTE },
      {
        signer: () => ring[0] as (typeof ring)[0],
        published: () => ring,
        revision: () => 0,
        refresh: async () => {},
      },
    );
    return { tokens, ...pair, id: ring[0]?.id ?? '' };
  }

  /** Every text that differs from this one in one bit; and in the last character of a part, in any way at all. */
  function* flipsOf(token: string): Generator<string> {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=.~ \n';
    for (let at = 0; at < token.length; at++) {
      const isLast = at + 1 === token.length || token[at + 1] === '.';
      const others = isLast
        ? [...alphabet]
        : [...Array(8).keys()].map((bit) => String.fromCharCode(token.charCodeAt(at) ^ (1 << bit)));
      for (const other of others)
        if (other !== token[at]) yield token.slice(0, at) + other + token.slice(at + 1);
    }
  }

  it('K13: a token whose key is withdrawn while its signature is checked is neither accepted nor remembered', async () => {
    const pair = await generateKeyPair('ES256');
    const key = { id: newId(), algorithm: 'ES256', ...pair };
    let ring = [key];
    let revision = 0;
    const tokens = accessTokens(
      { issuer, serviceAudiences: ['services'], lifetime: 10 * MINUTE },
      { signer: () => key, published: () => ring, revision: () => revision, refresh: async () => {} },
    );
    const { token } = await tokens.make(subject, issuer, now, end);
    const reading = tokens.read(token, now);
    ring = [];
    revision++;
    expect(await reading).toBeUndefined();
    expect(await tokens.read(token, now)).toBeUndefined();
  });

  it('T10: no flip of a bit of a cookie token is accepted', () => {
    const { token } = cookies.make(subject, now, end);
    for (const flip of flipsOf(token)) expect(cookies.read(flip), flip).toBeUndefined();
    expect(cookies.read(token)).toBeDefined();
  });

  it.each(['ES256', 'EdDSA'] as const)(
    'T10: no flip of a bit of an access token (%s) is accepted',
    async (algorithm) => {
      const { tokens } = await withKey(algorithm);
      const { token } = await tokens.make(subject, issuer, now, end);
      expect(await tokens.read(token, now)).toBeDefined();
      const flips = [...flipsOf(token)];
      expect(flips.length).toBeGreaterThan(3_000);
      const read = await Promise.all(flips.map((flip) => tokens.read(flip, now)));
      expect(flips.filter((_, i) => read[i] !== undefined)).toEqual([]);
    },
  );

  it('T10: no flip of a character of a refresh token is accepted', () => {
    const token = refreshes.make(subject.sessionId, 41);
    for (const flip of flipsOf(token)) expect(refreshes.read(flip), flip).toBeUndefined();
    expect(refreshes.read(token)).toEqual({ sessionId: subject.sessionId, number: 41 });
  });

  it('T12: an ECDSA signature of impossible numbers, another length or another form is rejected', async () => {
    const { tokens } = await withKey('ES256');
    const { token } = await tokens.make(subject, issuer, now, end);
    const [header, payload, signature = ''] = token.split('.');
    const good = Buffer.from(signature, 'base64url');
    const [zero, one, full] = [0n, 1n, (1n << 256n) - 1n];
    const pairs = [zero, one, P256_ORDER - 1n, P256_ORDER, P256_ORDER + 1n, full].flatMap((r) =>
      [zero, one, P256_ORDER, full].map((s) => Buffer.concat([bytes32(r), bytes32(s)])),
    );
    const half = good.subarray(0, 32);
    const der = (numbers: Buffer[]) =>
      tlv(0x30, ...numbers.map((number) => tlv(0x02, Buffer.concat([Buffer.of(0), number]))));
    const others = [
      good.subarray(0, 63),
      good.subarray(1),
      half,
      Buffer.concat([good, Buffer.of(0)]),
      Buffer.concat([Buffer.of(0), good]),
      Buffer.concat([good, good]),
      Buffer.concat([half, bytes32(zero)]),
      Buffer.concat([half, bytes32(P256_ORDER)]),
      der([half, good.subarray(32)]),
      Buffer.alloc(4_000),
    ];
    for (const forged of [...pairs, ...others])
      expect(
        await tokens.read(`${header}.${payload}.${part(forged)}`, now),
        forged.toString('hex'),
      ).toBeUndefined();
    expect(await tokens.read(token, now)).toBeDefined();
  });

  it('T12: an Ed25519 signature with a point of small order, or a number beyond the order, is rejected', async () => {
    const { tokens } = await withKey('EdDSA');
    const { token } = await tokens.make(subject, issuer, now, end);
    const [header, payload, signature = ''] = token.split('.');
    const good = Buffer.from(signature, 'base64url');
    const [r, s] = [good.subarray(0, 32), littleEndian(good.subarray(32))];
    const beyond = [s + ED25519_ORDER, s + 2n * ED25519_ORDER, ED25519_ORDER, (1n << 256n) - 1n, 0n];
    const forgeries = [
      ...beyond.map((number) => Buffer.concat([r, fromLittleEndian(number)])),
      ...SMALL_ORDER.flatMap((point) =>
        [0n, 1n, s, s + ED25519_ORDER].map((number) =>
          Buffer.concat([Buffer.from(point, 'hex'), fromLittleEndian(number)]),
        ),
      ),
      good.subarray(0, 63),
      Buffer.concat([good, Buffer.of(0)]),
    ];
    for (const forged of forgeries)
      expect(
        await tokens.read(`${header}.${payload}.${part(forged)}`, now),
        forged.toString('hex'),
      ).toBeUndefined();
    expect(await tokens.read(token, now)).toBeDefined();
  });

  it('T24: a token of a megabyte, and one nested 100,000 deep, are rejected unread', async () => {
    const { tokens, privateKey, id } = await withKey('ES256');
    const honest = claimsOf(cookies.make(subject, now, end).token);
    for (const payload of ['['.repeat(100_000), { ...honest, amr: ['x'.repeat(1_000_000)] }]) {
      expect(cookies.read(forgeMac(keys.cookie, payload))).toBeUndefined();
      const header = accessHeader({ id, algorithm: 'ES256' });
      expect(await tokens.read(await forgeSigned(privateKey, payload, header), now)).toBeUndefined();
    }
    expect(refreshes.read(`usher_r_${'A'.repeat(1_000_000)}`)).toBeUndefined();
  });

  it('T29: what is made with one key is rejected wherever another belongs', () => {
    const purposes = Object.keys(keys) as (keyof Keys)[];
    const honest = claimsOf(cookies.make(subject, now, end).token);
    const readers = {
      cookie: (key: KeyObject) => cookies.read(forgeMac(key, honest)),
      refresh: (key: KeyObject) => refreshes.read(refreshTokens(key).make(subject.sessionId, 1)),
    };
    for (const [purpose, read] of Object.entries(readers))
      for (const other of purposes)
        expect(read(keys[other]) !== undefined, `${other} as ${purpose}`).toBe(other === purpose);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, secret) => {
        const all = [keys, deriveKeys(secret)].flatMap((derived) =>
          purposes.map((one) => mac(derived[one], text)),
        );
        expect(new Set(all).size).toBe(2 * purposes.length);
      }),
    );
  });

  it('T29: a MAC over any text that someone has us sign under another key makes no token', () => {
    const signed = `${part(COOKIE_HEADER)}.${part(claimsOf(cookies.make(subject, now, end).token))}`;
    const texts = [signed, `password\n${signed}`, `${subject.sessionId}\n1`];
    for (const oracle of [keys.rateLimits, keys.check, keys.wrap])
      for (const made of texts.map((text) => mac(oracle, text))) {
        expect(cookies.read(`${signed}.${made}`)).toBeUndefined();
        expect(refreshes.read(`usher_r_${subject.sessionId}_1_${made}`)).toBeUndefined();
      }
    expect(cookies.read(`${signed}.${mac(keys.refresh, signed)}`)).toBeUndefined();
    expect(
      refreshes.read(`usher_r_${subject.sessionId}_1_${mac(keys.cookie, texts[2] ?? '')}`),
    ).toBeUndefined();
  });
});

describe.each(databases)('keys and secrets on $name', ({ create, name }) => {
  it('T12: the other signature that ECDSA allows says the same, and dies with the same session', async () => {
    await onFreshApp(create, {}, async (app) => {
      const { access } = await newVictim(app);
      const [header, payload, signature = ''] = access.split('.');
      const good = Buffer.from(signature, 'base64url');
      const s = BigInt(`0x${good.subarray(32).toString('hex')}`);
      const twin = `${header}.${payload}.${part(Buffer.concat([good.subarray(0, 32), bytes32(P256_ORDER - s)]))}`;
      const both = [{ bearer: access }, { bearer: twin }];
      for (const credential of both) await present(app, credential);
      expect((await sendAs(app, { bearer: access }, 'POST', '/v1/logout')).status).toBe(200);
      await expectRejected(app, both);
    });
  });

  it('T29: the signing keys in the database open with the key for that alone', async () => {
    await onFreshApp(create, {}, async (app, database) => {
      const inside = await openInside(app, database);
      for (const [purpose, key] of Object.entries(inside.keys)) {
        const opening = openKeyring(inside.db, key, app.clock);
        if (purpose === 'wrap') expect((await opening).published(app.clock.now())).toHaveLength(1);
        else await expect(opening, purpose).rejects.toThrow();
      }
      await inside.close();
    });
  });

  it('T30: a secret that others know refuses to start, and so does none where none can be made', async () => {
    const database = await create();
    const samples = [
      'a'.repeat(32),
      '0'.repeat(64),
      'changeme'.repeat(4),
      'change-me-to-something-of-32-bytes',
      'CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME',
      'an-example-of-a-secret-of-32-bytes',
      'secret'.repeat(6),
      'secret-secret-secret-secret-secret',
      '0123456789abcdef0123456789abcdef',
      ...documentedSecrets(),
    ];
    for (const secret of samples) {
      const starting = createUsher({ database: database.url, publicUrl: 'http://localhost:4000', secret });
      await expect(starting, secret).rejects.toThrow(ConfigError);
      await expect(starting, secret).rejects.not.toThrow(secret);
    }
    if (name === 'PostgreSQL')
      await expect(createUsher({ database: database.url })).rejects.toThrow('USHER_SECRET');
    await database.remove();
  });
});

/** Literal secrets in what we show to people. A command that makes one, and a gap to fill in, are none. */
function documentedSecrets(): string[] {
  const root = resolve(import.meta.dirname, '../../../..');
  const files = globSync('{.,docs/**,examples/**,.ci,packages/*}/{*.md,*.yml,*.yaml,.env*,run}', {
    cwd: root,
    exclude: ['**/node_modules/**'],
  });
  const texts = files.map((file) => readFileSync(resolve(root, file), 'utf8'));
  return texts.flatMap((text) =>
    [...text.matchAll(/USHER_SECRET=["']?([\w+/=-]{32,})/g)].map(([, found = '']) => found),
  );
}

async function onFreshApp(
  create: () => Promise<TestDatabase>,
  options: Parameters<typeof startApp>[1],
  work: (app: TestApp, database: TestDatabase) => Promise<void>,
): Promise<void> {
  const database = await create();
  const app = await startApp(database, options);
  try {
    await work(app, database);
  } finally {
    await app.stop();
    await database.remove();
  }
}

async function publicJwk(app: TestApp): Promise<JWK> {
  const { body } = await sendTo(app, 'GET', '/.well-known/jwks.json');
  return body.keys[0];
}

const lengthOf = (credential: Credential): number => Object.values(credential)[0]?.length ?? 0;

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** All eight points of Edwards25519 whose order divides 8, encoded. */
const SMALL_ORDER = [
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '00'.repeat(32),
  `${'00'.repeat(31)}80`,
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
];

const bytes32 = (number: bigint): Buffer => Buffer.from(number.toString(16).padStart(64, '0'), 'hex');
const fromLittleEndian = (number: bigint): Buffer => bytes32(BigInt.asUintN(256, number)).reverse();
const littleEndian = (bytes: Buffer): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);

/** Tag, length, value, as DER has them (X.690). */
function tlv(tag: number, ...values: Buffer[]): Buffer {
  const value = Buffer.concat(values);
  const { length } = value;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), value]);
}

/** A certificate that someone made for their own key (RFC 5280). */
function certify(pair: { privateKey: CryptoKey; publicKey: CryptoKey }): Buffer {
  const algorithm = tlv(0x30, Buffer.from('06082a8648ce3d040302', 'hex'));
  const commonName = tlv(0x30, Buffer.from('0603550403', 'hex'), tlv(0x0c, Buffer.from('attacker')));
  const name = tlv(0x30, tlv(0x31, commonName));
  const times = ['260101000000Z', '360101000000Z'].map((time) => tlv(0x17, Buffer.from(time)));
  const content = tlv(
    0x30,
    tlv(0xa0, tlv(0x02, Buffer.of(2))),
    tlv(0x02, Buffer.of(1)),
    algorithm,
    name,
    tlv(0x30, ...times),
    name,
    KeyObject.from(pair.publicKey).export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('sha256', content, KeyObject.from(pair.privateKey));
  const certificate = tlv(0x30, content, algorithm, tlv(0x03, Buffer.of(0), signature));
  expect(new X509Certificate(certificate).verify(KeyObject.from(pair.publicKey))).toBe(true);
  return certificate;
}
