import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Db, isUnavailable, openDatabase } from '../../src/platform/db/index.ts';
import { Mutex } from '../../src/platform/db/mutex.ts';
import { databases } from '../support/postgres.ts';
import { TIMEOUT } from '../support/timeouts.ts';
import { withDatabase, withStarted } from '../support/with-app.ts';

const write = (db: Db, key: string, count = 0) =>
  db.insertInto('rate_limits').values({ key, count, blocked_until: 0, expires_at: 0, rejected: 0 }).execute();
const keys = async (db: Db) =>
  (await db.selectFrom('rate_limits').select('key').orderBy('key').execute()).map(({ key }) => key);
const countOf = (db: Db, key: string) =>
  db.selectFrom('rate_limits').select('count').where('key', '=', key).executeTakeFirstOrThrow();
const raise = (db: Db, key: string) =>
  db
    .updateTable('rate_limits')
    .set((limit) => ({ count: limit('count', '+', 1) }))
    .where('key', '=', key)
    .execute();

describe.each(databases)('$name', ({ name, create }) => {
  /** What concerns a file alone; the other database has no such test, rather than one that is skipped. */
  const onFile: typeof it | (() => void) = name === 'SQLite' ? it : () => {};

  const home = withDatabase(create, 'test');
  const database = withStarted(
    () => openDatabase(home.url),
    (it) => it.close(),
    'test',
  );
  let db: Db;
  beforeEach(() => {
    db = database.db;
  });

  it('shows what a transaction wrote when it is committed, to others and to other processes', async () => {
    const other = await openDatabase(home.url);
    await db.transaction().execute(async (transaction) => {
      await write(transaction, 'a');
      expect(await keys(transaction)).toEqual(['a']);
      expect(await keys(db)).toEqual([]);
      expect(await keys(other.db)).toEqual([]);
    });
    expect(await keys(db)).toEqual(['a']);
    expect(await keys(other.db)).toEqual(['a']);
    await other.close();
  });

  it('keeps nothing of a transaction that throws', async () => {
    const failing = db.transaction().execute(async (transaction) => {
      await write(transaction, 'a');
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await keys(db)).toEqual([]);
    await write(db, 'b');
    expect(await keys(db)).toEqual(['b']);
  });

  it('commits nothing of a transaction in which a statement failed, even if nobody minded', async () => {
    await write(db, 'taken');
    const careless = db.transaction().execute(async (transaction) => {
      await write(transaction, 'a');
      await write(transaction, 'taken').catch(() => undefined);
    });
    await expect(careless).rejects.toThrow('because one of its statements failed');
    const stubborn = db.transaction().execute(async (transaction) => {
      await write(transaction, 'taken').catch(() => undefined);
      await write(transaction, 'b');
    });
    await expect(stubborn).rejects.toThrow();
    expect(await keys(db)).toEqual(['taken']);
  });

  it('loses none of 50 transactions at once', async () => {
    await write(db, 'a');
    const transactions = Array.from({ length: 50 }, () =>
      db.transaction().execute(async (transaction) => {
        await raise(transaction, 'a');
        await countOf(transaction, 'a');
      }),
    );
    await Promise.all([...transactions, ...Array.from({ length: 50 }, () => raise(db, 'a'))]);
    expect(await countOf(db, 'a')).toEqual({ count: 100 });
  });

  it('answers integers, counts and sums as numbers, and rejects those that a number cannot hold', async () => {
    await write(db, 'a', Number.MAX_SAFE_INTEGER);
    await write(db, 'b', -Number.MAX_SAFE_INTEGER);
    const row = await db
      .selectFrom('rate_limits')
      .select(({ fn }) => [fn.countAll().as('n'), fn.sum('count').as('sum'), fn.max('count').as('max')])
      .executeTakeFirst();
    expect(row).toEqual({ n: 2, sum: 0, max: Number.MAX_SAFE_INTEGER });
    await sql`UPDATE rate_limits SET count = 9007199254740993 WHERE key = 'a'`.execute(db);
    await expect(countOf(db, 'a')).rejects.toThrow(RangeError);
    // The connection is good for more.
    expect(await countOf(db, 'b')).toEqual({ count: -Number.MAX_SAFE_INTEGER });
  });

  it('sorts by bytes', async () => {
    const byBytes = ['', ' ', 'A', 'Z', '_', 'a', 'aA', 'aa', 'b', 'é', 'ß', 'Ω', 'は', '\ufffd', '😀'].sort(
      (one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)),
    );
    for (const key of byBytes.toReversed()) await write(db, key);
    expect(await keys(db)).toEqual(byBytes);
    const above = await db
      .selectFrom('rate_limits')
      .select('key')
      .where('key', '>', 'é')
      .orderBy('key')
      .execute();
    expect(above).toHaveLength(byBytes.length - byBytes.indexOf('é') - 1);
  });

  it('finishes what is running before it closes, and is away from then on', async () => {
    const other = await openDatabase(home.url);
    let begun = () => {};
    const beginning = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const running = other.db.transaction().execute(async (transaction) => {
      await write(transaction, 'a');
      begun();
      await sleep(100);
      await write(transaction, 'b');
    });
    await beginning;
    await other.close();
    await running;
    expect(await keys(db)).toEqual(['a', 'b']);
    for (const late of [() => keys(other.db), () => write(other.db, 'c'), () => other.ping()]) {
      expect(isUnavailable(await late().catch((error) => error))).toBe(true);
    }
  });

  it('tells a wrong query from a database that is away', async () => {
    await write(db, 'taken');
    for (const wrong of [() => write(db, 'taken'), () => sql`SELECT nothing FROM nowhere`.execute(db)]) {
      const error = await wrong().catch((error) => error);
      expect(error).toBeInstanceOf(Error);
      expect(isUnavailable(error)).toBe(false);
    }
  });

  onFile('gives transactions their turn in the order of asking', async () => {
    await write(db, 'a');
    const order: number[] = [];
    const take = (turn: number) =>
      db.transaction().execute(async (transaction) => {
        order.push(turn);
        const { count } = await countOf(transaction, 'a');
        await sleep(turn % 3);
        await transaction
          .updateTable('rate_limits')
          .set({ count: count + 1 })
          .execute();
      });
    const turns = Array.from({ length: 50 }, (_, turn) => turn);
    await Promise.all(turns.map(take));
    expect(order).toEqual(turns);
    expect(await countOf(db, 'a')).toEqual({ count: 50 });
  });

  onFile('goes on reading while another process writes, and writes when it is done', async () => {
    const other = new DatabaseSync(database.file as string);
    other.exec('BEGIN IMMEDIATE');
    let isWritten = false;
    const writing = write(db, 'a').finally(() => {
      isWritten = true;
    });
    expect(await keys(db)).toEqual([]);
    await sleep(100);
    expect(await keys(db)).toEqual([]);
    // Waiting inside SQLite would have stopped all of this process until the write had failed.
    expect(isWritten).toBe(false);
    other.exec('COMMIT');
    await writing;
    expect(await keys(db)).toEqual(['a']);

    other.exec('BEGIN IMMEDIATE');
    const rejected = await write(db, 'b').catch((error) => error);
    expect(isUnavailable(rejected)).toBe(true);
    other.close();
    await write(db, 'c');
    expect(await keys(db)).toEqual(['a', 'c']);
  });
});

describe('a mutex', () => {
  it('F14: does not let anyone wait for ever, nor forgets the others', async () => {
    const mutex = new Mutex();
    await mutex.lock(10);
    const order: string[] = [];
    const first = mutex.lock(TIMEOUT).then(() => order.push('first'));
    const impatient = mutex.lock(10).catch((error) => error);
    const last = mutex.lock(TIMEOUT).then(() => order.push('last'));
    expect(isUnavailable(await impatient)).toBe(true);
    mutex.unlock();
    await first;
    expect(order).toEqual(['first']);
    mutex.unlock();
    await last;
    mutex.unlock();
    await mutex.lock(10);
  });
});
