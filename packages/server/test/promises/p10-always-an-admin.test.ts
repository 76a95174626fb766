import { describe, expect, it } from 'vitest';
import { login, newIdentifiers, PASSWORD, send, signUp, startApp } from '../support/app.ts';
import { newIp, openInside, sendAs } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)(
  'P10 on $name: there is always an enabled administrator',
  ({ create, createEmpty }) => {
    const { app: one, twin, inside } = withApp(create);
    const processes = [one, twin] as const;

    async function twoAdmins() {
      const people = [await signUp(processes[0], newIp()), await signUp(processes[0], newIp())] as const;
      return Promise.all(
        people.map(async (one) => ({
          ...one,
          bearer: (await login(processes[0], one, newIp())).access_token,
        })),
      );
    }
    const enabled = () =>
      inside.db
        .selectFrom('users')
        .select('id')
        .where('admin_since', 'is not', null)
        .where('disabled_at', 'is', null)
        .execute();
    const acts: [string, (id: string) => [string, string, unknown?]][] = [
      ['demote', (id) => ['PATCH', `/v1/users/${id}`, { role: 'user' }]],
      ['disable', (id) => ['PATCH', `/v1/users/${id}`, { disabled: true }]],
      [
        'rename, demote and disable',
        (id) => [
          'PATCH',
          `/v1/users/${id}`,
          { username: newIdentifiers().username, role: 'user', disabled: true },
        ],
      ],
    ];

    it('whatever two of them do to each other at the same moment, on two processes', async () => {
      const [ada, bob] = await twoAdmins();
      if (!ada || !bob) expect.fail();
      for (let round = 0; round < 50; round++) {
        await inside.db.updateTable('users').set({ admin_since: 1, disabled_at: null }).execute();
        await inside.db.updateTable('sessions').set({ revoked_at: null }).execute();
        const [, first] = acts[round % acts.length] ?? expect.fail();
        const [, second] = acts[Math.floor(round / 7) % acts.length] ?? expect.fail();
        const [here, there] = round % 2 ? processes : [processes[1], processes[0]];
        const replies = await Promise.all([
          sendAs(here, { bearer: ada.bearer }, ...first(bob.id)),
          sendAs(there, { bearer: bob.bearer }, ...second(ada.id)),
        ]);
        const statuses = replies.map(({ status }) => status);
        // One got there first; the other was then no administrator any more, or would have been the last to go.
        expect([round, statuses.filter((status) => status === 200)]).toEqual([round, [200]]);
        for (const status of statuses) expect([200, 401, 403, 409]).toContain(status);
        expect([round, await enabled()]).toEqual([round, [expect.anything()]]);
      }
    });

    it('whatever each does to itself at the same moment', async () => {
      await inside.db.updateTable('users').set({ admin_since: null }).execute();
      const [ada, bob] = await twoAdmins();
      if (!ada || !bob) expect.fail();
      for (let round = 0; round < 12; round++) {
        for (const { id } of [ada, bob])
          await inside.db
            .updateTable('users')
            .set({ admin_since: 1, disabled_at: null })
            .where('id', '=', id)
            .execute();
        await inside.db.updateTable('sessions').set({ revoked_at: null }).execute();
        const [, act] = acts[round % acts.length] ?? expect.fail();
        const replies = await Promise.all([
          sendAs(processes[0], { bearer: ada.bearer }, ...act(ada.id)),
          sendAs(processes[1], { bearer: bob.bearer }, ...act(bob.id)),
        ]);
        expect(replies.map(({ status }) => status).sort()).toEqual([200, 409]);
        expect(await enabled()).toHaveLength(1);
      }
    });

    it('and deleting is no way around it, of oneself or of each other', async () => {
      await inside.db.updateTable('users').set({ admin_since: null }).execute();
      for (const ofThemselves of [true, false]) {
        const [ada, bob] = await twoAdmins();
        if (!ada || !bob) expect.fail();
        for (const { id } of [ada, bob]) await inside.promote(id);
        const remove = ({ id, email }: typeof ada): [string, string, unknown?] =>
          ofThemselves ? ['DELETE', '/v1/me', { email, password: PASSWORD }] : ['DELETE', `/v1/users/${id}`];
        const replies = await Promise.all([
          sendAs(processes[0], { bearer: ada.bearer }, ...remove(ofThemselves ? ada : bob)),
          sendAs(processes[1], { bearer: bob.bearer }, ...remove(ofThemselves ? bob : ada)),
        ]);
        expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
        expect(await enabled()).toHaveLength(1);
        await inside.db.updateTable('users').set({ admin_since: null }).execute();
      }
    });

    it('but before the first there is nobody at all, and no password that opens', async () => {
      const fresh = await createEmpty();
      const app = await startApp(fresh);
      const fromNew = await openInside(app, fresh);
      expect(await fromNew.db.selectFrom('users').selectAll().execute()).toEqual([]);
      expect(await fromNew.db.selectFrom('sessions').selectAll().execute()).toEqual([]);
      // No link is good before a start has printed one.
      expect(await fromNew.db.selectFrom('verifications').selectAll().execute()).toEqual([]);
      for (const username of [
        'admin',
        'administrator',
        'root',
        'usher',
        'user',
        'guest',
        'test',
        'operator',
      ]) {
        const from = newIp();
        for (const password of ['admin', 'password', 'usher', 'changeme', username])
          expect((await send(app, 'POST', '/v1/signin', { username, password }, { from })).status).toBe(401);
      }
      // Who signs up is a user, even the very first.
      const first = await signUp(app);
      expect((await first.browser.get('/v1/me')).body.user.role).toBe('user');
      expect((await first.browser.get('/v1/users')).status).toBe(403);
      await fromNew.close();
      await app.stop();
      await fresh.remove();
    });
  },
);
