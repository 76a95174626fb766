import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, inject, it, type MockInstance, vi } from 'vitest';
import { type Database, isUnavailable, openDatabase } from '../../src/platform/db/index.ts';

/** What a file system gives the disk is in our hands here: nothing else tells when a commit is safe. */
describe('a commit to a file', () => {
  let folder: string;
  let database: Database;
  let datasync: MockInstance<FileHandle['datasync']>;
  beforeEach(async () => {
    folder = mkdtempSync(join(inject('folder'), 'disk-'));
    database = await openDatabase(`sqlite:${folder}/usher.db`);
    await database.migrate();
    const handle = await open(`${folder}/usher.db`);
    datasync = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'datasync');
    await handle.close();
  });
  afterEach(async () => {
    datasync.mockRestore();
    await database.close();
    rmSync(folder, { recursive: true });
  });

  const count = (key: string) => ({ key, count: 1, blocked_until: 0, expires_at: 0, rejected: 0 });
  const write = (key: string) =>
    database.db.transaction().execute((tx) => tx.insertInto('rate_limits').values(count(key)).execute());
  const keys = async ({ db }: Database) =>
    (await db.selectFrom('rate_limits').select('key').orderBy('key').execute()).map(({ key }) => key);

  /** Makes the disk slow: it takes a commit when it is told to. */
  function hold() {
    const asked: PromiseWithResolvers<void>[] = [];
    datasync.mockImplementation(() => {
      const gate = Promise.withResolvers<void>();
      asked.push(gate);
      return gate.promise;
    });
    return asked;
  }
  const asked = (gates: unknown[], number: number) => expect.poll(() => gates).toHaveLength(number);
  async function isOpen(work: Promise<unknown>): Promise<boolean> {
    const open = Symbol();
    return (await Promise.race([work, new Promise((resolve) => setImmediate(resolve, open))])) === open;
  }

  it('F8: is answered when the disk has it, and holds nobody up until then', async () => {
    const gates = hold();
    const first = write('a');
    await asked(gates, 1);
    const second = write('b');
    const third = database.db.insertInto('rate_limits').values(count('c')).execute();
    // Others read and write what the disk has not yet.
    await expect.poll(() => keys(database)).toEqual(['a', 'b', 'c']);
    expect([await isOpen(first), await isOpen(second), await isOpen(third)]).toEqual([true, true, true]);
    gates[0]?.resolve();
    await first;
    // What was under way had begun before them.
    await asked(gates, 2);
    expect([await isOpen(second), await isOpen(third)]).toEqual([true, true]);
    gates[1]?.resolve();
    await Promise.all([second, third]);
    expect(gates).toHaveLength(2);
  });

  it('F4: survives a loss of power once it is answered', async () => {
    const given: string[] = [];
    datasync.mockImplementation(async () => {
      // What was written after the call may be lost; a file as it is now is the least that the disk has then.
      const copy = join(folder, `given-${given.length}.db`);
      copyFileSync(`${folder}/usher.db`, copy);
      copyFileSync(`${folder}/usher.db-wal`, `${copy}-wal`);
      given.push(copy);
    });
    for (const key of ['a', 'b', 'c', 'd']) {
      await write(key);
      const after = await openDatabase(`sqlite:${given.at(-1)}`);
      expect(await keys(after)).toContain(key);
      await after.close();
    }
  });

  it('F7: is rejected when the disk does not take it, and so is every later one: it would not know what it lost', async () => {
    datasync.mockRejectedValueOnce(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }));
    const rejected = await write('a').catch((error: unknown) => error);
    expect(isUnavailable(rejected)).toBe(true);
    for (const later of [write('b'), database.db.insertInto('rate_limits').values(count('c')).execute()])
      expect(isUnavailable(await later.catch((error: unknown) => error))).toBe(true);
    // What it was is for a restart to see; nothing later was written.
    expect(await keys(database)).not.toContain('b');
    expect(await keys(database)).not.toContain('c');
  });

  it('that the disk rejected ends no other transaction', async () => {
    const gates = hold();
    const first = write('a');
    await asked(gates, 1);
    const between = Promise.withResolvers<void>();
    const second = database.db.transaction().execute(async (tx) => {
      await tx.insertInto('rate_limits').values(count('b')).execute();
      await between.promise;
      return tx.selectFrom('rate_limits').select('key').execute();
    });
    await isOpen(second);
    gates[0]?.reject(new Error('EIO'));
    await expect(first).rejects.toThrow('Couldn’t write to disk');
    between.resolve();
    // It was still whole, and is refused at its own end.
    await expect(second).rejects.toThrow('Couldn’t write to disk');
  });
});

describe('a log', () => {
  it('is brought home and begun anew, among writers that never pause', async () => {
    const folder = mkdtempSync(join(inject('folder'), 'log-'));
    const database = await openDatabase(`sqlite:${folder}/usher.db`);
    await database.migrate();
    const { db } = database;
    // About a page each.
    const rows = (round: number) =>
      Array.from({ length: 100 }, (_, row) => ({
        key: `${round} ${row} ${'x'.repeat(3_000)}`,
        count: 1,
        blocked_until: 0,
        expires_at: 0,
        rejected: 0,
      }));
    const pages = async () => {
      const asked = await sql<{ log: number }>`PRAGMA wal_checkpoint(NOOP)`.execute(db);
      return asked.rows[0]?.log ?? 0;
    };
    let longest = 0;
    let begunAnew = 0;
    let before = 0;
    for (let round = 0; round < 400 && begunAnew < 2; round++) {
      await db.transaction().execute((tx) => tx.insertInto('rate_limits').values(rows(round)).execute());
      const now = await pages();
      if (now < before) begunAnew++;
      before = now;
      longest = Math.max(longest, now);
    }
    expect(begunAnew).toBe(2);
    // Far from where a commit would do it.
    expect(longest).toBeLessThan(16_000);
    await database.close();
    const again = await openDatabase(`sqlite:${folder}/usher.db`);
    expect((await sql<{ ok: string }>`PRAGMA quick_check`.execute(again.db)).rows).toEqual([
      { quick_check: 'ok' },
    ]);
    await again.close();
    rmSync(folder, { recursive: true });
  });
});
