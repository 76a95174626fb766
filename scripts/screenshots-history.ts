// Simulates a month of activity for the screenshots of the admin console, written with the server's own functions
// before it starts. Always the same, except for the dates.
import { resolve } from 'node:path';

/** The built modules, with the types of their sources, because Node.js cannot run .tsx files. */
type OpenContext = typeof import('../packages/server/src/open-context.ts');
type Configs = typeof import('../packages/server/src/config.ts');
type Events = typeof import('../packages/server/src/core/events.ts');
type Users = typeof import('../packages/server/src/core/users.ts');
type EventName = Parameters<Events['recordEvent']>[1];

const built = resolve(import.meta.dirname, '../packages/server/dist');
const { openContext }: OpenContext = await import(`${built}/open-context.js`);
const { configFromOptions }: Configs = await import(`${built}/config.js`);
const { OPERATOR, recordEvent }: Events = await import(`${built}/core/events.js`);
const { insertUser }: Users = await import(`${built}/core/users.js`);

const HOUR = 60 * 60_000;
const DAYS = 30;
/** Sign-ins by hour of a working day, in UTC; nothing is written for the last half hour before now. */
const rhythm = [1, 0, 0, 0, 1, 2, 5, 9, 14, 12, 10, 9, 8, 10, 11, 10, 8, 6, 5, 6, 5, 4, 3, 2];
const names =
  'lena tomas mira jonas aylin pavel ines otto nadia felix greta samir elsa hugo vera milan'.split(' ');
const families = 'abdi berg cole diaz eder falk gray horn ives jung klein lund'.split(' ');

/** A deterministic generator of numbers from 0 to 1 (mulberry32). */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Writes one user, at a time. @returns The user's id. */
type AddUser = (names: Names, role: 'user' | 'admin', at: number) => Promise<string>;
/** Writes one event, at a time. */
type AddEvent = (name: EventName, userId: string | null, at: number, details?: object) => Promise<unknown>;

interface Names {
  username: string;
  email: string;
}

/**
 * Creates the database, an administrator, and the users and events of the previous month.
 *
 * @param admin The administrator, who can sign in.
 */
export async function writeHistory(database: string, admin: Names & { password: string }): Promise<void> {
  const { context, close } = await openContext(configFromOptions({ database, logLevel: 'silent' }));
  const { db, hasher, clock } = context;
  const passwordHash = await hasher.hash(admin.password, 'background');
  const random = chances(4000);
  const last = clock.now() - HOUR / 2;
  const people: string[] = [];

  await db.transaction().execute(async (tx) => {
    const addUser: AddUser = async ({ username, email }, role, at) => {
      const keys = { usernameKey: username, emailKey: email };
      const made = await insertUser(tx, { username, email, ...keys, passwordHash, role }, at);
      if ('taken' in made) throw new Error(`${username} is taken.`);
      people.push(made.user.id);
      return made.user.id;
    };
    const addEvent: AddEvent = (name, userId, at, details = {}) => {
      const ip = `203.0.113.${Math.floor(random() * 250) + 1}`;
      const client = name.startsWith('email_') ? OPERATOR : { ...OPERATOR, ip };
      const actorId = name.startsWith('email_') || name === 'sign_in_failed' ? null : userId;
      return recordEvent(tx, name, client, { userId, actorId, details: { ...details } }, at);
    };
    const began = Math.floor(last / (24 * HOUR)) * 24 * HOUR - DAYS * 24 * HOUR;
    await addUser(admin, 'admin', began);
    for (let hour = began; hour < last; hour += HOUR)
      await writeHour(hour, last, people, random, addUser, addEvent);
  });
  await close();
}

/** Writes what happened in an hour, but nothing after `last`. */
async function writeHour(
  hour: number,
  last: number,
  people: readonly string[],
  random: () => number,
  addUser: AddUser,
  addEvent: AddEvent,
): Promise<void> {
  const few = (mean: number) => Math.floor(mean * (0.5 + random()) + random());
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const day = new Date(hour).getUTCDay();
  const busy = (rhythm[new Date(hour).getUTCHours()] ?? 0) * (day === 0 || day === 6 ? 0.4 : 1);
  const at = (share: number) => Math.min(hour + share * HOUR, last);
  if (random() < busy / 20) {
    const username = `${one(names)}.${one(families)}${people.length}`;
    const id = await addUser({ username, email: `${username}@example.org` }, 'user', at(0.1));
    await addEvent('user_signed_up', id, at(0.1));
    await addEvent('email_sent', id, at(0.1), { kind: 'verify_email', attempts: 1, reply: '250' });
    await addEvent('email_verified', id, at(0.15));
  }
  for (let i = few(busy); i > 0; i--) await addEvent('signed_in', one(people), at(0.2), { kind: 'cookie' });
  for (let i = few(busy / 12); i > 0; i--)
    await addEvent('sign_in_failed', one(people), at(0.4), { kind: 'cookie', reason: 'wrong' });
  if (random() < busy / 40) {
    const id = one(people);
    await addEvent('password_reset_requested', id, at(0.5), { emailed: true });
    const isRejected = random() < 0.15;
    const details = { kind: 'reset_password', attempts: 1, reply: isRejected ? '550' : '250' };
    await addEvent(isRejected ? 'email_rejected' : 'email_sent', id, at(0.5), details);
    if (!isRejected) await addEvent('password_reset', id, at(0.55));
  }
  if (random() < busy / 90) {
    const details = { limit: 'passwords_per_account', count: 5, rejected: 1, retry_after: 30 };
    await addEvent('rate_limit_exceeded', one(people), at(0.6), details);
  }
}
