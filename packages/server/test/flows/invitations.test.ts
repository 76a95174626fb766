import { beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../../client/src/index.ts';
import { NEW_PASSWORD, newIdentifiers, PASSWORD, send, signUp } from '../support/app.ts';
import { clientOf, given, refusal, signedIn } from '../support/client.ts';
import { DAY, MINUTE } from '../support/clock.ts';
import { lastEmail, queuedEmails, tokenOf } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('invitations on $name', ({ create }) => {
  const { app, database, inside } = withApp(create);
  let root: Client;
  beforeAll(async () => {
    root = (await newAdmin()).client;
  });

  async function newAdmin() {
    const user = await signUp(app, newIp());
    await inside.promote(user.id);
    return { ...user, client: await signedIn(app, { email: user.email, password: PASSWORD }) };
  }
  /** What an invitation says of a new person. */
  const person = () => {
    const { username, email } = newIdentifiers();
    return { username, email };
  };
  const tokenTo = async (email: string): Promise<string> =>
    tokenOf((await lastEmail(app, database, email, 'invitation')).link);
  const accept = (token: string, more: { username?: string; password?: string } = {}) =>
    clientOf(app).acceptInvitation({ token, password: PASSWORD, ...more });
  const eventsOf = async (actorId: string) =>
    inside.db
      .selectFrom('events')
      .select(['name', 'user_id', 'details'])
      .where('actor_id', '=', actorId)
      .orderBy('id')
      .execute();
  const usersWith = async (email: string): Promise<number> =>
    (await inside.db.selectFrom('users').select('id').where('email_key', '=', email).execute()).length;

  it('lets a person in who chooses a password with the link, and nobody before', async () => {
    const admin = await newAdmin();
    const { username, email } = person();
    const { invitation } = given(
      await admin.client.users.invite({ username, email, display_name: 'Ada Lovelace', locale: 'de' }),
    );
    expect(invitation).toMatchObject({
      username,
      email,
      display_name: 'Ada Lovelace',
      locale: 'de',
      role: 'user',
      invited_by: admin.id,
    });
    expect(await usersWith(email)).toBe(0);
    expect(refusal(await clientOf(app).signIn({ email, password: PASSWORD }))).toBe('invalid_credentials');
    const mail = await lastEmail(app, database, email, 'invitation');
    expect(mail).toMatchObject({ username, days: '7', language: 'de' });
    expect(mail.link).toMatch(/\/invitation#token=[\w-]{43}$/);
    // The administrator never sees the link.
    expect(JSON.stringify(invitation)).not.toContain(tokenOf(mail.link));
    const { user } = given(await accept(tokenOf(mail.link), { password: NEW_PASSWORD }));
    expect(user).toMatchObject({
      username,
      email,
      display_name: 'Ada Lovelace',
      locale: 'de',
      email_verified: true,
      role: 'user',
      password_change_required: false,
    });
    given(await clientOf(app).signIn({ email, password: NEW_PASSWORD }));
    expect((await eventsOf(user.id)).map(({ name }) => name)).toContain('invitation_accepted');
    const events = await eventsOf(admin.id);
    expect(events.at(-1)).toMatchObject({ name: 'user_invited', user_id: null });
    expect(JSON.stringify(events)).not.toContain(username);
    expect(given(await root.users.invitations()).invitations.map(({ id }) => id)).not.toContain(
      invitation.id,
    );
  });

  it('makes an administrator of a person who is invited as one', async () => {
    const { username, email } = person();
    given(await root.users.invite({ username, email, role: 'admin' }));
    const { user } = given(await accept(await tokenTo(email)));
    expect(user.role).toBe('admin');
  });

  it('W60: works once, also when the link is used twice at the same time', async () => {
    const { username, email } = person();
    given(await root.users.invite({ username, email }));
    const token = await tokenTo(email);
    const results = await Promise.all([accept(token), accept(token), accept(token)]);
    expect(results.filter(({ data }) => data)).toHaveLength(1);
    for (const result of results.filter(({ error }) => error))
      expect(['invalid_link', 'user_exists']).toContain(refusal(result));
    expect(await usersWith(email)).toBe(1);
    expect(refusal(await accept(token, { username: person().username }))).toBe('invalid_link');
  });

  it('W60: does not work after seven days, after it was revoked, or once it was sent again', async () => {
    const admin = await newAdmin();
    const [late, revoked, resent] = [person(), person(), person()];
    given(await admin.client.users.invite(late));
    const { invitation } = given(await admin.client.users.invite(revoked));
    const first = given(await admin.client.users.invite(resent)).invitation;
    const tokens = [await tokenTo(revoked.email), await tokenTo(resent.email)];
    given(await admin.client.users.revokeInvitation(invitation.id));
    expect(refusal(await admin.client.users.revokeInvitation(invitation.id))).toBe('not_found');
    const second = given(await admin.client.users.resendInvitation(first.id)).invitation;
    expect(second).toMatchObject({ username: resent.username, email: resent.email });
    expect(second.id).not.toBe(first.id);
    expect(refusal(await admin.client.users.resendInvitation(first.id))).toBe('not_found');
    for (const token of tokens) expect(refusal(await accept(token))).toBe('invalid_link');
    given(await accept(await tokenTo(resent.email)));
    app.clock.advance(7 * DAY);
    expect(refusal(await accept(await tokenTo(late.email)))).toBe('invalid_link');
    expect((await eventsOf(admin.id)).map(({ name }) => name)).toContain('invitation_revoked');
    expect(await usersWith(revoked.email)).toBe(0);
    root = (await newAdmin()).client;
  });

  it('W61: ends with the access of the administrator who sent it', async () => {
    for (const change of [{ role: 'user' }, { disabled: true }] as const) {
      const thief = await newAdmin();
      const { username, email } = person();
      given(await thief.client.users.invite({ username, email, role: 'admin' }));
      const token = await tokenTo(email);
      given(await root.users.change(thief.id, change));
      expect(refusal(await accept(token))).toBe('invalid_link');
      expect(await usersWith(email)).toBe(0);
    }
    const thief = await newAdmin();
    const { username, email } = person();
    given(await thief.client.users.invite({ username, email, role: 'admin' }));
    const token = await tokenTo(email);
    given(await root.users.delete(thief.id));
    expect(refusal(await accept(token))).toBe('invalid_link');
  });

  it('is for administrators with a fresh sign-in', async () => {
    const user = await signUp(app, newIp());
    const client = await signedIn(app, { email: user.email, password: PASSWORD });
    for (const call of [
      client.users.invite(person()),
      client.users.invitations(),
      client.users.resendInvitation('x'.repeat(22)),
      client.users.revokeInvitation('x'.repeat(22)),
    ])
      expect(refusal(await call)).toBe('forbidden');
    const admin = await newAdmin();
    app.clock.advance(6 * MINUTE);
    expect(refusal(await admin.client.users.invite(person()))).toBe('reauthentication_required');
    root = (await newAdmin()).client;
  });

  it('W62: tells the administrator alone that an email or a username has an account', async () => {
    const { username, email } = await signUp(app, newIp());
    const sent = (await queuedEmails(app, database)).length;
    const both = await root.users.invite({ username, email });
    expect(both.error).toMatchObject({
      code: 'user_exists',
      fields: [{ field: 'username' }, { field: 'email' }],
    });
    expect((await root.users.invite({ username: '@', email: 'x', locale: '!' })).error).toMatchObject({
      code: 'signup_rejected',
      fields: [{ field: 'username' }, { field: 'email' }, { field: 'locale' }],
    });
    expect(await queuedEmails(app, database)).toHaveLength(sent);

    // Somebody signs up with the email before the invited person answers: the link is as invalid as any other.
    const { username: invited, email: taken } = person();
    given(await root.users.invite({ username: invited, email: taken }));
    const signedUp = await send(
      app,
      'POST',
      '/v1/signup',
      { username: person().username, email: taken, password: PASSWORD },
      { from: newIp() },
    );
    expect(signedUp.status).toBe(201);
    const stale = await accept(await tokenTo(taken));
    const guessed = await accept('x'.repeat(43));
    expect([stale.error?.code, stale.error?.message]).toEqual([guessed.error?.code, guessed.error?.message]);
    expect(refusal(guessed)).toBe('invalid_link');
  });

  it('lets the person choose another username when somebody has taken it', async () => {
    const { username, email } = person();
    given(await root.users.invite({ username, email }));
    await send(
      app,
      'POST',
      '/v1/signup',
      { username, email: person().email, password: PASSWORD },
      { from: newIp() },
    );
    const token = await tokenTo(email);
    expect((await accept(token)).error).toMatchObject({
      code: 'user_exists',
      fields: [{ field: 'username' }],
    });
    const other = person().username;
    expect(given(await accept(token, { username: other })).user.username).toBe(other);
  });

  it('uses nothing up when the password is weak or the link is only opened', async () => {
    const { username, email } = person();
    given(await root.users.invite({ username, email }));
    const token = await tokenTo(email);
    expect((await accept(token, { password: '1234' })).error).toMatchObject({
      fields: [{ field: 'password' }],
    });
    const opened = await submit(app, '/invitation', { link: `${app.url}/invitation#token=${token}` });
    expect(opened.status).toBe(200);
    expect(opened.text).toContain(email);
    given(await accept(token));
  });

  it('W60: is a link for nothing else, and links for something else accept nothing', async () => {
    const { username, email } = person();
    given(await root.users.invite({ username, email }));
    const token = await tokenTo(email);
    const client = clientOf(app);
    expect(refusal(await client.verifyEmail({ token, password: PASSWORD }))).toBe('invalid_link');
    expect(refusal(await client.resetPassword({ token, password: PASSWORD }))).toBe('invalid_link');
    expect(refusal(await client.restoreEmail({ token, password: PASSWORD }))).toBe('invalid_link');
    const user = await signUp(app, newIp());
    given(await client.sendMail({ email: user.email }));
    const reset = tokenOf((await lastEmail(app, database, user.email)).link);
    expect(refusal(await accept(reset))).toBe('invalid_link');
    given(await accept(token));
  });

  it('is sent to one email a few times an hour, and only the newest link works', async () => {
    const { username, email } = person();
    const tokens: string[] = [];
    let last: Awaited<ReturnType<Client['users']['invite']>> | undefined;
    for (let i = 0; i < 20 && !last?.error; i++) {
      last = await root.users.invite({ username, email });
      if (last.data) tokens.push(await tokenTo(email));
    }
    expect(last?.error).toMatchObject({ code: 'too_many_requests' });
    expect(tokens.length).toBeGreaterThan(1);
    expect(new Set(tokens).size).toBe(tokens.length);
    for (const token of tokens.slice(0, -1)) expect(refusal(await accept(token))).toBe('invalid_link');
    given(await accept(tokens.at(-1) ?? ''));
  });

  it('lists the open ones page by page', async () => {
    const all = new Set<string>();
    for (let i = 0; i < 5; i++) all.add(given(await root.users.invite(person())).invitation.id);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = given(await root.users.invitations({ limit: 2, ...(cursor ? { cursor } : {}) }));
      expect(page.invitations.length).toBeLessThanOrEqual(2);
      seen.push(...page.invitations.map(({ id }) => id));
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    expect(new Set(seen).size).toBe(seen.length);
    for (const id of all) expect(seen).toContain(id);
  });
});
