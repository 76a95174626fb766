import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import type { Client } from '../../../client/src/index.ts';
import { rateLimits } from '../../src/core/rate-limits.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { clientOf, given, refusal } from '../support/client.ts';
import { testClock } from '../support/clock.ts';
import { lastEmail, queuedEmails, tokenOf } from '../support/emails.ts';
import { databases } from '../support/postgres.ts';
import { type Ended, run, withPlace, wordsOf } from './program.ts';

const PASSWORD = 'correct horse battery staple';
const GENERATED = /^([a-z2-9]{4}-){4}[a-z2-9]{4}$/;

describe.each(databases)('$name', (kind) => {
  const place = withPlace(kind);
  let app: TestApp | undefined;
  afterEach(async () => {
    await app?.stop();
    app = undefined;
  });

  const user = (line: string, input?: string): Promise<Ended> =>
    place.usher(['user', ...line.split(' ')], input === undefined ? {} : { input });
  async function succeed(line: string, input?: string): Promise<Ended> {
    const ended = await user(line, input);
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    return ended;
  }
  async function refuse(line: string, sentence: string, input?: string): Promise<void> {
    const { code, stdout, stderr } = await user(line, input);
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: `usher: ${sentence}\n` });
  }
  /** Adds a user with the password above. */
  const add = (name: string, more = '') =>
    succeed(`add --username ${name} --email ${name}@example.org --password-stdin${more}`, `${PASSWORD}\n`);
  async function serve(): Promise<TestApp> {
    // With the parameters that commands hash with: other hashes would be those of another program.
    const hashing = { niceness: 0 };
    const settings = { secret: place.secret, clock: testClock(systemClock.now()), hashing };
    app = await startApp(place.database, settings);
    return app;
  }
  const signIn = (app: TestApp, username: string, password = PASSWORD) =>
    clientOf(app).signIn({ username, password });
  /** The events about users, oldest first: name, and who did it. */
  async function events(): Promise<string[]> {
    const database = await openDatabase(place.database.url);
    const rows = await database.db
      .selectFrom('events')
      .select(['name', 'actor_id'])
      .where('user_id', 'is not', null)
      .orderBy('id')
      .execute();
    await database.close();
    return rows.map(({ name, actor_id }) => `${name} by ${actor_id}`);
  }
  async function isSetUp(): Promise<boolean> {
    const database = await openDatabase(place.database.url);
    const row = await database.db
      .selectFrom('installation')
      .select('setup_completed_at')
      .executeTakeFirstOrThrow();
    await database.close();
    return row.setup_completed_at !== null;
  }
  const show = async (name: string) => JSON.parse((await succeed(`show ${name} --json`)).stdout);
  /** A user as stored: role, and whether they are disabled. */
  async function stored(username: string): Promise<string[] | undefined> {
    const database = await openDatabase(place.database.url);
    const query = database.db.selectFrom('users').selectAll().where('username', '=', username);
    const row = await query.executeTakeFirst();
    await database.close();
    return (
      row && [row.admin_since === null ? 'user' : 'admin', row.disabled_at === null ? 'enabled' : 'disabled']
    );
  }

  it('adds a user with the password of standard input, who can then sign in', async () => {
    const { stdout, stderr } = await add('ada', ' --json');
    expect(JSON.parse(stdout)).toMatchObject({
      user: {
        id: expect.any(String),
        username: 'ada',
        email: 'ada@example.org',
        email_verified: false,
        role: 'user',
        disabled: false,
        created_at: expect.any(String),
        password_change_required: true,
      },
    });
    expect(stdout + stderr).not.toContain(PASSWORD);
    expect(await events()).toEqual(['user_created by operator']);
    expect(await isSetUp()).toBe(false);
    const running = await serve();
    expect(given(await signIn(running, 'ada')).user).toMatchObject({ username: 'ada', role: 'user' });
  });

  it('generates a password where none is given, and prints it once', async () => {
    const { stdout, stderr } = await succeed('add --username ada --email Ada@Example.org --admin');
    const members = Object.fromEntries(wordsOf(stdout));
    expect(members).toMatchObject({
      username: 'ada',
      email: 'ada@example.org',
      role: 'admin',
      status: 'enabled',
    });
    expect(members.password).toMatch(GENERATED);
    expect(stderr).toContain('Save the password now');
    expect(stderr).not.toContain(members.password);
    expect(await isSetUp()).toBe(true);
    given(await signIn(await serve(), 'ada', members.password));
  });

  it('holds a new user to the rules of sign-up', async () => {
    await add('ada');
    const other = (name: string, email: string) => `add --username ${name} --email ${email} --password-stdin`;
    await refuse(
      other('grace', 'grace@example.org'),
      'password: Use at least 8 characters (you have 5).',
      'short',
    );
    await refuse(
      other('grace', 'grace@example.org'),
      'password: This password is too common. Choose one that’s harder to guess.',
      'password123',
    );
    await refuse(other('Ada', 'grace@example.org'), 'username: This username is taken.', PASSWORD);
    await refuse(
      other('grace', 'ADA@example.org'),
      'email: An account with this email already exists.',
      PASSWORD,
    );
    await refuse(other('grace', 'grace'), 'email: Enter a valid email, like name@example.com.', PASSWORD);
    expect(await events()).toEqual(['user_created by operator']);
  });

  it('lists users by page, search and state', async () => {
    await place.usher(['db', 'seed']);
    await succeed('disable grace');
    const list = async (line: string) => {
      const { stdout } = await succeed(`list --json ${line}`);
      const { users, next_cursor } = JSON.parse(stdout);
      return { names: users.map((one: { username: string }) => one.username), next: next_cursor };
    };
    const all = ['ada', 'grace', 'alan', 'barbara', 'edsger', 'frances'];
    expect(await list('--limit 6')).toEqual({ names: all, next: null });
    const first = await list('--limit 4');
    expect(first.names).toEqual(all.slice(0, 4));
    expect(await list(`--limit 4 --cursor ${first.next}`)).toEqual({ names: all.slice(4), next: null });
    expect((await list('--admins')).names).toEqual(['ada']);
    expect((await list('--disabled')).names).toEqual(['grace']);
    expect((await list('--search A')).names).toEqual(['ada', 'alan']);

    const table = await succeed('list --limit 2');
    const [titles, , grace] = wordsOf(table.stdout);
    for (const title of ['USERNAME', 'EMAIL', 'ROLE', 'STATUS', 'CREATED (UTC)', 'ID'])
      expect(titles).toContain(title);
    for (const cell of ['grace', 'grace@example.org', 'user', 'disabled']) expect(grace).toContain(cell);
    expect(table.stderr).toContain('More results: --cursor ');
    const none = await succeed('list --search nobody');
    expect(none).toMatchObject({ stdout: '', stderr: 'No users found.\n' });
  });

  it('finds a user by username, email and id, and says when there is none', async () => {
    await add('Ada');
    const { user: ada } = await show('aDA');
    expect(await show('ADA@example.org')).toMatchObject({ user: ada });
    expect(await show(ada.id.toUpperCase())).toMatchObject({ user: ada });
    for (const name of ['ad', 'ada@example.com', '01a1fc37-1ed6-70f1-90cf-b7780d998d5e'])
      await refuse(`show ${name}`, `No user named ${name}.`);
    for (const word of ['promote', 'logout', 'reset-password'])
      await refuse(`${word} grace`, 'No user named grace.');
    await refuse('delete grace --yes', 'No user named grace.');
    const coloured = await place.usher(['user', 'show', '\u001b[31mada']);
    expect(coloured.stderr).toBe('usher: No user named \u{fffd}[31mada.\n');
  });

  it('takes an id for what it is, also when someone goes by it', async () => {
    await add('ada');
    const { user: ada } = await show('ada');
    await succeed(`add --username ${ada.id} --email eve@example.org`);
    expect((await show(ada.id)).user.username).toBe('ada');
    await succeed(`delete ${ada.id} --yes`);
    expect((await show('eve@example.org')).user.username).toBe(ada.id);
  });

  it('promotes, demotes, disables and enables, and records who did it', async () => {
    await add('ada', ' --admin');
    await add('grace');
    expect((await succeed('promote grace')).stderr).toBe('grace is now an administrator.\n');
    expect((await succeed('promote grace')).stderr).toBe('grace is already an administrator.\n');
    expect((await succeed('demote grace@example.org')).stderr).toBe('grace is no longer an administrator.\n');
    const notices = await queuedEmails(place, place.database);
    expect(notices.map(({ kind, to }) => `${kind} to ${to}`)).toEqual([
      'admin_role_granted to grace@example.org',
      'admin_role_removed to grace@example.org',
    ]);
    expect((await succeed('disable grace')).stderr).toContain('grace has been disabled');
    expect(await stored('grace')).toEqual(['user', 'disabled']);
    expect((await succeed('enable grace')).stderr).toBe('grace has been enabled.\n');
    expect(await stored('grace')).toEqual(['user', 'enabled']);
    expect(await events()).toEqual(
      ['created', 'created', 'promoted', 'demoted', 'disabled', 'enabled'].map(
        (what) => `user_${what} by operator`,
      ),
    );
  });

  it('never takes the last administrator away', async () => {
    await add('ada', ' --admin');
    await add('grace', ' --admin');
    await succeed('disable grace');
    const before = await events();
    for (const line of ['demote ada', 'disable ada', 'delete ada --yes'])
      await refuse(line, 'This is the only active administrator. Make another user an administrator first.');
    expect(await stored('ada')).toEqual(['admin', 'enabled']);
    expect(await events()).toEqual(before);
  });

  it('marks the set-up as done when there is an administrator who can sign in, not before', async () => {
    await add('ada');
    await succeed('disable ada');
    await succeed('promote ada');
    expect(await isSetUp()).toBe(false);
    await succeed('enable ada');
    expect(await isSetUp()).toBe(true);
  });

  it('deletes a user, but asks first', async () => {
    await add('ada');
    const asked = await user('delete ada', 'ada\n');
    expect(asked).toMatchObject({ code: 2, stdout: '' });
    expect(asked.stderr).toContain('--yes');
    expect(await stored('ada')).toBeDefined();
    const deleted = await succeed('delete ada --yes');
    expect(deleted).toMatchObject({ stdout: '', stderr: 'Deleted ada (ada@example.org).\n' });
    expect(await stored('ada')).toBeUndefined();
    expect(await events()).toEqual(['user_created by operator', 'user_deleted by operator']);
  });

  /** A program that a user has signed in to. */
  async function program(app: TestApp, username: string): Promise<Client> {
    const client = clientOf(app);
    given(await client.signIn({ username, password: PASSWORD }));
    return client;
  }
  /** Why each of them is refused now; undefined for one that is not. */
  const refusals = (programs: Client[]) =>
    Promise.all(programs.map(async ({ me }) => refusal(await me.get())));

  it('resets a password, which ends all sessions of a running server, and no one else’s', async () => {
    await add('ada');
    await add('grace');
    const running = await serve();
    const programs = [
      await program(running, 'ada'),
      await program(running, 'ada'),
      await program(running, 'grace'),
    ];
    expect(await refusals(programs)).toEqual([undefined, undefined, undefined]);
    expect((await show('ada')).sessions).toHaveLength(2);

    const reset = await succeed('reset-password ada');
    expect(reset.stdout.trim()).toMatch(GENERATED);
    expect(reset.stderr).toContain('reset; 2 sessions ended.');
    expect(await refusals(programs)).toEqual(['invalid_token', 'invalid_token', undefined]);
    expect(refusal(await signIn(running, 'ada'))).toBe('invalid_credentials');
    given(await signIn(running, 'ada', reset.stdout.trim()));
    expect(await events()).toContain('password_changed by operator');
  });

  it('shows the devices that a user signed in from, and removes them', async () => {
    await add('ada');
    const running = await serve();
    const signedIn = [await program(running, 'ada')];
    expect((await show('ada')).devices).toEqual([
      {
        id: expect.stringMatching(/^[\w-]{22}$/),
        kind: 'bearer',
        created_at: expect.any(String),
        last_used_at: expect.any(String),
        ip: expect.any(String),
        user_agent: expect.any(String),
        name: null,
      },
    ]);
    expect((await succeed('show ada')).stdout).toContain('KNOWN DEVICE');
    const removed = await succeed('remove-devices ada');
    expect(removed.stderr).toBe('Removed 1 known device of ada.\n');
    expect((await show('ada')).devices).toEqual([]);
    expect(await events()).toContain('device_removed by operator');
    expect(await refusals(signedIn)).toEqual([undefined]);
  });

  it('takes a password from standard input if it is good enough', async () => {
    await add('ada');
    const running = await serve();
    const programs = [await program(running, 'ada')];
    const line = 'reset-password ada --password-stdin';
    await refuse(line, 'password: Use at least 8 characters (you have 5).', 'short\n');
    await refuse(
      line,
      'password: Don’t base your password on your name, your email or this service’s name.',
      'ada@example.org1',
    );
    expect(await refusals(programs)).toEqual([undefined]);
    const reset = await succeed(`${line} --json`, 'another horse, another battery\r\n');
    expect(JSON.parse(reset.stdout)).toEqual({ user: expect.anything(), sessions_ended: 1 });
    expect(reset.stdout + reset.stderr).not.toContain('another horse');
    expect(await refusals(programs)).toEqual(['invalid_token']);
    given(await signIn(running, 'ada', 'another horse, another battery'));
  });

  it('lets an owner in at once whom wrong guesses had locked out', async () => {
    await add('ada');
    const running = await serve();
    const owner = clientOf(running);
    for (let i = 0; i < 6; i++) await owner.signIn({ username: 'ada', password: `wrong ${i}` });
    expect(refusal(await owner.signIn({ username: 'ada', password: PASSWORD }))).toBe('invalid_credentials');
    const reset = await succeed('reset-password ada');
    given(await owner.signIn({ username: 'ada', password: reset.stdout.trim() }));
  });

  it('eemails a user what they need to choose a new password, and says when it does not', async () => {
    await add('ada');
    await serve();
    const { stdout, stderr } = await succeed('send-mail ada');
    expect({ stdout, stderr }).toEqual({
      stdout: '',
      stderr: 'Queued a password reset email to ada@example.org. A running server sends it within seconds.\n',
    });
    const { code = '' } = await lastEmail({ secret: place.secret }, place.database, 'ada@example.org');
    expect(code).toMatch(/^\d{6}$/);
    expect((await events()).at(-1)).toBe('password_reset_requested by operator');
    await succeed('send-mail ada@example.org');
    for (let sent = 2; sent < rateLimits.recovery_emails_per_recipient.max; sent++)
      await succeed('send-mail ada');
    const rejected = await user('send-mail ada');
    expect({ code: rejected.code, stdout: rejected.stdout }).toEqual({ code: 1, stdout: '' });
    expect(rejected.stderr).toContain(
      'The hourly limit for emails to this address has been reached. Try again in ',
    );
    await succeed('disable ada');
    await refuse('send-mail ada', 'This user is disabled. Enable the user before sending a password reset.');
    await refuse('send-mail grace', 'No user named grace.');
  });

  it('invites a person, sends it again and revokes it', async () => {
    const { invitation } = JSON.parse(
      (await succeed('invite --username ada --email Ada@Example.org --admin --locale de --json')).stdout,
    );
    expect(invitation).toMatchObject({ email: 'ada@example.org', role: 'admin', invited_by: null });
    await succeed('resend-invitation Ada@Example.org');
    await refuse(
      'revoke-invitation nobody@example.org',
      'Invitation not found. It may have been accepted or revoked, or have expired.',
    );
    const running = await serve();
    const { link = '' } = await lastEmail(running, place.database, 'ada@example.org', 'invitation');
    const accepted = await clientOf(running).acceptInvitation({ token: tokenOf(link), password: PASSWORD });
    expect(given(accepted).user).toMatchObject({ username: 'ada', role: 'admin', locale: 'de' });
    // As `usher user add --admin` does.
    expect(await isSetUp()).toBe(true);
    await refuse('invite --username ada --email other@example.org', 'username: This username is taken.');
    await succeed('invite --username eve --email eve@example.org');
    const { invitations } = JSON.parse((await succeed('invitations --json')).stdout);
    expect(invitations).toMatchObject([{ username: 'eve', role: 'user' }]);
    await succeed('revoke-invitation eve@example.org');
    expect((await succeed('invitations')).stderr).toContain('No open invitations.');
  });

  it('signs a user out everywhere', async () => {
    await add('ada');
    const running = await serve();
    const programs = [await program(running, 'ada')];
    expect((await succeed('logout ada')).stderr).toBe('Signed ada out everywhere (1 session ended).\n');
    expect(await refusals(programs)).toEqual(['invalid_token']);
    given(await signIn(running, 'ada'));
    expect(await events()).toContain('signed_out_everywhere by operator');
  });
});

it('never asks where nobody can answer', async () => {
  const folder = mkdtempSync(join(inject('folder'), 'cli-'));
  await run(folder, {}, ['db', 'create']);
  for (const line of ['add', 'add --username ada', 'add --email ada@example.org --admin']) {
    const args = ['user', ...line.split(' ')];
    const { code, stdout, stderr } = await run(folder, {}, args, 'ada\nada@example.org\n');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('--username and --email');
  }
  const add = ['user', 'add', '--username', 'ada', '--email', 'ada@example.org', '--password-stdin'];
  for (const input of ['', '\n', `${PASSWORD}\n${PASSWORD}\n`, 'long '.repeat(4_000)]) {
    const { code, stdout } = await run(folder, {}, add, input);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  }
  const { stdout } = await run(folder, {}, ['user', 'list', '--json']);
  expect(JSON.parse(stdout).users).toEqual([]);
});
