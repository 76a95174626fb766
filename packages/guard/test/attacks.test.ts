// The attacks on tokens that concern whoever verifies them, in every framework, against the tokens of a real Usher.
import { createPublicKey } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Claims } from '../../server/src/core/tokens/claims.ts';
import { login, send, signUp } from '../../server/test/support/app.ts';
import { SECOND } from '../../server/test/support/clock.ts';
import { accessHeader, claimsOf, forgeMac, forgeSigned, part } from '../../server/test/support/forge.ts';
import { withApp } from '../../server/test/support/with-app.ts';
import { createGuard, type Guard } from '../src/guard.ts';
import { bearer, type Service, startAll } from './services.ts';

let guard: Guard;
let services: Service[];
let victim: { id: string; cookie: string; access: string; refresh: string };
let attacker: { privateKey: CryptoKey; publicKey: CryptoKey };
let attackerJwk: JWK;
/** Where the guard went. */
const asked = new Set<string>();

const { app, inside } = withApp();
beforeAll(async () => {
  const who = await signUp(app);
  const pair = await login(app, who, undefined, 'services');
  victim = {
    id: who.id,
    cookie: who.browser.cookie ?? '',
    access: pair.access_token,
    refresh: pair.refresh_token,
  };
  attacker = await generateKeyPair('ES256', { extractable: true });
  attackerJwk = await exportJWK(attacker.publicKey);
  guard = createGuard({
    issuer: app.url,
    clock: app.clock,
    fetch: async (url, init) => {
      asked.add(String(url));
      return fetch(url, init);
    },
  });
  services = await startAll(guard);
});
afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
});

const signer = () => inside.keyring.signer(app.clock.now());
const truth = (): Claims => {
  const iat = Math.floor(app.clock.now() / SECOND);
  return { ...claimsOf(victim.access), iat, exp: iat + 600 };
};
/** A token signed with the real key, around claims and a header that are changed; undefined takes a member away. */
const forge = (claims: object = {}, header: object = {}): Promise<string> =>
  forgeSigned(signer().privateKey, { ...truth(), ...claims }, { ...accessHeader(signer()), ...header });
const forgeText = (payload: string | Buffer): Promise<string> =>
  forgeSigned(signer().privateKey, payload, accessHeader(signer()));

const verdict = (token: string): Promise<string> =>
  guard.verify(token).then(
    () => 'good',
    ({ code }) => code,
  );
async function refused(token: string, flaw?: unknown): Promise<void> {
  expect(await verdict(token), `${inspect(flaw)} ${String(token).slice(0, 400)}`).toBe('invalid_token');
}
/** Over HTTP, in every framework, with the words that plain nonsense gets. */
async function refusedEverywhere(token: string, flaw?: unknown): Promise<void> {
  await refused(token, flaw);
  for (const { name, ask } of services) {
    const nonsense = await ask(bearer('nonsense'));
    const reply = await ask(bearer(token));
    expect([name, reply.status, reply.text], inspect(flaw)).toEqual([name, 401, nonsense.text]);
  }
}

it('what the forge makes without a flaw is good, so that a flaw is why the others are rejected', async () => {
  expect(await verdict(await forge())).toBe('good');
  expect(await verdict(await forgeText(JSON.stringify(truth())))).toBe('good');
  for (const { ask } of services) expect((await ask(bearer(await forge()))).body.userId).toBe(victim.id);
});

it('T1: alg none, in every letter case, with any signature or none', async () => {
  const [header, payload, signature] = victim.access.split('.');
  for (let bits = 0; bits < 16; bits++) {
    const alg = [...'none'].map((letter, i) => (bits & (1 << i) ? letter.toUpperCase() : letter)).join('');
    for (const rest of ['', '.', `.${signature}`])
      await refused(`${part({ ...accessHeader(signer()), alg })}.${payload}${rest}`, alg);
  }
  await refusedEverywhere(`${part({ alg: 'none', typ: 'at+jwt' })}.${payload}.`);
  await refusedEverywhere(`${header}.${payload}.`);
  await refusedEverywhere(`${header}.${payload}`);
});

it('T2: an HMAC under the published key, however it is written', async () => {
  const { body } = await send(app, 'GET', '/.well-known/jwks.json');
  const { kid, ...jwk } = body.keys[0];
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const spellings = [
    pem,
    pem.trim(),
    `\n${pem}`,
    pem.replaceAll('\n', '\r\n'),
    publicKey.export({ type: 'spki', format: 'der' }),
    JSON.stringify({ ...jwk, kid }),
    JSON.stringify(body),
    '',
  ];
  for (const secret of spellings)
    for (const alg of ['HS256', 'ES256'])
      await refused(forgeMac(secret, truth(), { ...accessHeader(signer()), alg }), alg);
  await refusedEverywhere(forgeMac(pem, truth(), { ...accessHeader(signer()), alg: 'HS256' }));
});

it('T4: a key id of the issuer with an algorithm that is not its own', async () => {
  for (const alg of ['RS256', 'PS256', 'ES384', 'EdDSA', 'Ed25519', 'HS256'])
    await refusedEverywhere(await forge({}, { alg }), alg);
});

it('T5, T8: a key or a chain that comes along, with the attacker’s signature or the real one', async () => {
  const kid = signer().id;
  for (const more of [{ jwk: attackerJwk }, { x5c: ['MIIB'] }, { x5t: 'abc' }]) {
    for (const id of [{ kid }, { kid: 'mine' }, {}]) {
      const header = { alg: 'ES256', typ: 'at+jwt', ...id, ...more };
      await refused(await forgeSigned(attacker.privateKey, truth(), header), header);
    }
    await refusedEverywhere(await forge({}, more), more);
  }
});

it('T6: nobody goes where a header points (jku, x5u)', async () => {
  let connections = 0;
  const trap = createServer((_, response) =>
    response.end(JSON.stringify({ keys: [{ ...attackerJwk, kid: 'mine', alg: 'ES256' }] })),
  );
  trap.on('connection', () => connections++);
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/.well-known/jwks.json`;
  for (const name of ['jku', 'x5u'])
    for (const kid of [signer().id, 'mine', url, '../../mine', "' OR 1=1"]) {
      const header = { alg: 'ES256', typ: 'at+jwt', kid, [name]: url };
      await refusedEverywhere(await forgeSigned(attacker.privateKey, truth(), header), header);
    }
  app.clock.advance(31 * SECOND);
  await refused(await forgeSigned(attacker.privateKey, truth(), { alg: 'ES256', typ: 'at+jwt', kid: url }));
  expect(connections).toBe(0);
  expect([...asked]).toEqual([`${app.url}/.well-known/jwks.json`]);
  await new Promise((resolve) => trap.close(resolve));
});

it('T9: crit and b64, also under the real key', async () => {
  for (const more of [
    { crit: ['unknown'], unknown: 1 },
    { crit: ['b64'], b64: false },
    { crit: [] },
    { b64: false },
  ])
    await refusedEverywhere(await forge({}, more), more);
});

it('T10, T11: one character changed anywhere, or written otherwise, though the true one was verified', async () => {
  const token = victim.access;
  expect(await verdict(token)).toBe('good');
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (let at = 0; at < token.length; at++) {
    const letter = token[at] ?? '';
    // The neighbour of the last letter of a part decodes to the same bytes, if one is lenient.
    const other = letter === '.' ? 'A' : letters[letters.indexOf(letter) ^ 1];
    await refused(`${token.slice(0, at)}${other}${token.slice(at + 1)}`, at);
  }
  const [header, payload, signature] = token.split('.');
  const spellings = [
    ` ${token}`,
    `${token} `,
    `${token}\n`,
    `${token}=`,
    `${token}.`,
    `${token}.${signature}`,
    `${header}=.${payload}.${signature}`,
    `${header}.${payload}=.${signature}`,
    token.replaceAll('-', '+').replaceAll('_', '/'),
    `${header}.\u0000${payload}.${signature}`,
    `${header}..${signature}`,
    `.${payload}.${signature}`,
    '',
    '..',
  ];
  for (const text of spellings) if (text !== token) await refused(text);
  for (const value of [undefined, null, 7, {}, [token]]) await refused(value as never as string);
});

it('T12: signatures that are no signatures', async () => {
  const [header, payload] = victim.access.split('.');
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
  const shapes = [
    Buffer.alloc(64),
    Buffer.concat([order, order]),
    Buffer.concat([Buffer.alloc(32), order]),
    Buffer.alloc(1),
    Buffer.alloc(63, 1),
    Buffer.alloc(65, 1),
    Buffer.alloc(132, 1),
  ];
  for (const shape of shapes) await refusedEverywhere(`${header}.${payload}.${part(shape)}`, shape.length);
});

it('T14: an exp that is no plain whole number of seconds, or too far away', async () => {
  const claims = truth();
  const saying = (text: string) =>
    forgeText(JSON.stringify(claims).replace(`"exp":${claims.exp}`, `"exp":${text}`));
  const { exp, iat } = claims;
  const never = 'null true -1 0 1e400 -1e400 9007199254740991 9007199254740992 [] {} ""'.split(' ');
  const nearly = [`"${exp}"`, `${exp}.0`, `${exp}.5`, `${exp}e0`, `[${exp}]`, ` ${exp}`, `${iat + 3_601}`];
  for (const text of [...never, ...nearly]) await refused(await saying(text), text);
  for (const more of [{ exp: undefined }, { iat: exp }, { iat: exp + 1 }, { iat: undefined }])
    await refusedEverywhere(await forge(more), more);
});

it('T35: an iat or auth_time that is more than a minute from now', async () => {
  const { iat } = truth();
  for (const ahead of [61, 600, 86_400]) {
    const later = iat + ahead;
    for (const more of [{ iat: later, exp: later + 600 }, { auth_time: later }])
      await refusedEverywhere(await forge(more), more);
  }
  // The clocks of the issuer and of a service may differ a little.
  expect(await verdict(await forge({ iat: iat + 60, exp: iat + 660 }))).toBe('good');
});

it('T16: a claim that is missing or of another kind', async () => {
  for (const name of Object.keys(truth()))
    for (const value of [undefined, null, '', 7.5, {}, [7], [''], true])
      await refused(await forge({ [name]: value }), { [name]: value });
  for (const payload of ['', 'null', '[]', '"text"', '7', '{}', 'not JSON'])
    await refused(await forgeText(payload), payload);
});

it('T17, T18: another issuer or audience, to the letter', async () => {
  const { url } = app;
  const others = [
    `${url}/`,
    url.toUpperCase(),
    url.replace('http:', 'https:'),
    url.replace('localhost', '127.0.0.1'),
    `${url}.attacker.example`,
    ` ${url}`,
    [url],
  ];
  for (const other of others) await refused(await forge({ iss: other }), other);
  const lists = [['services'], ['services', url], { services: true }];
  for (const aud of [url, 'Services', 'services ', 'service', 'services,', ...others, ...lists])
    await refused(await forge({ aud }), aud);
  // A token that is good elsewhere is told so: only its holder can have it.
  const elsewhere = await forge({ aud: 'another service' });
  await refused(elsewhere);
  for (const { ask } of services) {
    const reply = await ask(bearer(elsewhere));
    expect([reply.status, reply.body.code]).toEqual([401, 'invalid_token']);
    expect(reply.body.message).toContain('is for another audience');
  }
  const ended = { aud: 'another service', exp: Math.floor(app.clock.now() / 1000) };
  await refusedEverywhere(await forge({ ...ended, iat: ended.exp - 60, auth_time: ended.exp - 60 }));
  const forOther = createGuard({ issuer: url, audience: 'another service', clock: app.clock });
  await expect(forOther.verify(victim.access)).rejects.toMatchObject({ code: 'invalid_token' });
});

it('T20: a cookie token, a refresh token, and a token of another type', async () => {
  await refusedEverywhere(victim.cookie);
  await refusedEverywhere(victim.refresh);
  for (const typ of ['JWT', 'jwt', 'AT+JWT', 'application/at+jwt', 'usher-cookie+jwt', 'id+jwt', undefined])
    await refusedEverywhere(await forge({}, { typ }), typ);
  // A cookie alone is no credential here.
  for (const { ask } of services)
    expect((await ask({ cookie: `usher=${victim.cookie}` })).body.code).toBe('unauthenticated');
});

it('T22, T25: JSON that parsers read in different ways', async () => {
  const text = JSON.stringify(truth());
  const twice = text.replace('{', '{"sub":"somebody","');
  const texts = [
    text.replace('{', '{"sub":"somebody",'),
    text.replace('}', ',"sub":"somebody"}'),
    `${text} `,
    `\ufeff${text}`,
    text.replace('"sub"', '"\\u0073ub"'),
    text.replace(':', ': '),
    twice,
  ];
  for (const one of texts) await refused(await forgeText(one), one);
  await refused(
    await forgeText(Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from(',"x":"\xff"}', 'latin1')])),
  );
  const polluting = await forgeText(text.replace('{', '{"__proto__":{"role":"admin"},'));
  await verdict(polluting);
  expect(({} as { role?: string }).role).toBe(undefined);
});

it('T24: huge and deep tokens cost nothing', async () => {
  expect(await verdict(await forge({ more: 'x'.repeat(2_000) }))).toBe('good');
  await refused(await forge({ more: 'x'.repeat(3_000) }));
  const huge = `${part(accessHeader(signer()))}.${'A'.repeat(1_000_000)}.AAAA`;
  await refused(huge);
  await refused(`${'a.'.repeat(500_000)}`);
  await refused(await forgeText(`${'['.repeat(100_000)}${']'.repeat(100_000)}`));
  await refused(await forgeText(`${'['.repeat(1_400)}${']'.repeat(1_400)}`));
});

it('T26: a token of another installation, with the same issuer and even the same key id', async () => {
  const header = accessHeader(signer());
  await refusedEverywhere(await forgeSigned(attacker.privateKey, truth(), header));
  await refusedEverywhere(await forgeSigned(attacker.privateKey, truth(), { ...header, kid: 'other' }));
});

it('T32: Authorization headers that are malformed', async () => {
  const { access } = victim;
  const malformed = [
    'Bearer',
    'Bearer ',
    `Bearer  ${access}`,
    `Bearer\t${access}`,
    `Bearer ${access} x`,
    `Bearer ${access},Bearer ${access}`,
    `Bearer %2e${access}`,
    `Bearer "${access}"`,
    `bearer: ${access}`,
    `Basic ${Buffer.from('ada:secret').toString('base64')}`,
    access,
    `Token ${access}`,
  ];
  for (const authorization of malformed)
    for (const { name, ask } of services) {
      const { status } = await ask({ authorization });
      expect([name, authorization, status]).toEqual([name, authorization, 401]);
    }
  for (const { ask } of services) expect((await ask({ authorization: `bearer ${access}` })).status).toBe(200);
});

it('T32: an Authorization header that comes twice', async () => {
  for (const { name, twice } of services) expect([name, await twice(victim.access)]).toEqual([name, 401]);
});
