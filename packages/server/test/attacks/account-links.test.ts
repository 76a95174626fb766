// What a person can do with a link that creates an account, without creating it.
import { describe, expect, it } from 'vitest';
import { OPERATOR } from '../../src/core/events.ts';
import { invite } from '../../src/flows/invitations/invite.ts';
import { newIdentifiers, PASSWORD } from '../support/app.ts';
import { lastEmail, tokenOf } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withCountedApp } from '../support/with-app.ts';

describe.each(databases)('links that create an account on $name', ({ create }) => {
  const { app, database } = withCountedApp(create, { signup: 'verified' });

  const tokenTo = async (email: string, kind: 'invitation' | 'sign_up') =>
    tokenOf((await lastEmail(app, database, email, kind)).link);
  const post = (path: string, body: object, from = newIp()) => app.call('POST', path, body, from);

  /** The two ways to such a link, each with the path that takes it. */
  const ways = {
    async invitation(names: { username: string; email: string }) {
      const { username, email } = names;
      await invite(app.context, { username, email, role: 'user' }, { actor: 'operator', client: OPERATOR });
      return { path: '/v1/accept-invitation', token: await tokenTo(email, 'invitation') };
    },
    async 'sign-up'({ username, email }: { username: string; email: string }) {
      expect((await post('/v1/signup', { username, email, password: PASSWORD })).status).toBe(202);
      return { path: '/v1/verify-email', token: await tokenTo(email, 'sign_up') };
    },
  };

  async function newUser(names = newIdentifiers()) {
    const { path, token } = await ways['sign-up'](names);
    expect((await post(path, { token, password: PASSWORD })).status).toBeLessThan(300);
    return names;
  }

  describe.each(['invitation', 'sign-up'] as const)('%s', (way) => {
    it('W63: hashes no password for a request that it rejects', async () => {
      const { username } = await newUser();
      const planned = newIdentifiers();
      const { path, token } = await ways[way](planned);
      app.work();
      expect(await post(path, { token, password: PASSWORD, username })).toMatchObject({ status: 409 });
      expect(app.work().hashes).toBe(0);
      await newUser({ ...newIdentifiers(), username: planned.username });
      app.work();
      expect(await post(path, { token, password: PASSWORD })).toMatchObject({ status: 409 });
      expect(app.work().hashes).toBe(0);
      const free = newIdentifiers().username;
      expect((await post(path, { token, password: PASSWORD, username: free })).status).toBeLessThan(300);
      expect(app.work().hashes).toBe(1);
    });

    it('W63: tells of thirty usernames an hour whether they are taken', async () => {
      const { username } = await newUser();
      const { path, token } = await ways[way](newIdentifiers());
      const from = newIp();
      const guess = async () => (await post(path, { token, password: PASSWORD, username }, from)).status;
      for (let i = 0; i < 30; i++) expect(await guess()).toBe(409);
      expect(await guess()).toBe(429);
    });
  });
});
