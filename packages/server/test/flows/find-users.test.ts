import { beforeAll, describe, expect, it } from 'vitest';
import { type UserOrder, userOrders } from '../../src/core/users/query.ts';
import { setVerifiedEmail, updateProfile } from '../../src/core/users.ts';
import { findUsers } from '../../src/flows/admin/find-users.ts';
import { columnFinder } from '../../src/flows/import/columns.ts';
import { userImporter } from '../../src/flows/import/users.ts';
import { newIdentifiers, PASSWORD, signUp } from '../support/app.ts';
import { given, signedIn } from '../support/client.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('searches for users on $name', ({ create }) => {
  const { app, inside } = withApp(create);

  /** Stores users without a password. */
  async function store(users: { username: string; email?: string; displayName?: string }[]): Promise<void> {
    const rules = { columns: columnFinder(), admins: false, resetRejected: true, dryRun: false };
    const outcomes = await userImporter({ db: inside.db, clock: app.clock }, rules).add(
      users.map(({ username, email, displayName }, line) => ({
        line,
        cells: new Map(
          Object.entries({
            username,
            email: email ?? `${username}@mail.test`,
            display_name: displayName ?? '',
          }),
        ),
      })),
    );
    expect(outcomes.filter(({ status }) => status !== 'imported')).toEqual([]);
  }

  /** The usernames that a search finds, page by page. */
  async function find(
    search: string,
    more: { order?: UserOrder; limit?: number; role?: 'user' | 'admin'; disabled?: boolean } = {},
  ): Promise<string[]> {
    const names: string[] = [];
    let after: string | undefined;
    do {
      const page = await findUsers({ db: inside.db }, { limit: 2, ...more, search, after });
      expect(page.users.length).toBeLessThanOrEqual(more.limit ?? 2);
      names.push(...page.users.map(({ username }) => username));
      after = page.next ?? undefined;
    } while (after !== undefined);
    return names;
  }

  beforeAll(async () => {
    await store([
      { username: 'maria.diaz', email: 'm.d@alpha.test', displayName: 'María Díaz' },
      { username: 'Pedro', email: 'pedro@DIAZ.test' },
      { username: 'zoe', email: 'zoe@beta.test', displayName: 'Diaz, Zoe' },
      { username: 'anna', email: "o'n%_x@gamma.test" },
      { username: '北京大学', email: 'pku@gamma.test', displayName: '日本語 ﬁne' },
    ]);
  });

  it('find what is anywhere in username, email and display name, whatever its case', async () => {
    expect(await find('diaz')).toEqual(['maria.diaz', 'Pedro', 'zoe']);
    expect(await find(' DIAZ ')).toEqual(['maria.diaz', 'Pedro', 'zoe']);
    expect(await find('maría d')).toEqual(['maria.diaz']);
    expect(await find('MARI\u0301A')).toEqual(['maria.diaz']);
    expect(await find('@alpha.te')).toEqual(['maria.diaz']);
    expect(await find('京大学')).toEqual(['北京大学']);
    expect(await find('fine')).toEqual(['北京大学']);
    expect(await find('diazz')).toEqual([]);
    // No match reaches from one field into the next.
    expect(await find('zoezoe')).toEqual([]);
    expect(await find('maria.diazm.d')).toEqual([]);
  });

  it('find one or two characters only at the start', async () => {
    expect(await find('zo')).toEqual(['zoe']);
    expect(await find('di')).toEqual(['zoe']);
    expect(await find('oe')).toEqual([]);
    expect(await find('北')).toEqual(['北京大学']);
    expect(await find('京')).toEqual([]);
  });

  it('are in the order asked for', async () => {
    const found = { created: ['maria.diaz', 'Pedro', 'zoe'], username: ['maria.diaz', 'Pedro', 'zoe'] };
    for (const order of userOrders) {
      const names = order.endsWith('created') ? found.created : found.username;
      expect([order, await find('diaz', { order })]).toEqual([
        order,
        order.startsWith('-') ? names.toReversed() : names,
      ]);
    }
    await store([{ username: 'aaa.diaz' }]);
    expect(await find('diaz', { order: 'username' })).toEqual(['aaa.diaz', 'maria.diaz', 'Pedro', 'zoe']);
    expect(await find('diaz')).toEqual(['maria.diaz', 'Pedro', 'zoe', 'aaa.diaz']);
  });

  it('read nothing in the text as a pattern or an operator', async () => {
    for (const text of [
      '%%%',
      '___',
      '***',
      '"""',
      "'''",
      '"a" OR "b"',
      'text:zoe',
      'NEAR(zoe',
      '\\\\\\',
      '^zoe',
      ')))',
    ])
      expect([text, await find(text)]).toEqual([text, []]);
    expect(await find("o'n%_x")).toEqual(['anna']);
    for (const [text, found] of [
      ['x'.repeat(254), []],
      ['\ud800zoe\0', ['zoe']],
      ['\n\nzoe', ['zoe']],
      ['\n\noe', []],
    ] as const)
      expect([text, await find(text)]).toEqual([text, found]);
  });

  it('find a user by the new identifiers alone, and no one who was deleted', async () => {
    const ada = await signUp(app, newIp());
    const { me } = await signedIn(app, ada);
    expect(await find(ada.username.slice(1))).toEqual([ada.username]);
    const { username } = newIdentifiers();
    given(await me.change({ username, display_name: 'Countess Lovelace' }));
    expect(await find('ess love')).toEqual([username]);
    // The old one is left in the email alone.
    expect(await find(ada.username)).toEqual([username]);
    await setVerifiedEmail(inside.db, ada.id, { email: 'moved@delta.test', emailKey: 'moved@delta.test' }, 0);
    expect(await find('oved@delta')).toEqual([username]);
    expect(await find(ada.email)).toEqual([]);
    await updateProfile(inside.db, ada.id, { display_name: null, display_name_key: null });
    expect(await find('countess')).toEqual([]);
    given(await me.delete({ email: 'moved@delta.test', password: PASSWORD }));
    for (const gone of ['oved@delta', username]) expect(await find(gone)).toEqual([]);
    expect(
      await inside.db.selectFrom('user_search').select('user_id').where('user_id', '=', ada.id).execute(),
    ).toEqual([]);
  });

  it('keep to the filter', async () => {
    const [ada, bob] = [await signUp(app, newIp()), await signUp(app, newIp())];
    await inside.promote(ada.id);
    await inside.db.updateTable('users').set({ disabled_at: 1 }).where('id', '=', bob.id).execute();
    for (const order of userOrders) {
      expect(await find('user', { order, role: 'admin' })).toEqual([ada.username]);
      expect(await find('user', { order, disabled: true })).toEqual([bob.username]);
      expect(await find('user', { order, role: 'user', disabled: false })).not.toContain(bob.username);
      expect(await find(bob.email, { order, role: 'user', disabled: false })).toEqual([]);
    }
    await inside.db.updateTable('users').set({ admin_since: null }).execute();
  });

  it('page through common and rare text among many, wherever it is in the order', async () => {
    const many = Array.from({ length: 12_000 }, (_, n) => ({
      username: `crowd${String(n).padStart(5, '0')}`,
      email: `c${n}@${n < 5_500 ? 'early' : 'late'}.test`,
    }));
    for (let n = 0; n < many.length; n += 250) await store(many.slice(n, n + 250));
    const namesOf = (users: typeof many) => users.map(({ username }) => username);
    const early = namesOf(many.slice(0, 5_500));
    // Common, but far away in one of the orders: too many to sort.
    expect(await find('@early', { limit: 1000 })).toEqual(early);
    expect(await find('@early', { limit: 1000, order: '-created' })).toEqual(early.toReversed());
    expect(await find('@early', { limit: 1000, order: '-username', role: 'user' })).toEqual(
      early.toReversed(),
    );
    // Rare.
    expect(await find('crowd0123', { order: '-username' })).toEqual(
      namesOf(many.slice(1230, 1240)).reverse(),
    );
    expect(await find('c11999@')).toEqual(['crowd11999']);
    expect(await find('c11999@late.test')).toEqual(['crowd11999']);
    expect(await find('c11999@early.test')).toEqual([]);
    expect(await find('c11999@', { order: 'username', role: 'user' })).toEqual(['crowd11999']);
    const first = await findUsers({ db: inside.db }, { search: '.test', limit: 50, order: '-username' });
    expect(first.users).toHaveLength(50);
  });
});
