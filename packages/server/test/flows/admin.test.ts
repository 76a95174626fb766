import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../../client/src/index.ts';
import {
  asBearer,
  login,
  NEW_PASSWORD,
  newIdentifiers,
  PASSWORD,
  send,
  signUp,
  startApp,
} from '../support/app.ts';
import { clientOf, given, refusal, signedIn } from '../support/client.ts';
import { lastEmail, queuedEmails } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('administration on $name', ({ create }) => {
  const { app, database, inside } = withApp(create);
  let admin: Awaited<ReturnType<typeof signUp>> & { client: Client };
  beforeAll(async () => {
    const who = await signUp(app);
    await inside.promote(who.id);
    admin = { ...who, client: await signedIn(app, who) };
  });

  const newcomer = () => signUp(app, newIp());
  const change = (...call: Parameters<Client['users']['change']>) => admin.client.users.change(...call);
  const changed = async (...call: Parameters<Client['users']['change']>) => given(await change(...call)).user;
  const signIn = ({ username }: { username: string }, password = PASSWORD) =>
    clientOf(app).signIn({ username, password });
  const list = async (query: Parameters<Client['users']['list']>[0]) =>
    given(await admin.client.users.list(query));
  const namesOf = ({ users }: { users: { username: string }[] }) => users.map(({ username }) => username);
  const eventOf = (userId: string, name: string) =>
    inside.db
      .selectFrom('events')
      .select(['actor_id', 'details'])
      .where('user_id', '=', userId)
      .where('name', '=', name as 'signed_in')
      .execute();

  describe('lists', () => {
    /** As an import would: so many sign-ups would take the test a while, and are more than one address may. */
    beforeAll(async () => {
      const row = await inside.db
        .selectFrom('users')
        .selectAll()
        .where('id', '=', admin.id)
        .executeTakeFirstOrThrow();
      const people = Array.from({ length: 120 }, (_, i) => {
        const name = `page${String(i).padStart(3, '0')}`;
        return {
          ...row,
          id: `10000000-0000-7000-8000-${String(i).padStart(12, '0')}`,
          username: name.toUpperCase(),
          username_key: name,
          email: `${name}@pages.example`,
          email_key: `${name}@pages.example`,
          admin_since: i % 10 === 0 ? 1 : null,
          disabled_at: i % 4 === 0 ? 1 : null,
        };
      });
      await inside.db.insertInto('users').values(people).execute();
    });
    afterAll(async () => {
      await inside.db.deleteFrom('users').where('username_key', 'like', 'page%').execute();
    });
    const numbered = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `PAGE${String(from + i).padStart(3, '0')}`);

    it('all users page by page, oldest first, each once', async () => {
      const first = await list({ search: 'page' });
      expect(namesOf(first)).toEqual(numbered(0, 50));
      const second = await list({ search: 'page', cursor: first.next_cursor ?? '' });
      expect(namesOf(second)).toEqual(numbered(50, 100));
      const third = await list({ search: 'page', cursor: second.next_cursor ?? '' });
      expect(namesOf(third)).toEqual(numbered(100, 120));
      expect(third.next_cursor).toBeNull();

      const seen: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await list({ limit: 7, cursor });
        seen.push(...namesOf(page));
        if (page.next_cursor === null) break;
        expect(page.users).toHaveLength(7);
        cursor = page.next_cursor;
      }
      expect(seen).toHaveLength(new Set(seen).size);
      expect(seen.length).toBeGreaterThanOrEqual(121);
      expect(seen).toContain(admin.username);
    });

    it('exactly full pages, without an empty one behind', async () => {
      const page = await list({ search: 'page00', limit: 10 });
      expect(namesOf(page)).toEqual(numbered(0, 10));
      expect(page.next_cursor).toBeNull();
      expect((await list({ limit: 100 })).users).toHaveLength(100);
    });

    it('those whose username or email contains it, or whose id this is', async () => {
      expect(namesOf(await list({ search: 'PaGe11' }))).toEqual(numbered(110, 120));
      expect(namesOf(await list({ search: 'page042@pages' }))).toEqual(['PAGE042']);
      expect(namesOf(await list({ search: '10000000-0000-7000-8000-000000000042' }))).toEqual(['PAGE042']);
      expect(namesOf(await list({ search: ' ｐａｇｅ042 ' }))).toEqual(['PAGE042']);
      expect(namesOf(await list({ search: 'age042' }))).toEqual(['PAGE042']);
      for (const none of ['ag', '04', '10000000', 'zzz'])
        expect([none, namesOf(await list({ search: none }))]).toEqual([none, []]);
      expect((await list({ search: '' })).users.length).toBeGreaterThan(10);
    });

    it('those of a role, those that are disabled, and both', async () => {
      expect((await list({ search: 'page', role: 'admin' })).users).toHaveLength(12);
      expect((await list({ search: 'page', disabled: 'true' })).users).toHaveLength(30);
      expect((await list({ search: 'page', disabled: 'false', limit: 100 })).users).toHaveLength(90);
      expect(namesOf(await list({ search: 'page', role: 'admin', disabled: 'false' }))).toEqual([
        'PAGE010',
        'PAGE030',
        'PAGE050',
        'PAGE070',
        'PAGE090',
        'PAGE110',
      ]);
    });
  });

  describe('finds by both names', () => {
    const letters = ['a', 'b', '-', '7', '\u{fa0e}', '\u{10428}'];
    const name = (of: number, length: number) =>
      Array.from({ length }, (_, at) => letters[Math.floor(of / letters.length ** at) % letters.length]).join(
        '',
      );
    /** Some have two names that begin alike, in either order, some one, some none. */
    const people = Array.from({ length: 216 }, (_, i) => ({
      username: `${i % 3 ? 'qu' : 'no'}${name(i, 3)}`,
      email: `${i % 4 ? 'qu' : 'no'}${i % 5 ? 'a' : 'b'}${i}@find.example`,
      isAdmin: i % 7 === 0,
      isDisabled: i % 6 === 0,
      // When it was created: not in the order of the names.
      place: (i * 89) % 216,
    }));
    beforeAll(async () => {
      const row = await inside.db
        .selectFrom('users')
        .selectAll()
        .where('id', '=', admin.id)
        .executeTakeFirstOrThrow();
      const rows = people.map(({ username, email, isAdmin, isDisabled, place }) => ({
        ...row,
        id: `20000000-0000-7000-8000-${String(place).padStart(12, '0')}`,
        username,
        username_key: username,
        email,
        email_key: email,
        admin_since: isAdmin ? 1 : null,
        disabled_at: isDisabled ? 1 : null,
      }));
      await inside.db.insertInto('users').values(rows).execute();
    });
    afterAll(async () => {
      await inside.db.deleteFrom('users').where('email_key', 'like', '%@find.example').execute();
    });
    type Person = (typeof people)[number];
    const found = (beginning: string, isMeant: (person: Person) => boolean = () => true) =>
      people
        .filter(isMeant)
        .filter(({ username, email }) => [username, email].some((one) => one.startsWith(beginning)))
        .sort((one, other) => one.place - other.place)
        .map(({ username }) => username);
    async function paged(asked: Parameters<typeof list>[0], limit: number): Promise<string[]> {
      const seen: string[] = [];
      for (let page = await list({ ...asked, limit }); ; ) {
        expect(page.users.length).toBeLessThanOrEqual(limit);
        seen.push(...namesOf(page));
        if (page.next_cursor === null) return seen;
        page = await list({ ...asked, limit, cursor: page.next_cursor });
      }
    }

    it('each once, oldest first, whatever the size of a page', async () => {
      for (const beginning of ['qu', 'qua', 'qu-', 'no', 'qub1', 'qu\u{fa0e}', 'qu\u{10428}', 'quaa@'])
        for (const limit of [1, 7, 100]) {
          if (limit === 1 && beginning.length < 3) continue;
          const seen = await paged({ search: beginning }, limit);
          expect([beginning, limit, seen]).toEqual([beginning, limit, found(beginning)]);
        }
    });

    it('those of a role, those that are disabled, and both', async () => {
      const admins = await paged({ search: 'qu', role: 'admin' }, 5);
      expect(admins).toEqual(found('qu', ({ isAdmin }) => isAdmin));
      const disabled = await paged({ search: 'qu', disabled: 'true' }, 5);
      expect(disabled).toEqual(found('qu', ({ isDisabled }) => isDisabled));
      const others = await paged({ search: 'qu', role: 'user', disabled: 'false' }, 5);
      expect(others).toEqual(found('qu', ({ isAdmin, isDisabled }) => !isAdmin && !isDisabled));
    });

    it('goes on where it was, when the last one of a page is gone', async () => {
      const all = found('qu');
      const first = await list({ search: 'qu', limit: 10 });
      await inside.db
        .deleteFrom('users')
        .where('username_key', '=', all[9] ?? '')
        .execute();
      const second = await list({ search: 'qu', limit: 10, cursor: first.next_cursor ?? '' });
      expect(namesOf(second)).toEqual(all.slice(10, 20));
    });
  });

  it('tells users what was done to their accounts, and not from where', async () => {
    const ada = await newcomer();
    await changed(ada.id, { username: `${ada.username}.new` });
    for (const path of ['/v1/dashboard', '/v1/me/data']) {
      const { body } = await ada.browser.get(path);
      const [renamed] = body.events.filter(({ name }: { name: string }) => name === 'user_updated');
      expect(renamed).toMatchObject({ ip: null, user_agent: null });
      const [own] = body.events.filter(({ name }: { name: string }) => name === 'signed_in');
      expect(own).toMatchObject({ ip: ada.browser.from });
    }
    const { events } = given(await admin.client.events({ user: ada.id, name: 'user_updated' }));
    expect(events).toMatchObject([{ actor_id: admin.id, ip: expect.any(String) }]);
  });

  it('shows the figures of the console', async () => {
    const { span, now, steps } = given(await admin.client.stats({ span: 'day' }));
    expect([span, steps.length]).toEqual(['day', 24]);
    expect(now.users).toBeGreaterThan(0);
    expect(now.sessions).toBeGreaterThan(1);
  });

  it('shows one user, and says when there is none', async () => {
    const ada = await newcomer();
    expect(given(await admin.client.users.get(ada.id))).toMatchObject({
      user: {
        id: ada.id,
        username: ada.username,
        email: ada.email,
        email_verified: false,
        role: 'user',
        disabled: false,
        created_at: '2026-03-01T12:00:00.500Z',
        display_name: null,
        locale: null,
        time_zone: null,
        password_change_required: false,
      },
    });
    const nobody = '00000000-0000-7000-8000-000000000000';
    const { users } = admin.client;
    for (const none of [
      await users.get(nobody),
      await users.change(nobody, { disabled: true }),
      await users.delete(nobody),
      await users.signOut(nobody),
      await users.limits(nobody),
      await users.resetRateLimits(nobody),
    ])
      expect(none.error).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('makes an account with a password, or with one that it answers once', async () => {
    const names = newIdentifiers();
    const reply = await admin.browser.post('/v1/users', names);
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({
      message: 'user created!',
      user: { username: names.username, role: 'user' },
    });
    expect(reply.body).not.toHaveProperty('password');
    // The administrator stays who they are.
    expect((await admin.browser.get('/v1/me')).body.user.id).toBe(admin.id);
    given(await signIn(names));
    expect(await eventOf(reply.body.user.id, 'user_created')).toEqual([
      { actor_id: admin.id, details: '{"role":"user"}' },
    ]);

    const { username, email } = newIdentifiers();
    const generated = given(await admin.client.users.create({ username, email, role: 'admin' }));
    expect(generated).toMatchObject({ message: 'user created!', user: { role: 'admin' } });
    expect(generated.password).toMatch(/^[a-z2-9]{4}(-[a-z2-9]{4}){4}$/);
    given(await signIn({ username }, generated.password));
    expect((await admin.browser.get(`/v1/users/${generated.user.id}`)).text).not.toContain(
      generated.password,
    );
    given(await admin.client.users.delete(generated.user.id));
  });

  it('makes no account of what sign-up would reject', async () => {
    const ada = await newcomer();
    const { create } = admin.client.users;
    expect((await create({ ...newIdentifiers(), password: '1234' })).error).toMatchObject({
      status: 400,
      code: 'signup_rejected',
      fields: [{ field: 'password', code: 'password_too_short' }],
    });
    expect((await create({ ...newIdentifiers(), email: ada.email.toUpperCase() })).error).toMatchObject({
      status: 409,
      code: 'user_exists',
      fields: [{ field: 'email', code: 'email_taken' }],
    });
    const role = await admin.browser.post('/v1/users', { ...newIdentifiers(), role: 'root' });
    expect([role.status, role.body.errors[0].field]).toEqual([400, 'role']);
  });

  it('promotes and demotes, from the next request on', async () => {
    const ada = await newcomer();
    const { users, me } = await signedIn(app, ada);
    expect((await users.list()).error).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await changed(ada.id, { role: 'admin' })).role).toBe('admin');
    given(await users.list());
    expect((await ada.browser.get('/v1/users')).status).toBe(200);
    // Doing it again does nothing, and says nothing in the record.
    given(await change(ada.id, { role: 'admin' }));
    expect((await changed(ada.id, { role: 'user' })).role).toBe('user');
    expect(refusal(await users.list())).toBe('forbidden');
    expect((await ada.browser.get('/v1/users')).status).toBe(403);
    given(await me.get());
    expect(await eventOf(ada.id, 'user_promoted')).toEqual([{ actor_id: admin.id, details: '{}' }]);
    expect(await eventOf(ada.id, 'user_demoted')).toHaveLength(1);
    // One notice for each change, none for a role that the user already had, and none says where it came from.
    const notices = (await queuedEmails(app, database)).filter(({ to }) => to === ada.email);
    expect(notices.filter(({ kind }) => kind.startsWith('admin_role'))).toEqual(
      ['admin_role_granted', 'admin_role_removed'].map((kind) => ({
        kind,
        to: ada.email,
        values: {
          username: ada.username,
          when: expect.any(String),
          ip: '',
          user_agent: '',
          language: '',
          time_zone: '',
        },
      })),
    );
  });

  it('cannot use up the notice of a new password by changing the role back and forth', async () => {
    const ada = await newcomer();
    const { me } = await signedIn(app, ada);
    for (let i = 0; i < 6; i++) {
      await changed(ada.id, { role: 'admin' });
      await changed(ada.id, { role: 'user' });
    }
    given(await me.changePassword({ current_password: PASSWORD, new_password: NEW_PASSWORD }));
    const kinds = (await queuedEmails(app, database))
      .filter(({ to }) => to === ada.email)
      .map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind.startsWith('admin_role'))).toHaveLength(10);
    expect(kinds).toContain('password_changed');
  });

  it('disables, which ends all sessions, and enables, which revives none', async () => {
    const ada = await newcomer();
    const { access_token, refresh_token } = await login(app, ada, newIp());
    expect((await changed(ada.id, { disabled: true })).disabled).toBe(true);
    const dead = async () => {
      expect((await ada.browser.get('/v1/me')).status).toBe(401);
      expect((await send(app, 'GET', '/v1/me', undefined, asBearer(access_token))).status).toBe(401);
      expect((await send(app, 'POST', '/v1/refresh', { refresh_token })).status).toBe(401);
    };
    await dead();
    expect(refusal(await signIn(ada))).toBe('invalid_credentials');
    expect(await eventOf(ada.id, 'user_disabled')).toEqual([
      { actor_id: admin.id, details: '{"sessions":2}' },
    ]);
    expect((await changed(ada.id, { disabled: false })).disabled).toBe(false);
    await dead();
    given(await signIn(ada));
    expect(await eventOf(ada.id, 'user_enabled')).toHaveLength(1);
  });

  it('renames, and does all of a change or nothing', async () => {
    const [ada, bob] = [await newcomer(), await newcomer()];
    const { username } = newIdentifiers();
    expect(await changed(ada.id, { username, role: 'admin' })).toMatchObject({ username, role: 'admin' });
    const refused = await change(ada.id, { role: 'user', disabled: true, username: bob.username });
    expect(refused.error).toMatchObject({ status: 409, code: 'identifier_taken' });
    expect(given(await admin.client.users.get(ada.id)).user).toMatchObject({
      username,
      role: 'admin',
      disabled: false,
    });
    expect((await change(ada.id, {})).error).toMatchObject({ status: 400, code: 'invalid_request' });
    given(await change(ada.id, { role: 'user' }));
  });

  it('ends all sessions of a user, and leaves the account', async () => {
    const ada = await newcomer();
    const program = await signedIn(app, ada);
    expect(given(await admin.client.users.signOut(ada.id))).toEqual({ message: 'logout successful!' });
    // It is the session of another that ended.
    given(await admin.client.me.get());
    expect((await ada.browser.get('/v1/me')).status).toBe(401);
    expect(refusal(await program.me.get())).toBe('invalid_token');
    given(await signIn(ada));
    expect(await eventOf(ada.id, 'signed_out_everywhere')).toEqual([
      { actor_id: admin.id, details: '{"sessions":2}' },
    ]);
  });

  describe('emails a user', () => {
    const message = (id: string, as: Pick<typeof admin, 'browser'> = admin, from = newIp()) =>
      as.browser.send('POST', `/v1/users/${id}/send-mail`, undefined, { 'x-forwarded-for': from });

    it('what they need to choose a new password, and tells them nothing of who asked', async () => {
      const ada = await newcomer();
      const from = newIp();
      const reply = await message(ada.id, admin, from);
      expect([reply.status, reply.body]).toEqual([202, { message: 'Password reset email sent.' }]);
      // Neither the flow nor what opens it is the administrator's.
      expect(reply.headers.getSetCookie().filter((one) => one.includes('flow'))).toEqual([]);
      const values = await lastEmail(app, database, ada.email);
      expect(values).toMatchObject({ username: ada.username, ip: '', user_agent: '', minutes: '10' });
      expect(reply.text).not.toContain(values.code);
      expect(await eventOf(ada.id, 'password_reset_requested')).toEqual([
        { actor_id: admin.id, details: '{"emailed":true}' },
      ]);
      // Nothing has changed so far.
      expect((await ada.browser.get('/v1/me')).status).toBe(200);
      const body = { email: ada.email, code: values.code, password: 'a much better passphrase' };
      expect((await send(app, 'POST', '/v1/reset-password', body, { from: newIp() })).status).toBe(200);
      expect((await ada.browser.get('/v1/me')).status).toBe(401);
      given(await signIn(ada, body.password));
    });

    it('as often as they could ask themselves, and says so when it does not', async () => {
      const ada = await newcomer();
      const ask = () => send(app, 'POST', '/v1/send-mail', { email: ada.email }, { from: newIp() });
      for (let i = 0; i < 5; i++) await ask();
      expect((await message(ada.id)).status).toBe(202);
      const refused = await message(ada.id);
      expect([refused.status, refused.body.code, refused.body.message]).toEqual([
        429,
        'too_many_requests',
        'The hourly limit for emails to this address has been reached. Try again in 60 minutes, or reset this user’s rate limits.',
      ]);
      expect(Number(refused.headers.get('retry-after'))).toBe(3600);
      const queued = (await queuedEmails(app, database)).filter(
        ({ kind, to }) => kind === 'reset_password' && to === ada.email,
      );
      expect(queued).toHaveLength(6);
      expect((await eventOf(ada.id, 'password_reset_requested')).at(-1)).toEqual({
        actor_id: admin.id,
        details: '{"emailed":false}',
      });
      expect(await eventOf(ada.id, 'rate_limit_exceeded')).toMatchObject([{ actor_id: admin.id }]);
      // The owner is held by the same budget, and told nothing of it.
      expect((await ask()).status).toBe(202);
      given(await admin.client.users.resetRateLimits(ada.id));
      given(await admin.client.users.sendMail(ada.id));
    });

    it('no more than anybody else from one network', async () => {
      const from = newIp();
      for (let i = 0; i < 10; i++)
        expect((await message((await newcomer()).id, admin, from)).status).toBe(202);
      const ada = await newcomer();
      expect((await message(ada.id, admin, from)).status).toBe(429);
      expect(await eventOf(ada.id, 'password_reset_requested')).toEqual([]);
    });

    it('only for an administrator, and only who can use it', async () => {
      const ada = await newcomer();
      expect((await message(admin.id, ada)).status).toBe(403);
      expect((await send(app, 'POST', `/v1/users/${ada.id}/send-mail`)).status).toBe(401);
      expect((await message('01990a3c-5d2e-7c41-9f08-6b1d2e3f4a5b')).status).toBe(404);
      await change(ada.id, { disabled: true });
      const refused = await message(ada.id);
      expect([refused.status, refused.body.code, refused.body.message]).toEqual([
        409,
        'conflict',
        'This user is disabled. Enable the user before sending a password reset.',
      ]);
      expect(await eventOf(ada.id, 'password_reset_requested')).toEqual([]);
    });

    it('not where no email goes out', async () => {
      const { secret, clock } = app;
      const publicUrl = 'https://accounts.example.org';
      const silent = await startApp(database, { secret, clock, publicUrl });
      const basic = Buffer.from(`${admin.username}:${PASSWORD}`).toString('base64');
      const host = 'accounts.example.org';
      const headers = { host, authorization: `Basic ${basic}` };
      const signedIn = await send(silent, 'POST', '/v1/login', undefined, { headers });
      const as = { host, authorization: `Bearer ${signedIn.body.access_token}` };
      const refused = await send(silent, 'POST', `/v1/users/${admin.id}/send-mail`, undefined, {
        headers: as,
      });
      expect([refused.status, refused.body.message]).toEqual([
        409,
        'No mail server is configured. Set USHER_SMTP_URL to send email.',
      ]);
      await silent.stop();
    });
  });

  it('deletes a user with all that belonged to them', async () => {
    const ada = await newcomer();
    expect(given(await admin.client.users.delete(ada.id))).toEqual({ message: 'delete successful!' });
    expect(refusal(await admin.client.users.get(ada.id))).toBe('not_found');
    expect((await ada.browser.get('/v1/me')).status).toBe(401);
    expect(refusal(await signIn(ada))).toBe('invalid_credentials');
    expect(
      await inside.db.selectFrom('sessions').select('id').where('user_id', '=', ada.id).execute(),
    ).toEqual([]);
    // The record of it stays.
    expect(await eventOf(ada.id, 'user_deleted')).toEqual([{ actor_id: admin.id, details: '{}' }]);
  });

  it('never takes the last enabled administrator away, and any other', async () => {
    for (const refused of [
      await change(admin.id, { role: 'user' }),
      await change(admin.id, { disabled: true }),
      await admin.client.users.delete(admin.id),
    ])
      expect(refused.error).toMatchObject({ status: 409, code: 'last_admin' });
    const ada = await newcomer();
    const { users } = await signedIn(app, ada);
    given(await change(ada.id, { role: 'admin' }));
    given(await users.change(admin.id, { role: 'user' }));
    expect(refusal(await admin.client.users.list())).toBe('forbidden');
    expect(refusal(await users.change(ada.id, { disabled: true }))).toBe('last_admin');
    given(await users.change(admin.id, { role: 'admin' }));
    given(await users.delete(ada.id));
    given(await admin.client.users.list());
  });
});
