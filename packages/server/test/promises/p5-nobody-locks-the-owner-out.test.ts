import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { makeSetUpLink } from '../../src/app.ts';
import { NEW_PASSWORD, newIdentifiers, send, startApp, WRONG } from '../support/app.ts';
import { DAY, HOUR, MINUTE } from '../support/clock.ts';
import { deviceOf } from '../support/cookies.ts';
import { queuedEmails, tokenOf } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { secretOf, submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withCountedApp } from '../support/with-app.ts';
import { newAccount, startCounted, URL_OF_ALL } from '../support/work.ts';

describe.each(databases)('P5 on $name: nobody locks the owner out', ({ create }) => {
  const { app, database } = withCountedApp(create);

  type Names = ReturnType<typeof newIdentifiers>;
  /** What a browser sends that an answer has made known. */
  const knownBy = (reply: { headers: Headers }): Record<string, string> => ({
    cookie: deviceOf(reply) || expect.fail('no device cookie'),
    origin: URL_OF_ALL,
  });
  async function newOwner(): Promise<{ names: Names; browser: Record<string, string> }> {
    const { reply, id: _, ...names } = await newAccount(app);
    return { names, browser: knownBy(reply) };
  }
  const signIn = ({ email, password }: Pick<Names, 'email' | 'password'>, headers?: Record<string, string>) =>
    app.call('POST', '/v1/signin', { email, password }, newIp(), headers);
  const askForEmail = ({ email }: Names) => app.call('POST', '/v1/send-mail', { email }, newIp());
  const reset = (body: object) => app.call('POST', '/v1/reset-password', body, newIp());
  /** The emails that really go to somebody, oldest first. */
  const emailsTo = async ({ email }: Names) =>
    (await queuedEmails(app, database)).filter(({ to, kind }) => to === email && kind === 'reset_password');
  /** Everything that a stranger can use up, from as many addresses as there are tries. */
  async function attack({ email, username }: Names): Promise<void> {
    for (let i = 0; i < 8; i++) {
      await app.call('POST', '/v1/signin', { username, password: WRONG }, newIp());
      await app.call('POST', '/v1/login', { email, password: WRONG }, newIp());
    }
    for (let i = 0; i < 4; i++) await app.call('POST', '/v1/send-mail', { email }, newIp());
    for (let i = 0; i < 12; i++) await reset({ email, code: '000000', password: NEW_PASSWORD });
  }

  it('in two weeks of guessing day after day, who comes from a browser of their own is in at the first try', async () => {
    const { names, browser } = await newOwner();
    for (let day = 0; day < 14; day++) {
      await attack(names);
      expect([day, (await signIn(names)).status]).toEqual([day, 401]);
      expect([day, (await signIn(names, browser)).status]).toEqual([day, 200]);
      app.clock.advance(DAY);
    }
  });

  it('so is the first administrator, in the browser that used the set-up link', async () => {
    const empty = await create();
    const first = await startApp(empty);
    const { secret, clock } = first;
    const twin = await startCounted(empty, { secret, clock, publicUrl: first.url });
    const token = secretOf((await makeSetUpLink(twin.context)) ?? expect.fail('no link'));
    const { username, email, password } = newIdentifiers();
    const made = await submit(first, '/setup', { token, username, email, password });
    expect(made.status).toBe(201);
    for (let i = 0; i < 8; i++)
      await send(first, 'POST', '/v1/signin', { username, password: WRONG }, { from: newIp() });
    const signInFrom = (headers: Record<string, string>) =>
      send(first, 'POST', '/v1/signin', { username, password }, { from: newIp(), headers });
    expect((await signInFrom({})).status).toBe(401);
    expect((await signInFrom({ cookie: deviceOf(made), origin: first.url })).status).toBe(200);
    await twin.stop();
    await first.stop();
    await empty.remove();
  });

  it('the owner’s own mistakes there are ten in a row, and no stranger’s cookie takes one of them', async () => {
    const { names, browser } = await newOwner();
    const stranger = await newOwner();
    for (let i = 0; i < 20; i++) await signIn({ ...names, password: WRONG }, stranger.browser);
    for (let i = 0; i < 9; i++) await signIn({ ...names, password: WRONG }, browser);
    expect((await signIn(names, browser)).status).toBe(200);
    for (let i = 0; i < 10; i++) await signIn({ ...names, password: WRONG }, browser);
    // From then on the browser is one like any other, until it has signed in again.
    await attack(names);
    expect((await signIn(names, browser)).status).toBe(401);
    app.clock.advance(DAY);
    const again = await signIn(names, browser);
    expect(again.status).toBe(200);
    await attack(names);
    expect((await signIn(names, knownBy(again))).status).toBe(200);
  });

  it('anywhere else it is one email, at any moment of the attack', async () => {
    const { names } = await newOwner();
    for (let round = 0; round < 6; round++) {
      await attack(names);
      // Whether the owner’s own email went out or a stranger took the last of this hour: there is one with a link.
      await askForEmail(names);
      const message = (await emailsTo(names)).at(-1);
      const reply = await reset({
        token: tokenOf(message?.values.link),
        password: `${NEW_PASSWORD} ${round}`,
      });
      expect([round, reply.status]).toEqual([round, 200]);
      names.password = `${NEW_PASSWORD} ${round}`;
      // From then on this browser is known, and what goes on does not concern it.
      const browser = knownBy(reply);
      await attack(names);
      expect([round, (await signIn(names, browser)).status]).toEqual([round, 200]);
      app.clock.advance(HOUR);
    }
  });

  it('also after a hundred wrong passwords in all, and thirty wrong codes', async () => {
    const { names } = await newOwner();
    for (let i = 0; i < 130; i++) {
      await signIn({ ...names, password: WRONG });
      app.clock.advance(HOUR);
    }
    // Now the mailbox has to be proven: the right password alone is not looked at.
    expect((await signIn(names)).status).toBe(401);
    for (let day = 0; day < 4; day++) {
      app.clock.advance(DAY);
      for (let i = 0; i < 10; i++) {
        if (i % 5 === 0) await askForEmail(names);
        await reset({ email: names.email, code: '000000', password: NEW_PASSWORD });
      }
    }
    const { code, link } = (await emailsTo(names)).at(-1)?.values ?? {};
    expect((await reset({ email: names.email, code, password: NEW_PASSWORD })).body.code).toBe(
      'invalid_code',
    );
    const proven = await reset({ token: tokenOf(link), password: NEW_PASSWORD });
    expect(proven.status).toBe(200);
    expect((await signIn({ ...names, password: NEW_PASSWORD })).status).toBe(200);
  });

  it('W34: an email that a stranger asks for at every full hour keeps nobody out, neither there nor elsewhere', async () => {
    const { names, browser } = await newOwner();
    const { email } = names;
    const ask = (headers: Record<string, string> = {}) =>
      app.call('POST', '/v1/send-mail', { email }, newIp(), headers);
    const linksTo = async () => (await emailsTo(names)).map(({ values }) => values['link'] ?? '');
    /** What the page of a link says of it, which uses nothing up. */
    const opens = async (link: string) =>
      (await app.call('GET', link.slice(URL_OF_ALL.length), undefined, newIp())).status;
    /** The links of the emails that the known browser asked for. */
    const asked = new Set<string>();
    for (let hour = 0; hour < 24; hour++) {
      // All that there is of this hour, from as many address ranges.
      for (let i = 0; i < 8; i++) expect((await ask()).status).toBe(202);
      for (let i = 0; i < 4; i++)
        await app.call(
          'POST',
          '/v1/reset-password',
          { email, code: '000000', password: NEW_PASSWORD },
          newIp(),
        );
      app.clock.advance(15 * MINUTE);
      for (const minute of [15, 25, 35, 45]) {
        // Elsewhere: whether this one goes out or a stranger's was the last of the window, a link that works is there.
        expect((await ask()).status).toBe(202);
        const links = await linksTo();
        const others = links.filter((link) => !asked.has(link)).slice(-6);
        expect([hour, minute, await Promise.all(others.map(opens))]).toEqual([
          hour,
          minute,
          expect.arrayContaining([200]),
        ]);

        expect((await ask(browser)).status).toBe(202);
        const [mine = '', ...more] = (await linksTo()).filter((link) => !links.includes(link));
        expect([hour, minute, more, await opens(mine)]).toEqual([hour, minute, [], 200]);
        asked.add(mine);
        app.clock.advance((minute === 45 ? 15 : 10) * MINUTE);
      }
    }
    const last = (await linksTo()).at(-1);
    expect((await reset({ token: tokenOf(last), password: NEW_PASSWORD })).status).toBe(200);
  }, 120_000);

  it('W34: nor do a full outbox and neighbors who have used up what their IP range may ask for', async () => {
    const { names, browser } = await newOwner();
    const from = newIp();
    const ask = (headers: Record<string, string> = {}) =>
      app.call('POST', '/v1/send-mail', { email: names.email }, from, headers);
    for (let i = 0; i < 10; i++)
      await app.call('POST', '/v1/send-mail', { email: newIdentifiers().email }, from);
    expect((await ask()).status).toBe(429);
    expect((await ask(browser)).status).toBe(202);
    const stranger = await newOwner();
    expect((await ask(stranger.browser)).status).toBe(429);

    app.clock.advance(HOUR);
    const { db } = app.context;
    const later = app.clock.now() + HOUR;
    const waiting = Array.from({ length: 10_001 }, (_, i) => `waiting${i}`);
    for (let i = 0; i < waiting.length; i += 500)
      await db
        .insertInto('emails')
        .values(
          waiting.slice(i, i + 500).map((id) => ({
            id,
            kind: 'reset_password',
            user_id: null,
            content_encrypted: null,
            created_at: later,
            expires_at: later + DAY,
            due_at: later,
            attempts: 0,
            attempts_before_retry: 0,
            ended_at: null,
            status: null,
            smtp_reply: null,
            smtp_reply_text_encrypted: null,
          })),
        )
        .execute();
    expect((await ask()).status).toBe(503);
    expect((await ask(browser)).status).toBe(202);
    expect(await emailsTo(names)).toHaveLength(2);
    await db.deleteFrom('emails').where('created_at', '=', later).execute();
  });

  it('B17: nor is anybody’s mailbox filled: six recovery emails an hour, whoever asks and however often', async () => {
    const { names } = await newOwner();
    for (let i = 0; i < 100; i++) {
      expect((await askForEmail(names)).status).toBe(202);
      app.clock.advance(HOUR / 100);
    }
    const { rows } = await sql<{ details: string }>`
      SELECT details FROM events WHERE name = 'password_reset_requested' AND user_id =
        (SELECT id FROM users WHERE email = ${names.email})`.execute(app.context.db);
    const emailed = rows.filter(({ details }) => JSON.parse(details).emailed);
    expect([rows.length, emailed.length]).toEqual([100, 6]);
    // Three of them from one address range.
    app.clock.advance(HOUR);
    const one = newIp();
    for (let i = 0; i < 6; i++) await app.call('POST', '/v1/send-mail', { email: names.email }, one);
    const sent = (await emailsTo(names)).length;
    expect(sent).toBe(6 + 3);
    // And from one address range no more than ten, to whomever.
    const from = newIp();
    const statuses = [];
    for (let i = 0; i < 30; i++)
      statuses.push(
        (await app.call('POST', '/v1/send-mail', { email: newIdentifiers().email }, from)).status,
      );
    expect(statuses.filter((status) => status === 202)).toHaveLength(10);
    app.clock.advance(59 * MINUTE);
    expect((await app.call('POST', '/v1/send-mail', { email: names.email }, from)).status).toBe(429);
  });
});
