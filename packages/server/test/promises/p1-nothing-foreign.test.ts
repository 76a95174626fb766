import fc from 'fast-check';
import { generateKeyPair } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { accessTokens } from '../../src/core/tokens/access.ts';
import { cookieTokens } from '../../src/core/tokens/cookie.ts';
import { refreshTokens } from '../../src/core/tokens/refresh.ts';
import { newId } from '../../src/platform/random.ts';
import { deriveKeys } from '../../src/platform/secrets.ts';
import { login, signUp } from '../support/app.ts';
import { MINUTE } from '../support/clock.ts';
import { type Credential, part, present } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

// Whatever somebody makes of honest tokens without our keys: it is refused, and breaks nothing.

/** What a mutation is told by chance; `other` is another honest token to take parts from. */
interface Chance {
  at: number;
  length: number;
  text: string;
  other: string;
}
type Mutation = (token: string, chance: Chance) => string;

const junk = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
  fc.constantFrom(
    ...' \t\n\0=.,;%+/-_"\'A',
    '\r\n',
    '==',
    '..',
    '%2e',
    '%00',
    '\u200b',
    '\ufeff',
    'é',
    '\ud800',
  ),
);

/** Cuts out so many characters and puts what `change` makes of them in their place. */
const rewrite = (
  token: string,
  { at, length }: Omit<Chance, 'text' | 'other'>,
  change: (cut: string) => string,
) => {
  const start = at % (token.length + 1);
  return token.slice(0, start) + change(token.slice(start, start + length)) + token.slice(start + length);
};
const separatorOf = (token: string) => (token.startsWith('usher_r_') ? '_' : '.');
const segmentsOf = (token: string) => token.split(separatorOf(token));
/** Puts others in the place of one segment. */
const resegment = (token: string, at: number, change: (segment: string, index: number) => string[]) => {
  const segments = segmentsOf(token);
  const index = at % segments.length;
  return segments.toSpliced(index, 1, ...change(segments[index] ?? '', index)).join(separatorOf(token));
};
const percent = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const otherCase = (text: string) =>
  [...text].map((one) => (one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase())).join('');

/** What a lenient reader could take for the same. */
const disguises: Mutation[] = [
  (token) => token.toLowerCase(),
  (token) => token.toUpperCase(),
  (token) => encodeURIComponent(token.toWellFormed()),
  (token) => token.replaceAll('.', '%2e').replaceAll('_', '%5f'),
  (token) => token.replaceAll('-', '+').replaceAll('_', '/'),
  (token) => token + token,
  (token) => `${token}.${token}`,
  (token) => `"${token}"`,
  (token) => ` ${token}`,
  (token) => `${token}\n`,
  (token) => `${token}=`,
  (token) => part(token),
  (token) => [...token].toReversed().join(''),
  () => '',
];

const mutations: Mutation[] = [
  ...disguises,
  (token, { at, text }) => rewrite(token, { at, length: 0 }, () => text),
  (token, { at, text }) => rewrite(token, { at, length: text.length }, () => text),
  (token, { at, length }) => rewrite(token, { at, length }, () => ''),
  (token, { at, length }) => rewrite(token, { at, length }, (cut) => cut + cut),
  (token, { at, length }) => rewrite(token, { at, length }, (cut) => [...cut].toReversed().join('')),
  (token, { at, length }) => rewrite(token, { at, length }, otherCase),
  (token, { at, length }) => rewrite(token, { at, length }, percent),
  (token, { at, length }) => resegment(token, at, (segment) => [segment + '='.repeat(length % 4)]),
  (token, { at, text }) => resegment(token, at, (segment) => [segment + text]),
  (token, { at }) => resegment(token, at, (segment) => [segment, segment]),
  (token, { at }) => resegment(token, at, () => []),
  (token, { at }) => resegment(token, at, () => ['']),
  (token, { at, other }) => resegment(token, at, (segment, index) => [segmentsOf(other)[index] ?? segment]),
  (token, { at, other }) => token.slice(0, at % (token.length + 1)) + other.slice(at % (token.length + 1)),
  // The same in other words: what stands in a segment, and white space.
  (token, { at }) => resegment(token, at, (segment) => [part(`${Buffer.from(segment, 'base64url')} `)]),
];

/** What one to three mutations make of an honest token. */
function mutants(honest: () => string[]): fc.Arbitrary<string> {
  const one = fc.nat(10_000).map((n) => honest()[n % honest().length] ?? '');
  const chance = fc.record({
    at: fc.nat(10_000),
    length: fc.integer({ min: 1, max: 50 }),
    text: junk,
    other: one,
  });
  const steps = fc.array(fc.tuple(fc.constantFrom(...mutations), chance), { minLength: 1, maxLength: 3 });
  return fc
    .tuple(one, steps)
    .map(([token, all]) => all.reduce((made, [mutate, by]) => mutate(made, by), token))
    .filter((mutant) => !honest().includes(mutant));
}

describe('P1: what the readers of tokens accept', () => {
  const issuer = 'https://accounts.example.org';
  const now = Date.parse('2026-03-01T12:00:00.500Z');
  const subjects = [0, 1].map(() => ({ userId: newId(), sessionId: newId(), signedInAt: now, amr: ['pwd'] }));
  const end = now + 60 * MINUTE;
  const keys = deriveKeys(newId() + newId());
  const runs = { numRuns: 2_000 };

  it('is no mutant of a cookie token', () => {
    const tokens = cookieTokens(issuer, 60 * MINUTE, keys.cookie);
    const honest = subjects.map((subject) => tokens.make(subject, now, end).token);
    // One reader knows the honest tokens by heart, the other has never seen them.
    const stranger = cookieTokens(issuer, 60 * MINUTE, keys.cookie);
    fc.assert(
      fc.property(
        mutants(() => honest),
        (mutant) => {
          expect(tokens.read(mutant)).toBeUndefined();
          expect(stranger.read(mutant)).toBeUndefined();
        },
      ),
      runs,
    );
    for (const token of honest) expect([tokens.read(token), stranger.read(token)]).not.toContain(undefined);
  });

  it('is no mutant of a refresh token', () => {
    const tokens = refreshTokens(keys.refresh);
    const honest = subjects.flatMap(({ sessionId }) => [1, 2, 12].map((n) => tokens.make(sessionId, n)));
    for (const token of honest) expect(tokens.read(token)).toBeDefined();
    fc.assert(
      fc.property(
        mutants(() => honest),
        (mutant) => {
          expect(tokens.read(mutant)).toBeUndefined();
        },
      ),
      runs,
    );
  });

  it.each(['ES256', 'EdDSA'] as const)('is no mutant of an access token (%s)', async (algorithm) => {
    const ring = [{ id: newId(), algorithm, ...(await generateKeyPair(algorithm)) }];
    const [key = expect.fail('no key')] = ring;
    const keyring = { signer: () => key, published: () => ring, revision: () => 0, refresh: async () => {} };
    const tokens = accessTokens({ issuer, serviceAudiences: ['services'], lifetime: 10 * MINUTE }, keyring);
    const made = await Promise.all(subjects.map((subject) => tokens.make(subject, issuer, now, end)));
    const honest = made.map(({ token }) => token);
    for (const token of honest) expect(await tokens.read(token, now)).toBeDefined();
    await fc.assert(
      fc.asyncProperty(
        mutants(() => honest),
        async (mutant) => {
          expect(await tokens.read(mutant, now)).toBeUndefined();
        },
      ),
      runs,
    );
  });
});

describe.each(databases)('P1: what is accepted on $name', ({ create }) => {
  let honest: { cookie: string; bearer: string; refresh: string }[];
  const { app } = withApp(create);
  beforeAll(async () => {
    honest = [];
    for (let n = 0; n < 2; n++) {
      const who = await signUp(app);
      const { access_token, refresh_token } = await login(app, who);
      honest.push({ cookie: who.browser.cookie ?? '', bearer: access_token, refresh: refresh_token });
    }
  });

  const none = { at: 0, length: 0, text: '', other: '' };
  const places = ['cookie', 'bearer', 'refresh'] as const;

  /** What the header says, when a client may send it at all. A header ends without its white space (RFC 9110, 5.5). */
  const said = (place: (typeof places)[number], mutant: string): string | undefined => {
    if (place === 'refresh') return mutant;
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(mutant)) return undefined;
    const text = place === 'cookie' ? (mutant.split(';', 1)[0] ?? '') : mutant;
    return text.replace(/[ \t]+$/, '');
  };

  const tokens = () => honest.flatMap((one) => Object.values(one));

  async function expectRejected(mutant: string): Promise<number> {
    let tried = 0;
    for (const place of places) {
      const text = said(place, mutant);
      if (text === undefined || tokens().includes(text)) continue;
      tried++;
      const reply = await present(app, { [place]: mutant } as Credential);
      expect([400, 401], `${place} ${mutant}: ${reply.text}`).toContain(reply.status);
      expect(reply.body.code).toMatch(/^invalid_(token|request|json)$/);
    }
    return tried;
  }

  it('is no honest token in disguise', async () => {
    for (const token of tokens())
      for (const disguise of disguises) {
        const disguised = disguise(token, none);
        if (disguised !== token) expect(await expectRejected(disguised), disguised).toBeGreaterThan(0);
      }
  });

  it('is no mutant of any token, in any place', async () => {
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(mutants(tokens), async (mutant) => {
        tried += await expectRejected(mutant);
      }),
      { numRuns: 200 },
    );
    expect(tried).toBeGreaterThan(200);
    expect(app.log.filter((line) => /"level":(50|60)|"level":"(error|fatal)"/.test(line))).toEqual([]);
  });

  it('is every honest token, in its own place alone, also after all that', async () => {
    for (const one of honest)
      for (const [kind, token] of Object.entries(one))
        for (const place of places) {
          if (place === 'refresh') continue;
          expect((await present(app, { [place]: token } as Credential)).status).toBe(
            place === kind ? 200 : 401,
          );
        }
    for (const { cookie, bearer, refresh } of honest) {
      for (const token of [cookie, bearer]) expect((await present(app, { refresh: token })).status).toBe(401);
      expect((await present(app, { refresh })).status).toBe(200);
    }
  });
});
