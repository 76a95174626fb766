import { aroundAll, aroundEach } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/db/index.ts';
import { startApp, type TestApp } from './app.ts';
import type { TestClock } from './clock.ts';
import { type Inside, openInside, startTwin } from './forge.ts';
import { type Inbox, startInbox } from './inbox.ts';
import { sqlite, type TestDatabase } from './postgres.ts';
import { startCounted } from './work.ts';

/** Whether the tests of a suite share it, or each test gets a fresh one. */
export type Per = 'suite' | 'test';

/** A function is called when the app starts: for options that are not known while Vitest collects the tests. */
type Lazy<T> = T | (() => T);

/**
 * An app on a fresh database. Call it in `describe`, or at the top of a file:
 *
 *     describe.each(databases)('sign-in on $name', ({ create }) => {
 *       const { app, inside } = withApp(create, { signup: 'verified' });
 *
 * Everything starts before the hooks of the suite and stops after them, even if a hook or a later start fails. Of `inside`,
 * `opened` and `twin` only those start that the suite takes.
 */
export function withApp(
  create = sqlite.create,
  options: Lazy<NonNullable<Parameters<typeof startApp>[1]>> = {},
  per: Per = 'suite',
) {
  const { app, database, restart } = serve(startApp, create, options, per);
  return {
    app,
    database,
    restart,
    /** The keys and the database of the app. */
    get inside(): Inside {
      return withStarted(
        () => openInside(app, database),
        (it) => it.close(),
        per,
      );
    },
    /** A connection of its own to the database. */
    get opened(): Database {
      return withStarted(
        () => openDatabase(database.url),
        (it) => it.close(),
        per,
      );
    },
    /** A second process of the same installation. */
    get twin(): TestApp {
      return withStarted(
        () => startTwin(app, database),
        (it) => it.stop(),
        per,
      );
    },
  };
}

/** The same, for an app whose statements and hashes are counted (`startCounted`). */
export const withCountedApp = (
  create = sqlite.create,
  options: Lazy<NonNullable<Parameters<typeof startCounted>[1]>> = {},
  per: Per = 'suite',
) => serve(startCounted, create, options, per);

/** A fresh database without an app. */
export const withDatabase = (create = sqlite.create, per: Per = 'suite'): TestDatabase =>
  withStarted(create, (it) => it.remove(), per);

/** A mail server. Start it before the app that sends to it, whose options are `() => inbox.settings`. */
export const withInbox = (per: Per = 'suite'): Inbox =>
  withStarted(
    () => startInbox(),
    (it) => it.stop(),
    per,
  );

/**
 * Starts something before the hooks of a suite (or of each test), and stops it after them, whatever fails in between.
 * @returns A proxy, so that a suite can name it before it exists. It throws when it is used before or after.
 */
export const withStarted = <T extends object>(
  start: () => T | Promise<T>,
  stop: (it: T) => unknown,
  per: Per = 'suite',
): T => hold(start, stop, per).proxy;

function serve<
  App extends { secret: string; clock: TestClock; stop(): Promise<void> },
  Options extends object,
>(
  start: (database: TestDatabase, options: Options) => Promise<App>,
  create: () => Promise<TestDatabase>,
  options: Lazy<Options>,
  per: Per,
) {
  const database = withDatabase(create, per);
  const given = () => (typeof options === 'function' ? options() : options);
  const { proxy: app, replace } = hold(
    () => start(database, given()),
    (it) => it.stop(),
    per,
  );
  return {
    database,
    app,
    /** Stops the app and starts it again. Only the database, the secret, the clock and the options stay. */
    restart(changes: Partial<Options> = {}, meanwhile = async () => {}): Promise<void> {
      const { secret, clock } = app;
      return replace(async () => {
        await meanwhile();
        return start(database, { ...given(), secret, clock, ...changes });
      });
    },
  };
}

function hold<T extends object>(start: () => T | Promise<T>, stop: (it: T) => unknown, per: Per) {
  let current: T | undefined;
  const release = async () => {
    const it = current;
    current = undefined;
    if (it) await stop(it);
  };
  const around = per === 'test' ? aroundEach : aroundAll;
  around(async (run) => {
    current = await start();
    try {
      await run();
    } finally {
      await release();
    }
  });
  const running = (): T => {
    if (current) return current;
    throw new Error('This is not running. Use it inside a test or a hook.');
  };
  return {
    proxy: proxyOf(running),
    async replace(next: () => Promise<T>) {
      await release();
      current = await next();
    },
  };
}

/** Forwards to whatever is running at that moment. */
const proxyOf = <T extends object>(running: () => T): T =>
  new Proxy({} as T, {
    get(_, name) {
      const it = running();
      const value: unknown = Reflect.get(it, name, it);
      return typeof value === 'function' ? value.bind(it) : value;
    },
    set: (_, name, value) => Reflect.set(running(), name, value),
    has: (_, name) => Reflect.has(running(), name),
    ownKeys: () => Reflect.ownKeys(running()),
    getOwnPropertyDescriptor: (_, name) => Reflect.getOwnPropertyDescriptor(running(), name),
  });
