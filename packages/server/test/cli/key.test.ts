import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/platform/db/index.ts';
import { databases } from '../support/postgres.ts';
import { withPlace, wordsOf } from './program.ts';

const MINUTE = 60_000;

interface Key {
  id: string;
  algorithm: string;
  state: string;
  created_at: string;
  signs_from: string;
  published_until: string | null;
}

describe.each(databases)('$name', (kind) => {
  const place = withPlace(kind);

  async function list(): Promise<Key[]> {
    const { code, stdout, stderr } = await place.usher(['key', 'list', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout).keys;
  }
  async function rotations() {
    const database = await openDatabase(place.database.url);
    const query = database.db
      .selectFrom('events')
      .select(['actor_id', 'details'])
      .where('name', '=', 'key_rotated');
    const rows = await query.orderBy('id').execute();
    await database.close();
    return rows.map((row) => ({ by: row.actor_id, ...JSON.parse(row.details) }));
  }

  it('lists the first key, and nothing private of it', async () => {
    const [key, ...others] = await list();
    expect(others).toEqual([]);
    expect(Object.keys(key ?? {})).toEqual([
      'id',
      'algorithm',
      'state',
      'created_at',
      'signs_from',
      'published_until',
    ]);
    expect(key).toMatchObject({ algorithm: 'ES256', state: 'signing', published_until: null });
    const { stdout } = await place.usher(['key', 'list']);
    expect(wordsOf(stdout)[0]?.slice(0, 4)).toEqual(['ID', 'ALGORITHM', 'STATE', 'AGE']);
    expect(wordsOf(stdout)[1]?.slice(0, 4)).toEqual([
      key?.id,
      'ES256',
      'signing',
      expect.stringMatching(/^\d minutes?$/),
    ]);
  });

  it('rotates: the next key waits, the old one goes on', async () => {
    const [first] = await list();
    const rotated = await place.usher(['key', 'rotate', '--json', '--signing-algorithm', 'EdDSA']);
    expect(rotated.code).toBe(0);
    expect(rotated.stderr).toContain('Existing tokens stay valid until they expire.');
    const made: Key = JSON.parse(rotated.stdout).key;
    expect(made).toMatchObject({ state: 'next', algorithm: 'EdDSA' });
    const [next, old] = await list();
    expect(next).toEqual(made);
    expect(old).toMatchObject({ id: first?.id, state: 'signing', published_until: expect.any(String) });
    expect(Date.parse(made.signs_from) - Date.parse(made.created_at)).toBe(10 * MINUTE);
    // A token that the old key signed at its last moment lives an hour at most.
    expect(Date.parse(old?.published_until ?? '') - Date.parse(made.signs_from)).toBeGreaterThan(60 * MINUTE);
    expect(await rotations()).toEqual([{ by: 'operator', key: made.id, leaked: false }]);
  });

  it('rotates away a leaked key at once, but asks first', async () => {
    const [first] = await list();
    const asked = await place.usher(['key', 'rotate', '--leaked'], { input: 'leaked\n' });
    expect(asked).toMatchObject({ code: 2, stdout: '' });
    expect(asked.stderr).toContain('--yes');
    expect(await list()).toHaveLength(1);
    expect(await rotations()).toEqual([]);

    await place.usher(['key', 'rotate']);
    const rotated = await place.usher(['key', 'rotate', '--leaked', '--yes']);
    expect(rotated.code).toBe(0);
    expect(rotated.stderr).toContain('Existing access tokens are revoked');
    const keys = await list();
    expect(keys.filter(({ state }) => state === 'gone')).toHaveLength(2);
    expect(keys.find(({ id }) => id === first?.id)?.state).toBe('gone');
    const signing = keys.filter(({ state }) => state === 'signing');
    expect(signing).toHaveLength(1);
    expect(rotated.stdout).toContain(signing[0]?.id);
    expect(await rotations()).toMatchObject([{ leaked: false }, { by: 'operator', leaked: true }]);
  });
});
