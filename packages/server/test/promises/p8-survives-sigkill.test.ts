// P8: what was answered survives SIGKILL; what was not is wholly done or wholly not. People use a real process until it
// is killed at a random moment; then another one is started on what is left, and asked about all that was answered.
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openDatabase } from '../../src/platform/db/index.ts';
import { newIdentifiers, type Reply } from '../support/app.ts';
import { createCluster } from '../support/cluster.ts';
import { sqlite } from '../support/postgres.ts';
import { type Credential, call, cookieOf, startProcess, type UsherProcess } from '../support/process.ts';

const ROUNDS = 10;
const PEOPLE = 7;
/** Of the people of earlier rounds so many go on. */
const STAY = 4;
/** After at most so many answers, or so many milliseconds, the process is killed. */
const MAX_ANSWERS = 40;
const LONGEST = 5_000;
/** Of more sessions than twenty the oldest would end by themselves. */
const MAX_SESSIONS = 12;
/** A lost refresh may be repeated for ten seconds; after that its answer tells nothing. */
const GRACE = 8_000;

/** The same row of choices for the same seed; when the kill hits is up to the machine. */
type Chance = () => number;
function chanceFrom(seed: number): Chance {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Session {
  id: string;
  credential: Credential;
  refreshToken?: string;
}

/** What was not answered when the process was killed. */
type Doubt =
  | { act: 'sign up' | 'log in' | 'log out everywhere' | 'delete' }
  | { act: 'refresh'; session: Session; at: number }
  | { act: 'log out' | 'end session'; session: Session }
  | { act: 'change password'; to: string };

/** Someone, and what they were told: the journal that the database has to agree with. */
class Person {
  names = newIdentifiers();
  /** Undefined while there is no account. */
  password: string | undefined;
  oldPasswords: string[] = [];
  live: Session[] = [];
  ended: Session[] = [];
  /** How many sessions may be open, those included that nobody was told of. */
  begun = 0;
  doubt: Doubt | undefined;
  /** Does only what takes no time, so that the kill hits a transaction and not a password being hashed. */
  isHurrying = false;
  answers = 0;
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#chance() * list.length)] as T;
  }

  /** Does one thing after another until no answer comes. */
  async goOn(usher: UsherProcess, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      try {
        await this.#act(usher);
        this.doubt = undefined;
        this.answers++;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error;
        // The line broke: the process is dead, and nobody knows what became of the act.
        return;
      }
    }
  }

  async #act(usher: UsherProcess): Promise<void> {
    if (this.isHurrying && this.live.length === 0) return sleep(5);
    if (this.password === undefined) return this.#signUp(usher);
    if (this.live.length === 0) return this.#logIn(usher);
    if (this.begun > MAX_SESSIONS) return this.#logOutEverywhere(usher);
    const quick = [this.#refresh, this.#refresh, this.#refresh, this.#logOut, this.#revokeSession];
    const slow = [this.#logIn, this.#logIn, this.#logOutEverywhere, this.#changePassword, this.#delete];
    return this.pick(this.isHurrying ? quick : [...quick, ...quick, ...slow]).call(this, usher);
  }

  async #signUp(usher: UsherProcess): Promise<void> {
    this.doubt = { act: 'sign up' };
    this.begun = 1;
    const reply = await call(usher, 'POST', '/v1/signup', this.names);
    answered(reply, 201);
    this.password = this.names.password;
    this.#began(reply);
  }

  async #logIn(usher: UsherProcess): Promise<void> {
    this.doubt = { act: 'log in' };
    this.begun++;
    const path = this.pick(['/v1/login', '/v1/login', '/v1/signin']);
    const reply = await call(usher, 'POST', path, { username: this.names.username, password: this.password });
    answered(reply, 200);
    this.#began(reply);
  }

  async #refresh(usher: UsherProcess): Promise<void> {
    const session = this.live.find((one) => one.refreshToken);
    if (!session) return this.isHurrying ? this.#logOut(usher) : this.#logIn(usher);
    this.doubt = { act: 'refresh', session, at: performance.now() };
    const reply = await call(usher, 'POST', '/v1/refresh', { refresh_token: session.refreshToken });
    answered(reply, 200);
    session.refreshToken = reply.body.refresh_token;
    session.credential = { bearer: reply.body.access_token };
  }

  async #logOut(usher: UsherProcess): Promise<void> {
    const session = this.pick(this.live);
    this.doubt = { act: 'log out', session };
    const reply = await call(usher, 'POST', '/v1/logout', undefined, session.credential);
    answered(reply, 200);
    this.#end([session]);
  }

  async #revokeSession(usher: UsherProcess): Promise<void> {
    const session = this.pick(this.live);
    this.doubt = { act: 'end session', session };
    const path = `/v1/me/sessions/${session.id}`;
    answered(await call(usher, 'DELETE', path, undefined, this.pick(this.live).credential), 200);
    this.#end([session]);
  }

  async #logOutEverywhere(usher: UsherProcess): Promise<void> {
    this.doubt = { act: 'log out everywhere' };
    const { credential } = this.pick(this.live);
    answered(await call(usher, 'POST', '/v1/logout-everywhere', undefined, credential), 200);
    this.#end(this.live);
    this.begun = 0;
  }

  async #changePassword(usher: UsherProcess): Promise<void> {
    const to = newPassword();
    this.doubt = { act: 'change password', to };
    const { credential } = this.pick(this.live);
    const body = { current_password: this.password, new_password: to };
    const reply = await call(usher, 'PUT', '/v1/me/password', body, credential);
    answered(reply, 200);
    this.#end(this.live);
    this.hasPassword(to);
    this.#began(reply);
  }

  async #delete(usher: UsherProcess): Promise<void> {
    this.doubt = { act: 'delete' };
    const { credential } = this.pick(this.live);
    const body = { email: this.names.email, password: this.password };
    answered(await call(usher, 'DELETE', '/v1/me', body, credential), 200);
    this.isGone();
  }

  #began(reply: Reply): void {
    const cookie = cookieOf(reply);
    const token: string = cookie ?? reply.body.access_token;
    const { sid } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    this.live.push(
      cookie
        ? { id: sid, credential: { cookie } }
        : { id: sid, credential: { bearer: token }, refreshToken: reply.body.refresh_token },
    );
  }

  #end(sessions: readonly Session[]): void {
    this.ended.push(...sessions);
    this.live = this.live.filter((one) => !sessions.includes(one));
  }

  hasPassword(to: string): void {
    if (this.password !== undefined) this.oldPasswords.push(this.password);
    this.password = to;
    this.begun = 1;
  }

  isGone(): void {
    this.#end(this.live);
    if (this.password !== undefined) this.oldPasswords.push(this.password);
    this.password = undefined;
    // Whoever comes back under these names has another password.
    this.names = { ...this.names, password: newPassword() };
  }

  /** Asks the new process about everything this person was told, and what became of the one act that is in doubt. */
  async ask(usher: UsherProcess): Promise<void> {
    const { doubt } = this;
    this.doubt = undefined;
    if (doubt) await this.#settle(usher, doubt);
    for (const session of this.live)
      expect(await isLive(usher, session), 'a session that nobody ended').toBe(true);
    for (const session of this.ended)
      expect(await isLive(usher, session), 'a session that was ended').toBe(false);
    // Few enough not to reach the limit for wrong passwords; the right one clears what was counted.
    for (const old of this.oldPasswords.splice(-1))
      expect(await this.#canSignIn(usher, old), 'a password that was replaced or deleted').toBe(false);
    if (this.password !== undefined)
      expect(await this.#canSignIn(usher, this.password), 'an account that was answered for').toBe(true);
    for (const session of this.live.filter((one) => one.refreshToken)) {
      const reply = await call(usher, 'POST', '/v1/refresh', { refresh_token: session.refreshToken });
      expect(reply.status, 'a refresh token that was answered').toBe(200);
      session.refreshToken = reply.body.refresh_token;
      session.credential = { bearer: reply.body.access_token };
    }
    for (const { refreshToken } of this.ended.splice(0))
      if (refreshToken) {
        const reply = await call(usher, 'POST', '/v1/refresh', { refresh_token: refreshToken });
        expect(reply.status, 'a refresh token of a session that was ended').toBe(401);
      }
  }

  /** Either all of it is there, or none of it. */
  async #settle(usher: UsherProcess, doubt: Doubt): Promise<void> {
    const liveNow = async (sessions: readonly Session[]) =>
      (await Promise.all(sessions.map((one) => isLive(usher, one)))).filter(Boolean).length;
    const all = this.live.length;
    if (doubt.act === 'sign up') {
      if (await this.#canSignIn(usher, this.names.password)) this.password = this.names.password;
      else await this.#signUp(usher);
      this.doubt = undefined;
    }
    if (doubt.act === 'refresh') {
      const late = performance.now() - doubt.at > GRACE;
      const reply = await call(usher, 'POST', '/v1/refresh', { refresh_token: doubt.session.refreshToken });
      if (late && reply.status === 401) return this.#end([doubt.session]);
      expect(reply.status, 'a refresh whose answer was lost').toBe(200);
      doubt.session.refreshToken = reply.body.refresh_token;
      doubt.session.credential = { bearer: reply.body.access_token };
    }
    if (doubt.act === 'log out' || doubt.act === 'end session')
      if (!(await isLive(usher, doubt.session))) this.#end([doubt.session]);
    if (doubt.act === 'log out everywhere') {
      const left = await liveNow(this.live);
      expect([0, all], 'all sessions end, or none').toContain(left);
      if (left === 0) this.#end(this.live);
    }
    if (doubt.act === 'change password') {
      const isDone = await this.#canSignIn(usher, doubt.to);
      expect(await liveNow(this.live), 'sessions end with the password').toBe(isDone ? 0 : all);
      if (isDone) {
        this.#end(this.live);
        this.hasPassword(doubt.to);
      }
    }
    if (doubt.act === 'delete') {
      const isThere = await this.#canSignIn(usher, this.password ?? '');
      expect(await liveNow(this.live), 'sessions go with the account').toBe(isThere ? all : 0);
      if (!isThere) this.isGone();
    }
  }

  async #canSignIn(usher: UsherProcess, password: string): Promise<boolean> {
    const body = { email: this.names.email, password };
    const { status, text } = await call(usher, 'POST', '/v1/signin', body);
    expect([200, 401], text).toContain(status);
    if (status === 200) this.begun++;
    return status === 200;
  }
}

const newPassword = (): string => `${newIdentifiers().username} and another horse`;

function answered(reply: Reply, status: number): void {
  if (reply.status !== status)
    throw new Error(`Answered ${reply.status} instead of ${status}: ${reply.text}`);
}

async function isLive(usher: UsherProcess, { credential }: Session): Promise<boolean> {
  const { status, text } = await call(usher, 'GET', '/v1/me', undefined, credential);
  expect([200, 401], text).toContain(status);
  return status === 200;
}

/** What belongs together was written together. */
async function lookInside(url: string): Promise<void> {
  const database = await openDatabase(url);
  try {
    const { db } = database;
    const users = await db.selectFrom('users').select('id').execute();
    const sessions = await db.selectFrom('sessions').select(['id', 'user_id', 'revoked_at']).execute();
    const events = await db.selectFrom('events').select(['name', 'user_id', 'session_id']).execute();
    const about = (name: string) => new Set(events.filter((e) => e.name === name).map((e) => e.user_id));
    const [signedUp, deleted] = [about('user_signed_up'), about('user_deleted')];
    const there = new Set(users.map((user) => user.id));
    expect(
      users.filter(({ id }) => !signedUp.has(id) || deleted.has(id)),
      'users and their events',
    ).toEqual([]);
    expect([...signedUp].filter((id) => !there.has(id as string) && !deleted.has(id))).toEqual([]);
    const began = new Set(events.filter((e) => e.name === 'signed_in').map((e) => e.session_id));
    expect(sessions.filter(({ id, user_id }) => !began.has(id) || !there.has(user_id))).toEqual([]);
  } finally {
    await database.close();
  }
}

function checkFile(url: string): void {
  const file = new DatabaseSync(url.slice('sqlite:'.length));
  expect(file.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  expect(file.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
  file.close();
}

/** Some who were there before, and some who are new. */
function gather(people: Person[], chance: Chance, seed: number): Person[] {
  const crowd = new Set<Person>();
  for (let i = 0; i < Math.min(STAY, people.length); i++)
    crowd.add(people[Math.floor(chance() * people.length)] as Person);
  while (crowd.size < PEOPLE) {
    const one = new Person(chanceFrom(seed + people.length + 1));
    people.push(one);
    crowd.add(one);
  }
  return [...crowd];
}

async function useUntilKilled(usher: UsherProcess, crowd: Person[], chance: Chance): Promise<void> {
  let isOver = false;
  for (const one of crowd) Object.assign(one, { isHurrying: false, answers: 0 });
  const lives = Promise.all(crowd.map((one) => one.goOn(usher, () => isOver)));
  // Heard of below, after the kill.
  lives.catch(() => {});
  const enough = 2 + chance() * MAX_ANSWERS;
  const end = performance.now() + LONGEST;
  while (crowd.reduce((sum, one) => sum + one.answers, 0) < enough && performance.now() < end) await sleep(5);
  const isHurrying = chance() < 0.6;
  for (const one of crowd) one.isHurrying = isHurrying;
  await sleep(chance() * 60);
  const { signal } = await usher.kill('SIGKILL');
  isOver = true;
  await lives;
  expect(signal).toBe('SIGKILL');
}

describe.each(['SQLite', 'PostgreSQL'])('killed at any moment on %s', (name) => {
  let url = '';
  let remove = async () => {};
  beforeAll(async () => {
    if (name === 'SQLite') {
      ({ url, remove } = await sqlite.createEmpty());
      return;
    }
    // The server that all tests share forces nothing to disk.
    const cluster = await createCluster(inject('folder'), { fsync: true });
    url = cluster.url('usher');
    remove = () => cluster.stop();
  });
  afterAll(() => remove());

  it('F1: it has done all that it answered, and nothing by halves', async () => {
    const seed = Math.floor(performance.timeOrigin) % 1_000_000;
    const chance = chanceFrom(seed);
    const people: Person[] = [];
    let usher: UsherProcess | undefined;
    try {
      for (let round = 0; round < ROUNDS; round++) {
        usher ??= await startProcess({ database: url });
        const crowd = gather(people, chance, seed);
        await useUntilKilled(usher, crowd, chance);
        usher = await startProcess({ database: url });
        const next = usher;
        await Promise.all(crowd.map((one) => one.ask(next)));
        if (name === 'SQLite') checkFile(url);
      }
      const last = usher as UsherProcess;
      while (people.length > 0) await Promise.all(people.splice(-PEOPLE).map((one) => one.ask(last)));
      await last.kill();
      await lookInside(url);
    } catch (error) {
      throw new Error(`With the seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  });
});
