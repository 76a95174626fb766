import { describe, expect, it } from 'vitest';
import { asBearer, basic, login, PASSWORD, type Reply, send, signUp } from '../support/app.ts';
import { given, refusal, signedIn } from '../support/client.ts';
import { DAY, MINUTE } from '../support/clock.ts';
import { deviceOf, sessionOf } from '../support/cookies.ts';
import { queuedEmails } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

/** The id in a device cookie. */
const idOf = (cookie: string): string =>
  /usher_d_([\w-]{22})_/.exec(cookie)?.[1] ?? expect.fail('no device cookie');

describe.each(databases)('known devices on $name', ({ create }) => {
  const { app, database, inside } = withApp(create);

  type Account = Awaited<ReturnType<typeof signUp>>;
  /** Signs in from a browser. @returns The device cookie, and a function that asks with it. */
  async function browserOf({ username }: Account, from = newIp()) {
    const headers = { origin: app.url, 'sec-fetch-site': 'same-origin', 'user-agent': FIREFOX };
    const reply = await send(app, 'POST', '/v1/signin', { username, password: PASSWORD }, { from, headers });
    const session = /^usher=([^;]+)/.exec(reply.headers.getSetCookie().join('\n'))?.[1] ?? '';
    const device = deviceOf(reply);
    const ask = (method: string, path: string): Promise<Reply> =>
      send(app, method, path, undefined, { headers: { ...headers, cookie: `usher=${session}; ${device}` } });
    return { device, session, ask, from };
  }
  const logIn = ({ username }: Account, from: string, agent: string, password: string = PASSWORD) =>
    send(app, 'POST', '/v1/login', undefined, {
      from,
      headers: { ...basic(username, password), 'user-agent': agent },
    });
  const noticesTo = async ({ email }: Account) =>
    (await queuedEmails(app, database)).filter(({ to, kind }) => to === email && kind === 'new_device')
      .length;
  const eventsOf = ({ id }: Account, name: string) =>
    inside.db
      .selectFrom('events')
      .select(['actor_id', 'session_id', 'details'])
      .where('user_id', '=', id)
      .where('name', '=', name)
      .execute();

  it('are listed, the one used last first, and removed one by one', async () => {
    const ada = await signUp(app, newIp());
    app.clock.advance(1_000);
    const { device, ask, from } = await browserOf(ada);
    const { status, body } = await ask('GET', '/v1/me/devices');
    expect([status, body.next_cursor]).toEqual([200, null]);
    expect(body.devices).toHaveLength(2);
    const [own, other] = body.devices;
    expect(own).toEqual({
      id: idOf(device),
      kind: 'cookie',
      created_at: new Date(app.clock.now()).toISOString(),
      last_used_at: new Date(app.clock.now()).toISOString(),
      ip: from,
      user_agent: FIREFOX,
      name: null,
      current: true,
    });
    expect(other.current).toBe(false);

    const removed = await ask('DELETE', `/v1/me/devices/${other.id}`);
    expect([removed.status, removed.body]).toEqual([200, { message: 'Device removed.' }]);
    expect(removed.headers.getSetCookie().join()).not.toContain('usher-device=');
    expect((await ask('DELETE', `/v1/me/devices/${other.id}`)).status).toBe(404);
    expect((await ask('GET', '/v1/me/devices')).body.devices).toEqual([own]);
    // Its own too; then the browser forgets the cookie. The session goes on.
    const last = await ask('DELETE', `/v1/me/devices/${own.id}`);
    expect(last.headers.getSetCookie()).toContainEqual(expect.stringMatching(/^usher-device=; .*Max-Age=0/));
    expect((await ask('GET', '/v1/me/devices')).body.devices).toEqual([]);
    expect((await eventsOf(ada, 'device_removed')).map(({ actor_id }) => actor_id)).toEqual([ada.id, ada.id]);
  });

  it('are nobody else’s', async () => {
    const [ada, bob] = [await signUp(app, newIp()), await signUp(app, newIp())];
    const { device } = await browserOf(ada);
    const { me } = await signedIn(app, bob);
    const id = idOf(device);
    expect(refusal(await me.removeDevice(id))).toBe('not_found');
    expect(given(await me.devices()).devices.map((one) => one.id)).not.toContain(id);
    const data = given(await me.data());
    expect(data.devices.map(({ kind }) => kind).sort()).toEqual(['bearer', 'cookie']);
    expect(JSON.stringify(data)).not.toContain(id);
  });

  it('go with the account', async () => {
    const ada = await signUp(app, newIp());
    const { access_token } = await login(app, ada);
    const gone = { email: ada.email, password: PASSWORD };
    expect((await send(app, 'DELETE', '/v1/me', gone, asBearer(access_token))).status).toBe(200);
    const rows = await inside.db.selectFrom('devices').select('id').where('user_id', '=', ada.id).execute();
    expect(rows).toEqual([]);
  });

  it('are shown and removed on the page of the sessions', async () => {
    const ada = await signUp(app, newIp());
    const { device, session, ask } = await browserOf(ada);
    const id = idOf(device);
    expect((await ask('GET', '/dashboard/sessions')).text).toContain('Known devices');
    const form = { device: id };
    const reply = await submit(app, '/dashboard/sessions', form, { cookie: session });
    expect([reply.status, reply.headers.get('location')]).toEqual([303, '/dashboard/sessions?done=device']);
    const again = await submit(app, '/dashboard/sessions', form, { cookie: session });
    expect(again.headers.get('location')).toBe('/dashboard/sessions?done=unknown');
    expect((await ask('GET', '/v1/me/devices')).body.devices).toHaveLength(1);
  });

  it('are listed and removed by an administrator', async () => {
    const [ada, root] = [await signUp(app, newIp()), await signUp(app, newIp())];
    await inside.promote(root.id);
    await browserOf(ada);
    const { users } = await signedIn(app, root);
    expect(given(await users.devices(ada.id)).devices).toMatchObject([
      { kind: 'cookie', current: false },
      { kind: 'cookie', current: false },
    ]);
    const page = await root.browser.get(`/admin/users/${ada.id}?tab=sessions`);
    expect(page.text).toContain('Known devices');
    expect(given(await users.removeDevices(ada.id))).toEqual({ message: 'Devices removed.', devices: 2 });
    expect(given(await users.devices(ada.id)).devices).toEqual([]);
    expect(await eventsOf(ada, 'device_removed')).toMatchObject([
      { actor_id: root.id, details: '{"devices":2}' },
    ]);
    expect(refusal(await (await signedIn(app, ada)).users.devices(root.id))).toBe('forbidden');
  });

  it('the owner is told of a program once, and again when it is another one or comes from elsewhere', async () => {
    const ada = await signUp(app, newIp());
    const [home, away] = [newIp(), newIp()];
    for (let day = 0; day < 3; day++) {
      expect((await logIn(ada, home, 'backup/1.0')).status).toBe(200);
      expect(await noticesTo(ada)).toBe(1);
      app.clock.advance(DAY);
    }
    await logIn(ada, home, 'backup/1.0', 'wrong wrong wrong');
    await logIn(ada, away, 'other/1.0', 'wrong wrong wrong');
    expect(await noticesTo(ada)).toBe(1);
    await logIn(ada, away, 'backup/1.0');
    expect(await noticesTo(ada)).toBe(2);
    await logIn(ada, home, 'curl/8.5.0');
    expect(await noticesTo(ada)).toBe(3);
    for (const [from, agent] of [
      [home, 'backup/1.0'],
      [away, 'backup/1.0'],
      [home, 'curl/8.5.0'],
    ] as const)
      await logIn(ada, from, agent);
    expect(await noticesTo(ada)).toBe(3);
    // All addresses of one client range are one place.
    await logIn(ada, '2001:db8:33:1::1', 'backup/1.0');
    await logIn(ada, '2001:db8:33:1::2', 'backup/1.0');
    expect(await noticesTo(ada)).toBe(4);
  });

  it('programs are remembered in bounded number, and no number of sign-ins hides a new password', async () => {
    const ada = await signUp(app, newIp());
    for (let i = 0; i < 25; i++) await logIn(ada, newIp(), 'backup/1.0');
    const { me } = await signedIn(app, ada);
    const { devices } = given(await me.devices());
    expect(devices.filter(({ kind }) => kind === 'bearer')).toHaveLength(20);
    expect(devices.filter(({ kind }) => kind === 'cookie')).toHaveLength(1);
    expect(await noticesTo(ada)).toBe(10);
    given(await me.changePassword({ current_password: PASSWORD, new_password: 'another one altogether' }));
    const told = (await queuedEmails(app, database)).filter(
      ({ to, kind }) => to === ada.email && kind === 'password_changed',
    );
    expect(told).toHaveLength(1);
  });

  it('a program does not make a browser known', async () => {
    const ada = await signUp(app, newIp());
    await logIn(ada, newIp(), 'backup/1.0');
    const { me } = await signedIn(app, ada);
    const program = given(await me.devices()).devices.find(({ kind }) => kind === 'bearer');
    const { ask, device } = await browserOf(ada);
    expect((await ask('GET', '/v1/me/devices')).body.devices).toHaveLength(4);
    expect(device).not.toContain(program?.id);
  });

  it('have a name that their owner gives, which the sessions show and a new password keeps', async () => {
    const ada = await signUp(app, newIp());
    const { device, ask, session } = await browserOf(ada);
    const id = idOf(device);
    const name = async (body: object, path = `/v1/me/devices/${id}`) =>
      send(app, 'PATCH', path, body, {
        headers: { origin: app.url, cookie: `usher=${session}; ${device}` },
      });
    const named = await name({ name: '  Work   laptop ' });
    expect([named.status, named.body.device]).toEqual([
      200,
      expect.objectContaining({ id, name: 'Work laptop', current: true, user_agent: FIREFOX }),
    ]);
    const own = (await ask('GET', '/v1/me/sessions')).body.sessions.find((one: Reply['body']) => one.current);
    expect(own).toMatchObject({ device_id: id, name: 'Work laptop' });
    const page = (await ask('GET', '/dashboard/sessions')).text;
    expect(page).toContain('<strong><bdi>Work laptop</bdi></strong>');
    expect(page).toContain('Firefox on Linux · IP');

    const again = await name({ name: 'Kitchen' }, `/v1/me/sessions/${own.id}`);
    expect([again.status, again.body.session]).toEqual([
      200,
      expect.objectContaining({ id: own.id, name: 'Kitchen', current: true }),
    ]);
    expect(given(await (await signedIn(app, ada)).me.data()).devices.map((one) => one.name)).toContain(
      'Kitchen',
    );
    // A new password makes the browser another known device, which is the same for its user.
    const changed = await send(
      app,
      'PUT',
      '/v1/me/password',
      { current_password: PASSWORD, new_password: 'another one altogether' },
      { headers: { origin: app.url, cookie: `usher=${session}; ${device}` } },
    );
    const cookies = `${sessionOf(changed)}; ${deviceOf(changed)}`;
    const after = await send(app, 'GET', '/v1/me/sessions', undefined, { headers: { cookie: cookies } });
    expect(after.body.sessions).toMatchObject([{ name: 'Kitchen', device_id: idOf(deviceOf(changed)) }]);
    expect(after.body.sessions[0].device_id).not.toBe(id);
  });

  it('take no name that hides something, none of a device that is gone, and none from others', async () => {
    const [ada, bob] = [await signUp(app, newIp()), await signUp(app, newIp())];
    const { device } = await browserOf(ada);
    const id = idOf(device);
    const { me } = await signedIn(app, ada);
    const sessions = given(await me.sessions()).sessions;
    const from = sessions.find((one) => one.device_id === id)?.id ?? '';
    for (const [name, code] of [
      ['a\u202eb', 'device_name_invalid'],
      ['x'.repeat(65), 'device_name_too_long'],
    ] as const)
      expect((await me.nameDevice(id, { name })).error?.fields).toMatchObject([{ field: 'name', code }]);
    const others = await signedIn(app, bob);
    expect(refusal(await others.me.nameDevice(id, { name: 'Mine' }))).toBe('not_found');
    expect(refusal(await others.me.nameSession(from, { name: 'Mine' }))).toBe('not_found');
    expect(given(await me.nameDevice(id, { name: 'Home' })).device.name).toBe('Home');
    expect(given(await me.nameSession(from, { name: '' })).session.name).toBeNull();
    given(await me.removeDevice(id));
    expect(refusal(await me.nameDevice(id, { name: 'Home' }))).toBe('not_found');
    expect(refusal(await me.nameSession(from, { name: 'Home' }))).toBe('conflict');
    expect(given(await me.sessions()).sessions.find((one) => one.id === from)).toMatchObject({
      device_id: null,
      name: null,
    });
    // Otherwise a thief could call a stolen session what the owner calls theirs.
    app.clock.advance(6 * MINUTE);
    const [known] = given(await me.devices()).devices;
    expect(refusal(await me.nameDevice(known?.id ?? '', { name: 'Home' }))).toBe('reauthentication_required');
  });

  it('are named on their page, which says what is wrong with a name', async () => {
    const ada = await signUp(app, newIp());
    const { device, session, ask } = await browserOf(ada);
    const id = idOf(device);
    const form = (await ask('GET', `/dashboard/sessions?rename=${id}`)).text;
    expect(form).toContain('<h1>Rename device</h1>');
    expect(form).toContain(`name="rename" value="${id}"`);
    const wrong = { rename: id, name: 'x'.repeat(65) };
    const rejected = await submit(app, '/dashboard/sessions', wrong, { cookie: session });
    expect([rejected.status, rejected.text]).toEqual([
      400,
      expect.stringContaining('Use 64 characters or fewer.'),
    ]);
    const reply = await submit(app, '/dashboard/sessions', { rename: id, name: 'Desk' }, { cookie: session });
    expect([reply.status, reply.headers.get('location')]).toEqual([303, '/dashboard/sessions?done=renamed']);
    expect((await ask('GET', '/dashboard/sessions?done=renamed')).text).toContain(
      '<strong><bdi>Desk</bdi></strong>',
    );
    const gone = { rename: 'A'.repeat(22), name: 'Desk' };
    const missing = await submit(app, '/dashboard/sessions', gone, { cookie: session });
    expect(missing.headers.get('location')).toBe('/dashboard/sessions?done=unknown');
  });

  it('are signed out all others or all, each after a page that says so', async () => {
    const ada = await signUp(app, newIp());
    const { session, ask } = await browserOf(ada);
    const list = (await ask('GET', '/dashboard/sessions')).text;
    for (const [of, title, what] of [
      ['others', 'Sign out all other devices', 'You stay signed in on this device.'],
      ['everywhere', 'Sign out everywhere', 'including this device.'],
    ]) {
      expect(list).toContain(`href="/dashboard/sessions?confirm=${of}"`);
      const page = (await ask('GET', `/dashboard/sessions?confirm=${of}`)).text;
      expect(page).toContain(`<h1>${title}</h1>`);
      expect(page).toContain(what);
      expect(page).toContain(`name="${of}" value="end"`);
      // To open it changes nothing.
      expect((await ask('GET', '/v1/me/sessions')).body.sessions).toHaveLength(2);
    }
    const { me } = await signedIn(app, ada);
    const reply = await submit(app, '/dashboard/sessions', { everywhere: 'end' }, { cookie: session });
    expect([reply.status, reply.headers.get('location')]).toEqual([303, '/sign-in?done=signed-out']);
    expect(reply.headers.getSetCookie().join()).toMatch(/usher=;/);
    expect((await ask('GET', '/v1/me')).status).toBe(401);
    expect(refusal(await me.get())).not.toBeUndefined();
    expect(await eventsOf(ada, 'signed_out_everywhere')).toHaveLength(1);
  });
});
