import { describe, expect, it } from 'vitest';
import { NEW_PASSWORD, PASSWORD, WRONG } from '../support/app.ts';
import { DAY } from '../support/clock.ts';
import { deviceOf } from '../support/cookies.ts';
import { lastEmail, queuedEmails, tokenOf } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withCountedApp } from '../support/with-app.ts';
import { type Answered, newAccount, URL_OF_ALL } from '../support/work.ts';

/** Wrong passwords from browsers that an account does not know, before it has to wait. */
const STRANGERS = 5;
/** Wrong passwords of one known browser, and of all of them together, until one is right. */
const OF_ONE = 10;
const OF_ALL = 100;
const MAX_DEVICES = 20;

type Account = Awaited<ReturnType<typeof newAccount>>;

describe.each(databases)('known devices on $name', ({ create }) => {
  const { app, database } = withCountedApp(create);

  const headersOf = (device: string) => ({ origin: URL_OF_ALL, ...(device && { cookie: device }) });
  const signIn = ({ username }: Account, device = '', password: string = PASSWORD): Promise<Answered> =>
    app.call('POST', '/v1/signin', { username, password }, newIp(), headersOf(device));
  const guess = (account: Account, device: string) => signIn(account, device, WRONG);
  /** Signs in from a browser that nobody knows. @returns Its device cookie. */
  async function newDevice(account: Account, password: string = PASSWORD): Promise<string> {
    return deviceOf(await signIn(account, '', password)) || expect.fail('no device cookie');
  }
  async function devicesFrom(account: Account, browsers: number): Promise<string[]> {
    const made = [];
    for (let i = 0; i < browsers; i++) made.push(await newDevice(account));
    return made;
  }
  /** How many guesses were compared. */
  async function compared({ id }: Account): Promise<number> {
    const rows = await app.context.db
      .selectFrom('events')
      .select('details')
      .where('name', '=', 'sign_in_failed')
      .where('user_id', '=', id)
      .execute();
    return rows.filter(({ details }) => JSON.parse(details).reason === 'wrong').length;
  }
  async function countsOf(account: Account, attempts: () => Promise<unknown>): Promise<number> {
    const before = await compared(account);
    await attempts();
    return (await compared(account)) - before;
  }
  /** Whether the account knows a browser: then strangers' guesses do not keep it out. */
  async function isKnown(account: Account, device: string, password: string = PASSWORD): Promise<boolean> {
    app.clock.advance(DAY);
    for (let i = 0; i < STRANGERS; i++) await guess(account, '');
    expect((await signIn(account, '', password)).status).toBe(401);
    const { status } = await signIn(account, device, password);
    app.clock.advance(DAY);
    return status === 200;
  }
  async function recover({ email }: Account): Promise<Answered> {
    await app.call('POST', '/v1/send-mail', { email }, newIp());
    const token = tokenOf((await lastEmail(app, database, email)).link);
    return app.call('POST', '/v1/reset-password', { token, password: NEW_PASSWORD }, newIp());
  }
  const rowsOf = ({ id }: Account) =>
    app.context.db.selectFrom('devices').select('id').where('user_id', '=', id).execute();
  async function emailsTo({ email }: Account, kind: string): Promise<number> {
    return (await queuedEmails(app, database)).filter(
      (message) => message.to === email && message.kind === kind,
    ).length;
  }

  it('B21: of sixty browsers that signed in before a new password, none is known 200 days later', async () => {
    const account = await newAccount(app);
    const devices = [deviceOf(account.reply), ...(await devicesFrom(account, 60))];
    expect(await rowsOf(account)).toHaveLength(MAX_DEVICES);
    expect((await recover(account)).status).toBe(200);
    app.clock.advance(200 * DAY);
    const guesses = await countsOf(account, async () => {
      for (const device of devices) for (let i = 0; i < OF_ONE; i++) await guess(account, device);
    });
    expect(guesses).toBe(STRANGERS);
  });

  it('B21: nor is one that a thief of the password made, and the owner’s own is', async () => {
    const account = await newAccount(app);
    const thief = await newDevice(account);
    expect(await isKnown(account, thief)).toBe(true);
    const owner = deviceOf(await recover(account));
    expect(await isKnown(account, thief, NEW_PASSWORD)).toBe(false);
    expect(await isKnown(account, owner, NEW_PASSWORD)).toBe(true);
  });

  it('B21: a change of the password keeps the browser that made it, with a new cookie, and no other', async () => {
    const account = await newAccount(app);
    const [other = ''] = await devicesFrom(account, 1);
    const signedIn = await signIn(account, deviceOf(account.reply));
    const session = signedIn.headers.getSetCookie().find((one) => one.startsWith('usher='));
    const changed = await app.call(
      'PUT',
      '/v1/me/password',
      { current_password: PASSWORD, new_password: NEW_PASSWORD },
      newIp(),
      { origin: URL_OF_ALL, cookie: `${session?.split(';')[0]}; ${deviceOf(signedIn)}` },
    );
    expect(changed.status).toBe(200);
    expect(deviceOf(changed)).not.toBe(deviceOf(signedIn));
    expect(await rowsOf(account)).toHaveLength(1);
    expect(await isKnown(account, other, NEW_PASSWORD)).toBe(false);
    expect(await isKnown(account, deviceOf(signedIn), NEW_PASSWORD)).toBe(false);
    expect(await isKnown(account, deviceOf(changed), NEW_PASSWORD)).toBe(true);
  });

  it('B21: all known browsers of an account together have a hundred guesses until one is right', async () => {
    const account = await newAccount(app);
    const devices = await devicesFrom(account, MAX_DEVICES - 1);
    const spend = async () => {
      // One less than makes a browser unknown.
      for (const device of devices) for (let i = 1; i < OF_ONE; i++) await guess(account, device);
    };
    expect(await countsOf(account, spend)).toBe(OF_ALL);
    app.clock.advance(30 * DAY);
    const [one = '', ...others] = devices.toReversed();
    const refused = async () => {
      for (let i = 0; i <= OF_ONE; i++) await guess(account, one);
    };
    expect(await countsOf(account, refused)).toBe(0);
    expect((await signIn(account, one)).status).toBe(401);
    expect(await emailsTo(account, 'device_trust_revoked')).toBe(0);
    // The right password from elsewhere ends it.
    expect((await signIn(account)).status).toBe(200);
    expect((await signIn(account, others[0])).status).toBe(200);
    expect(await countsOf(account, () => guess(account, one))).toBe(1);
  });

  it('B21: of more than twenty browsers the one that was used longest ago is not known', async () => {
    const account = await newAccount(app);
    const first = deviceOf(account.reply);
    app.clock.advance(1_000);
    const devices = await devicesFrom(account, MAX_DEVICES - 1);
    app.clock.advance(1_000);
    // Signing in again is no further browser.
    const again = await signIn(account, first);
    expect(deviceOf(again)).toBe(first);
    app.clock.advance(1_000);
    await newDevice(account);
    expect(await rowsOf(account)).toHaveLength(MAX_DEVICES);
    expect(await isKnown(account, first)).toBe(true);
    const known = await Promise.all(
      devices.map(async (device) => deviceOf(await signIn(account, device)) === device),
    );
    expect(known.filter((yes) => !yes)).not.toHaveLength(0);
  });

  it('B21: a browser is known for 90 days after its last sign-in', async () => {
    const account = await newAccount(app);
    const device = deviceOf(account.reply);
    app.clock.advance(90 * DAY - 1);
    const renewed = await signIn(account, device);
    expect(deviceOf(renewed)).toBe(device);
    expect(renewed.headers.getSetCookie().join()).toContain(`Max-Age=${(90 * DAY) / 1000}`);
    app.clock.advance(90 * DAY);
    expect(deviceOf(await signIn(account, device))).not.toBe(device);
    expect(await rowsOf(account)).toHaveLength(1);
  });

  it('B23: a stolen device cookie guesses ten times, and is worth nothing from then on; the owner is told', async () => {
    const account = await newAccount(app);
    const [stolen = '', own = ''] = await devicesFrom(account, 2);
    const ten = async () => {
      for (let i = 0; i < OF_ONE; i++) expect((await guess(account, stolen)).status).toBe(401);
    };
    expect(await emailsTo(account, 'device_trust_revoked')).toBe(0);
    expect(await countsOf(account, ten)).toBe(OF_ONE);
    expect(await emailsTo(account, 'device_trust_revoked')).toBe(1);
    const events = await app.context.db
      .selectFrom('events')
      .select('actor_id')
      .where('name', '=', 'device_trust_revoked')
      .where('user_id', '=', account.id)
      .execute();
    expect(events).toEqual([{ actor_id: null }]);
    app.clock.advance(DAY);
    // What it tries now, strangers try.
    expect(await countsOf(account, ten)).toBe(STRANGERS);
    expect(await isKnown(account, stolen)).toBe(false);
    expect(await isKnown(account, own)).toBe(true);
    expect(await emailsTo(account, 'device_trust_revoked')).toBe(1);
  });

  it('B23: nor do fifty of its guesses side by side bring more than ten', async () => {
    const account = await newAccount(app);
    const stolen = await newDevice(account);
    const guesses = await countsOf(account, () =>
      Promise.all(Array.from({ length: 50 }, () => guess(account, stolen))),
    );
    // Some found no place in the queue of passwords; those that came after the tenth was compared count as strangers'.
    expect(guesses).toBeGreaterThan(0);
    expect(guesses).toBeLessThanOrEqual(OF_ONE + STRANGERS);
    const rest = await countsOf(account, async () => {
      for (let i = 0; i < OF_ONE; i++) await guess(account, stolen);
    });
    expect(guesses + rest).toBeLessThanOrEqual(OF_ONE + STRANGERS);
    expect(await emailsTo(account, 'device_trust_revoked')).toBe(1);
  });

  it('B23: right passwords side by side from a known browser are never rejected as wrong, and it stays known', async () => {
    const account = await newAccount(app);
    const own = deviceOf(account.reply);
    for (let round = 0; round < 5; round++) {
      const replies = await Promise.all(Array.from({ length: 14 }, () => signIn(account, own)));
      const statuses = new Set(replies.map(({ status }) => status));
      expect(statuses).toContain(200);
      // Some find no place in the queue of passwords.
      expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    }
    expect(deviceOf(await signIn(account, own))).toBe(own);
    expect(await emailsTo(account, 'device_trust_revoked')).toBe(0);
  });

  it('X12: known browsers that guess and browsers that sign in side by side never wait for each other in a circle', async () => {
    const account = await newAccount(app);
    const devices = await devicesFrom(account, 3);
    app.work();
    await signIn(account, devices[0]);
    await signIn(account);
    // One row at a time, in the order in which attempts count.
    const deletions = app.work().statements.filter((one) => /^delete from "rate_limits"/.test(one));
    expect(deletions.length).toBeGreaterThan(4);
    for (const one of deletions) expect(one).toMatch(/where "key" = \S+ returning "key"$/);
    const statuses = new Set<number>();
    for (let round = 0; round < 8; round++) {
      const replies = await Promise.all(
        Array.from({ length: 24 }, (_, i) =>
          signIn(account, i % 3 ? devices[i % 3] : '', i % 4 ? PASSWORD : WRONG),
        ),
      );
      for (const { status } of replies) statuses.add(status);
    }
    expect([...statuses].filter((status) => ![200, 401, 503].includes(status))).toEqual([]);
  });

  it('who finds the password right within ten tries keeps the browser', async () => {
    const account = await newAccount(app);
    const own = deviceOf(account.reply);
    for (let day = 0; day < 5; day++) {
      for (let i = 1; i < OF_ONE; i++) await guess(account, own);
      expect(deviceOf(await signIn(account, own))).toBe(own);
    }
    expect(await emailsTo(account, 'device_trust_revoked')).toBe(0);
  });
});
