// Fills a database before its server starts, with the server's own functions: ten thousand sign-ins would take minutes.
import { resolve } from 'node:path';
import type { JSONWebKeySet } from 'jose';
import { sql } from 'kysely';
import type { LockedUser } from '../packages/server/src/core/users/lock.ts';
import type { Tx } from '../packages/server/src/platform/db/index.ts';

/** The built modules, with the types of their sources: Node.js alone cannot read the pages, which are .tsx. */
type OpenContext = typeof import('../packages/server/src/open-context.ts');
type Configs = typeof import('../packages/server/src/config.ts');
type Names = typeof import('../packages/server/src/core/identifiers.ts');
type Start = typeof import('../packages/server/src/core/sessions/start.ts');
type Users = typeof import('../packages/server/src/core/users.ts');
type Lock = typeof import('../packages/server/src/core/users/lock.ts');

const built = resolve(import.meta.dirname, '../packages/server/dist');
const { openContext }: OpenContext = await import(`${built}/open-context.js`);
const { configFromOptions }: Configs = await import(`${built}/config.js`);
const { parseEmail, parseUsername }: Names = await import(`${built}/core/identifiers.js`);
const { startSession }: Start = await import(`${built}/core/sessions/start.js`);
const { lockUser }: Lock = await import(`${built}/core/users/lock.js`);
const { insertUser }: Users = await import(`${built}/core/users.js`);

/** The address that the tokens name. Servers listen elsewhere, and are asked under this name. */
export const HOST = 'localhost:4000';
export const publicUrl = `http://${HOST}`;
/** What a server needs to serve a seeded database. */
export const SEEDED_FLAGS = ['--database', 'sqlite:usher.db', '--public-url', publicUrl];

/** What guards take tokens for, unless told. */
export const AUDIENCE = 'services';

export const PASSWORD = 'correct horse battery staple';

export interface Seeded {
  usernames: string[];
  /** A cookie token for every user. */
  cookies: string[];
  /** An access token of the first user. */
  bearer: string;
  /** Tokens of the same session for a service. */
  bearers: string[];
  /** The keys that check them, as Usher publishes them. */
  jwks: JSONWebKeySet;
}

/**
 * Makes the database of a folder with this many users, each signed in by cookie, the first also by
 * bearer token.
 *
 * @param more How many access tokens for a service the first user gets.
 */
export async function seed(folder: string, users: number, more = 0): Promise<Seeded> {
  const database = `sqlite:${resolve(folder, 'usher.db')}`;
  const config = configFromOptions({ database, publicUrl, tokenMinutes: 60, logLevel: 'silent' });
  const { context, close } = await openContext(config);
  const { db, hasher, cookieTokens, accessTokens, sessionTimeouts } = context;
  const passwordHash = await hasher.hash(PASSWORD, 'background');
  const now = context.clock.now();
  const usernames = Array.from({ length: users }, (_, index) => `user${10_000 + index}`);
  const amr = ['pwd'];
  const about = { ip: '192.0.2.1', userAgent: 'bench', deviceId: null };
  const cookies: string[] = [];
  const bearers: string[] = [];
  let bearer = '';
  await db.transaction().execute(async (tx) => {
    for (const [index, username] of usernames.entries()) {
      const lock = await locked(tx, await addUser(username));
      const { id: userId } = lock.user;
      // Spread over the last minute, so that the server notes their last use as it would in the long run: little by little.
      const began = now - (index % 60) * 1000;
      const sessionId = await startSession(lock, { ...about, shown: shownAt(began), kind: 'cookie' }, began);
      const subject = { userId, sessionId, signedInAt: began, amr };
      cookies.push(cookieTokens.make(subject, now, now + sessionTimeouts.cookie.idle).token);
      if (index > 0) continue;
      const bearerId = await startSession(lock, { ...about, shown: shownAt(now), kind: 'bearer' }, now);
      const makeFor = async (audience: string) =>
        (
          await accessTokens.make(
            { ...subject, sessionId: bearerId },
            audience,
            now,
            now + sessionTimeouts.bearer.idle,
          )
        ).token;
      bearer = await makeFor(publicUrl);
      for (let number = 0; number < more; number++) bearers.push(await makeFor(AUDIENCE));
    }

    async function addUser(name: string): Promise<string> {
      const email = parseEmail(`${name}@example.org`);
      const username = parseUsername(name);
      if (!email.ok || !username.ok) throw new Error(`${name} is no name.`);
      const names = { username: name, usernameKey: username.key, email: email.email, emailKey: email.key };
      const made = await insertUser(tx, { ...names, passwordHash, role: 'user' }, now);
      if ('taken' in made) throw new Error(`${name} is taken.`);
      return made.user.id;
    }
  });
  const jwks = { keys: context.keyring.published(now).map((key) => key.publicJwk) };
  await close();
  return { usernames, cookies, bearer, bearers, jwks };
}

const shownAt = (at: number) => [{ method: 'password', at } as const];

async function locked(tx: Tx, id: string): Promise<LockedUser> {
  const lock = await lockUser(tx, { id });
  if (!lock) throw new Error(`There is no user ${id}.`);
  return lock;
}

/** Users as `fillUsers` makes them, by number. Names and numbers stand in different orders. */
const shuffled = (number: number): string => String((number * 7919) % 1_000_003).padStart(7, '0');
export const idOf = (number: number): string => `019a0000-0000-7000-8000-${String(number).padStart(12, '0')}`;
export const usernameOf = (number: number): string => `${'abcdefghij'[number % 10]}da.${shuffled(number)}`;
export const emailOf = (number: number): string =>
  number % 2 === 0
    ? `${usernameOf(number)}@example.org`
    : `${'jihgfedcba'[number % 10]}.${shuffled(number)}@example.org`;

/**
 * Makes the database with this many users, of whom each 100th is disabled and each 10,000th an administrator.
 *
 * @returns A cookie token of one more administrator.
 */
export async function fillUsers(database: string, secret: string, count: number): Promise<string> {
  const config = configFromOptions({ database, secret, publicUrl, logLevel: 'silent' });
  const { context, close } = await openContext(config);
  const { db, clock, cookieTokens } = context;
  const now = clock.now();
  const STEP = 1_000;
  for (let from = 0; from < count; from += STEP) {
    const users = Array.from({ length: STEP }, (_, step) => {
      const number = from + step;
      return {
        id: idOf(number),
        username: usernameOf(number),
        username_key: usernameOf(number),
        email: emailOf(number),
        email_key: emailOf(number),
        email_verified_at: now,
        password_hash: '!',
        password_changed_at: now,
        admin_since: number % 10_000 === 0 ? now : null,
        disabled_at: number % 100 === 7 ? now : null,
        last_sign_in_at: null,
        created_at: now,
        device_epoch: 0,
      };
    });
    await db.insertInto('users').values(users).execute();
  }
  if (database.startsWith('postgres')) await sql`VACUUM ANALYZE users, user_search`.execute(db);
  const subject = { amr: ['pwd'], userId: idOf(0), signedInAt: now };
  const from = { ip: '192.0.2.1', userAgent: 'bench', deviceId: null };
  const about = { kind: 'cookie', ...from, shown: shownAt(now) } as const;
  const sessionId = await db
    .transaction()
    .execute(async (tx) => startSession(await locked(tx, idOf(0)), about, now));
  const { token } = cookieTokens.make(
    { ...subject, sessionId },
    now,
    now + context.sessionTimeouts.cookie.idle,
  );
  await close();
  return token;
}
