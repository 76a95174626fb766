import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readImportedHash } from '../../src/core/passwords/imported.ts';
import { exportUsers } from '../../src/flows/export/users.ts';
import { columnFinder } from '../../src/flows/import/columns.ts';
import { readMoment, readRow } from '../../src/flows/import/row.ts';
import { type RowOutcome, type SourceRow, userImporter } from '../../src/flows/import/users.ts';
import { responseFloorLearner } from '../../src/jobs/learn-response-floor.ts';
import { readHash } from '../../src/platform/hashes/families.ts';
import { costOf } from '../../src/platform/hashes/recipe.ts';
import { hashVectors, type Vector } from '../platform/hash-vectors.ts';
import { newIdentifiers, PASSWORD, send, startApp } from '../support/app.ts';
import { clientOf, given, refusal } from '../support/client.ts';
import { type Inside, newIp, openInside } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

/** Of the password `abc`, with a cost of 10; and of a long sentence. */
const BCRYPT = '$2a$10$WvvTPHKwdBJ3uk0Z37EMR.hLA2W6N9AEBhEgrAOljy2Ae5MtaSIUi';
const RULES = { columns: columnFinder(), admins: false, resetRejected: false, dryRun: false };

/** Of each family the one that costs least of those that are taken, and that a person could have typed. */
const cheapest = [
  ...new Map(
    hashVectors
      .filter(({ password, hash }) => password !== '' && readImportedHash(hash).ok)
      .sort((a, b) => unitsOf(b) - unitsOf(a))
      .map((vector): [string, Vector] => [vector.family, vector]),
  ).values(),
];

function unitsOf({ hash }: Vector): number {
  const read = readHash(hash);
  return read ? costOf(read.recipe).units : 0;
}

describe.each(databases)('import on $name', ({ name, create }) => {
  const { app, inside } = withApp(create, { hashing: {} });

  const importer = (rules: Partial<Parameters<typeof userImporter>[1]> = {}) =>
    userImporter({ db: inside.db, clock: app.clock }, { ...RULES, ...rules });
  let line = 0;
  const row = (cells: Record<string, string>): SourceRow => ({
    line: ++line,
    cells: new Map(Object.entries(cells)),
  });
  /** A row of somebody new. */
  const someone = (more: Record<string, string> = {}) => {
    const { username, email } = newIdentifiers();
    return row({ username, email, password_hash: BCRYPT, ...more });
  };
  const emailOf = (source: SourceRow) => source.cells?.get('email') ?? '';
  const stored = (email: string) =>
    inside.db.selectFrom('users').selectAll().where('email_key', '=', email).executeTakeFirst();
  const eventsOf = async (userId: string) =>
    inside.db.selectFrom('events').selectAll().where('user_id', '=', userId).orderBy('id').execute();
  const signIn = (email: string, password: string) => clientOf(app).signIn({ email, password });

  // What a hash is has nothing to do with the database: on the second a few show that.
  it.each(name === 'SQLite' ? cheapest : cheapest.slice(-3))(
    '$family: verifies as it is, and is replaced by argon2id at the first sign-in',
    async (vector) => {
      const source = someone({ password_hash: vector.hash });
      const email = emailOf(source);
      expect(await importer().add([source])).toMatchObject([{ status: 'imported', family: vector.family }]);
      const before = await stored(email);
      expect(before?.password_hash).toBe(vector.hash);
      const wrong = await signIn(email, `${vector.password.slice(0, 40)}x`);
      expect(refusal(wrong)).toBe('invalid_credentials');
      expect((await stored(email))?.password_hash).toBe(vector.hash);

      given(await signIn(email, vector.password));
      const after = await stored(email);
      const isDearer = vector.family === 'django-argon2'; // than ours, and argon2id already
      expect(after?.password_hash).toMatch(isDearer ? vector.hash : /^\$argon2id\$v=19\$m=32768,t=3,p=1\$/);
      expect(after?.password_changed_at).toBe(before?.password_changed_at);
      const [event] = await eventsOf(after?.id ?? '');
      expect(event).toMatchObject({ name: 'user_imported', actor_id: 'operator', request_id: null });
      expect(JSON.parse(event?.details ?? '')).toEqual({ hash: vector.family });
    },
  );

  it('U6: lets in who typed a password in NFD elsewhere, however it is typed here', async () => {
    // werkzeug 3.1.8: generate_password_hash(unicodedata.normalize('NFD', 'Ünïcödé-Ångström'), 'pbkdf2:sha256:1000')
    const hash =
      'pbkdf2:sha256:1000$7THdJFcIEwEML7QI$50eb48b195f8680babd70094f7dd628419c695a4c9d57b6ee25bb7c93ee41206';
    const password = 'Ünïcödé-Ångström';
    const [one, two] = [someone({ password_hash: hash }), someone({ password_hash: hash })];
    await importer().add([one, two]);
    given(await signIn(emailOf(one), password.normalize('NFD')));
    // From then on it is stored in NFC, like every other.
    given(await signIn(emailOf(one), password.normalize('NFC')));
    expect(refusal(await signIn(emailOf(two), password.normalize('NFC')))).toBe('invalid_credentials');
  });

  it('keeps what there is to keep, and makes up no more', async () => {
    const id = '0190b1de-7c1a-7000-8000-0000000000aa';
    const full = someone({
      id,
      email_verified_at: '2020-01-02T03:04:05Z',
      disabled: 'true',
      created_at: '1577934245',
      last_login: '2021-06-07 08:09:10.123456+02:00',
      full_name: ' Ada Lovelace',
      locale: 'pt_BR',
      'Time Zone': 'europe/kyiv',
    });
    const bare = row({ Email: ` ${newIdentifiers().email.toUpperCase()} ` });
    expect(await importer().add([full, bare])).toMatchObject([
      { status: 'imported', family: 'bcrypt' },
      { status: 'imported', family: 'none' },
    ]);
    expect(await stored(emailOf(full))).toMatchObject({
      id,
      email_verified_at: Date.parse('2020-01-02T03:04:05Z'),
      disabled_at: app.clock.now(),
      created_at: 1_577_934_245_000,
      last_sign_in_at: Date.parse('2021-06-07T06:09:10.123Z'),
      admin_since: null,
      display_name: 'Ada Lovelace',
      locale: 'pt-BR',
      time_zone: 'Europe/Kyiv',
    });
    const email = bare.cells?.get('Email')?.trim().toLowerCase() ?? '';
    expect(await stored(email)).toMatchObject({
      username: email.split('@')[0],
      password_hash: '!',
      display_name: null,
      email_verified_at: null,
      disabled_at: null,
      last_sign_in_at: null,
      created_at: app.clock.now(),
    });
    for (const password of ['!', '', 'abc'])
      expect(refusal(await signIn(email, password))).toBe('invalid_credentials');
    expect(refusal(await signIn(emailOf(full), 'abc'))).toBe('invalid_credentials');
  });

  it('rejects a row for each reason, and names them all', async () => {
    const named = someone();
    await importer().add([named]);
    const reasonsOf = async (cells: Record<string, string>, rules = {}) => {
      const [outcome] = await importer(rules).add([row(cells)]);
      return outcome?.status === 'rejected' ? outcome.reason : outcome?.status;
    };
    const { email, username } = newIdentifiers();
    expect(await reasonsOf({ email: 'nobody', password: 'secret', is_admin: 't', created: 'soon' })).toBe(
      'email: Enter a valid email, like name@example.com. password: Not a hash: looks like plain text. Import without a password (--reset-rejected); the user resets it by email. This row is an administrator. Use --admins to import it. created: expected a time, yes or no.',
    );
    expect(await reasonsOf({ username })).toBe('email: Enter an email address.');
    expect(await reasonsOf({ email, username: named.cells?.get('username')?.toUpperCase() ?? '' })).toBe(
      'This username is taken.',
    );
    expect(await reasonsOf({ email, username: '=HYPERLINK("http://x")' })).toBe(
      "username: Use only letters, numbers, spaces and . _ - '",
    );
    expect(await reasonsOf({ email, timezone: 'CEST' })).toBe(
      'time zone: Use the name of a time zone, such as Europe/Berlin.',
    );
    expect(await reasonsOf({ email, role: 'king' })).toBe('role: expected user or admin.');
    for (const [hash, what] of [
      ['88a434c88cca4e900f7874cd98123f43', 'MD5 hashes aren’t secure.'],
      ['md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3', 'MD5 hashes aren’t secure.'],
      ['sha1$seasalt$cff36ea83f5706ce9aa7454e63e431fc726b2dc8', 'SHA-1 hashes aren’t secure.'],
      [
        'pbkdf2_sha1$10000$wz5B6WkasRoF$atJmJ1o+XfJxKq1+Nu1f1i57Z5I=',
        'PBKDF2 hashes with SHA-1 aren’t supported.',
      ],
      ['a'.repeat(64), 'Plain SHA-2 hashes aren’t secure.'],
      [BCRYPT.replace('2a', '2x'), 'Unsupported bcrypt version ($2$ or $2x$).'],
      [BCRYPT.slice(0, -1), 'Incomplete bcrypt hash.'],
      [BCRYPT.replace('$10$', '$31$'), 'The hash’s cost parameters are too high.'],
      [
        'pbkdf2_sha256$10$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c=',
        'The hash’s cost parameters are too weak.',
      ],
      ['bananas:12$x$y', 'Unsupported hash format.'],
    ] as const) {
      const reason = await reasonsOf({ email, password_hash: hash });
      expect(reason).toContain(`password: ${what} `);
      expect(reason).not.toContain(hash);
      expect(await stored(email)).toBeUndefined();
    }
    expect(await reasonsOf({ email, password: '1234' }, { resetRejected: true })).toBe('imported');
    expect((await stored(email))?.password_hash).toBe('!');
  });

  it('takes an email once, whatever its spelling, and says which line had it before', async () => {
    const first = someone({ email: `Twice${line}@Köln.de` });
    const second = someone({ email: `TWICE${line - 1}@xn--kln-sna.DE` });
    const { add } = importer();
    expect(await add([first, second])).toMatchObject([
      { status: 'imported' },
      { status: 'rejected', reason: `Duplicate email (also on line ${first.line}).` },
    ]);
    expect(await add([{ ...second, line: 9_999 }])).toMatchObject([
      { reason: `Duplicate email (also on line ${first.line}).` },
    ]);
  });

  it('takes an id once, so that each id of the source leads to one account', async () => {
    const uuid = randomUUID();
    const [first, second] = [someone({ id: '7' }), someone({ id: ' 7' })];
    const reason = `Duplicate ID (also on line ${first.line}).`;
    const { add } = importer();
    expect(await add([first, second, someone({ id: '' }), someone({ id: '' })])).toMatchObject([
      { status: 'imported', sourceId: '7' },
      { status: 'rejected', reason },
      { status: 'imported' },
      { status: 'imported' },
    ]);
    expect(await add([someone({ id: '7' }), { ...second, line: 9_999 }])).toMatchObject([
      { reason },
      { reason },
    ]);
    expect(await stored(emailOf(second))).toBeUndefined();
    // A rejected row takes neither its email nor its id from a later one.
    expect(await add([row({ email: emailOf(second), id: '8' })])).toMatchObject([{ status: 'imported' }]);
    expect(await add([someone({ id: uuid }), someone({ id: uuid.toUpperCase() })])).toMatchObject([
      { status: 'imported', id: uuid },
      { status: 'rejected', reason: expect.stringContaining('Duplicate ID') },
    ]);
    expect(await importer({ dryRun: true }).add([someone({ id: '9' }), someone({ id: '9' })])).toMatchObject([
      { status: 'imported' },
      { status: 'rejected', reason: expect.stringContaining('Duplicate ID') },
    ]);
  });

  it('goes by what stands before the @ where there is no name, and finds another where that is taken', async () => {
    const { username } = newIdentifiers();
    const rows = ['example.org', 'example.net', 'example.com'].map((domain) =>
      row({
        email: `${username}@${domain}`,
        username: domain === 'example.com' ? `${username}@example.com` : '',
      }),
    );
    const { add } = importer();
    await add(rows.slice(0, 2));
    await add(rows.slice(2));
    const names = await Promise.all(rows.map(async (one) => (await stored(emailOf(one)))?.username));
    expect(names).toEqual([
      username,
      expect.stringMatching(new RegExp(`^${username}-[0-9a-f]{8}$`)),
      expect.stringMatching(new RegExp(`^${username}-[0-9a-f]{8}$`)),
    ]);
    expect(new Set(names).size).toBe(3);
  });

  it('can be done again: what is there is skipped, and stays as it is', async () => {
    const rows = Array.from({ length: 5 }, () => someone());
    await importer().add(rows.slice(0, 3));
    await signIn(emailOf(rows[0] as SourceRow), 'abc');
    const before = await stored(emailOf(rows[0] as SourceRow));
    const again = await importer().add(rows);
    expect(again.map(({ status }) => status)).toEqual([
      'skipped',
      'skipped',
      'skipped',
      'imported',
      'imported',
    ]);
    expect(await stored(emailOf(rows[0] as SourceRow))).toEqual(before);
  });

  it('says in a dry run what would happen, and does nothing', async () => {
    const there = someone();
    await importer().add([there]);
    const same = newIdentifiers();
    const rows = [
      there,
      someone(),
      someone({ password_hash: 'plain' }),
      someone({ username: same.username }),
      someone({ username: same.username }),
    ];
    const count = () =>
      inside.db
        .selectFrom('events')
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .executeTakeFirst();
    const before = await count();
    const { add } = importer({ dryRun: true });
    // Also over several batches.
    const dry = [...(await add(rows.slice(0, 4))), ...(await add(rows.slice(4)))];
    expect(await count()).toEqual(before);
    expect(await stored(emailOf(rows[1] as SourceRow))).toBeUndefined();
    expect(dry.map(({ status }) => status)).toEqual([
      'skipped',
      'imported',
      'rejected',
      'imported',
      'rejected',
    ]);
    const real = importer();
    const done = [...(await real.add(rows.slice(0, 4))), ...(await real.add(rows.slice(4)))];
    const withoutId = ({ id: _, ...rest }: RowOutcome) => rest;
    expect(done.map(withoutId)).toEqual(dry.map(withoutId));
    // A dry run gives no ids to accounts that it does not make.
    expect([dry, done].map((rows) => rows.map(({ id }) => id !== undefined))).toEqual([
      [true, false, false, false, false],
      [true, true, false, true, false],
    ]);
  });

  it('P8: makes a batch wholly or not at all', async () => {
    const rows = [someone(), someone()];
    const failing = {
      ...app.clock,
      now: () => Number.NaN, // which no database takes for a time
    };
    await expect(userImporter({ db: inside.db, clock: failing }, RULES).add(rows)).rejects.toThrow();
    for (const one of rows) expect(await stored(emailOf(one))).toBeUndefined();
    const rejected = [someone(), someone({ id: '0190b1de-7c1a-7000-8000-0000000000bb' })];
    await importer().add(rejected);
    expect(await importer().add([someone({ id: '0190b1de-7c1a-7000-8000-0000000000bb' })])).toMatchObject([
      { status: 'rejected', reason: 'This ID is already in use.' },
    ]);
  });

  it('X18: beside sign-ups for the same emails leaves one owner of each, and tells the truth of it', async () => {
    const people = Array.from({ length: 12 }, () => newIdentifiers());
    const rows = people.map(({ username, email }) => row({ username, email, password_hash: BCRYPT }));
    const [outcomes, ...replies] = await Promise.all([
      (async () => {
        const { add } = importer();
        const all = [];
        for (const one of rows) all.push(...(await add([one])));
        return all;
      })(),
      ...people.map((names) => send(app, 'POST', '/v1/signup', names, { from: newIp() })),
    ]);
    for (const [i, { email }] of people.entries()) {
      const owner = await stored(email);
      const byImport = outcomes[i]?.status === 'imported';
      expect([replies[i]?.status, owner?.password_hash === BCRYPT]).toEqual(
        byImport ? [409, true] : [201, false],
      );
      const names = (await eventsOf(owner?.id ?? '')).map(({ name }) => name);
      expect(names[0]).toBe(byImport ? 'user_imported' : 'user_signed_up');
      expect(names).not.toContain(byImport ? 'user_signed_up' : 'user_imported');
      given(await signIn(email, byImport ? 'abc' : PASSWORD));
    }
  });

  it('P4: keeps what the dearest hash costs, without the hash, and has every server try it once', async () => {
    const dear = BCRYPT.replace('$10$', '$11$');
    await importer().add([someone({ password_hash: dear }), someone(), someone({ password_hash: '' })]);
    const { slowest_hash } = await inside.db
      .selectFrom('installation')
      .select('slowest_hash')
      .executeTakeFirstOrThrow();
    expect(slowest_hash).toBe(`$2a$11$${'.'.repeat(53)}`);
    const tried: string[] = [];
    const hasher = { verify: async (hash: string) => tried.push(hash) > 99 };
    const turn = responseFloorLearner({ db: inside.db, hasher });
    await turn();
    await turn();
    expect(tried).toEqual([slowest_hash]);
  });

  it('makes administrators when that is asked for, and then there is one', async () => {
    const source = someone({ role: 'admin' });
    await importer({ admins: true }).add([source]);
    expect(await stored(emailOf(source))).toMatchObject({ admin_since: app.clock.now() });
    const { setup_completed_at } = await inside.db
      .selectFrom('installation')
      .select('setup_completed_at')
      .executeTakeFirstOrThrow();
    expect(setup_completed_at).not.toBeNull();
  });

  it('round trip: what was exported is what an empty installation imports', async () => {
    const users = [];
    for await (const user of exportUsers(inside.db)) users.push(user);
    expect(users.length).toBeGreaterThan(20);
    const other = await create();
    const twin = await startApp(other, { clock: app.clock, hashing: {} });
    const there = await openInside(twin, other);
    try {
      const rows = users.map(
        (user, at): SourceRow => ({ line: at + 1, cells: new Map(Object.entries(user)) }),
      );
      const outcomes = await userImporter({ db: there.db, clock: app.clock }, { ...RULES, admins: true }).add(
        rows,
      );
      // All were taken over, or are of the cheapest kind that a vector is made of.
      expect(outcomes.filter(({ status }) => status !== 'imported')).toEqual([]);
      const all = (inside: Inside) => inside.db.selectFrom('users').selectAll().orderBy('id').execute();
      const asKept = (user: { admin_since: number | null }) => ({
        ...user,
        admin_since: user.admin_since !== null,
      });
      expect((await all(there)).map(asKept)).toEqual((await all(inside)).map(asKept));
    } finally {
      await twin.stop();
      await there.close();
      await other.remove();
    }
  });
});

describe('a row', () => {
  const read = (cells: Record<string, string>, rules = {}) =>
    readRow(new Map(Object.entries(cells)), { ...RULES, ...rules }, 1_700_000_000_000);

  it.each([
    [{ Email: 'a@b.org', 'Password Hash': BCRYPT, UserName: 'Ada' }, 'Ada'],
    [{ 'e-mail': 'a@b.org', encrypted_password: BCRYPT, LOGIN: 'ada' }, 'ada'],
    [{ emailAddress: 'a@b.org', password: BCRYPT, name: 'Ada Lovelace' }, 'a'],
  ])('is understood by the usual names: %j', (cells: Record<string, string>, username) => {
    expect(read(cells)).toMatchObject({ ok: true, username, emailKey: 'a@b.org', passwordHash: BCRYPT });
  });

  it('is understood by names that are given', () => {
    const columns = columnFinder({ email: 'a', username: 'b', password: '' });
    expect(read({ a: 'a@b.org', b: 'Ada', password: 'plain' }, { columns })).toMatchObject({
      ok: true,
      username: 'Ada',
      family: 'none',
    });
  });

  it('of Firebase is put together with the parameters of its project', () => {
    const firebase = {
      signerKey: 'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
      saltSeparator: 'Bw==',
      rounds: 8,
      memCost: 14,
    };
    const passwordHash =
      'lSrfV15cpx95_sZS2W9c9Kp6i_LVgQNDNC_qzrCnh1SAyZvqmZqAjTdn3aoItz-VHjoZilo78198JAdRuid5lQ==';
    expect(read({ email: 'a@b.org', passwordHash, salt: '42xEC-ixf3L2lw' }, { firebase })).toMatchObject({
      ok: true,
      passwordHash: hashVectors.find(({ family }) => family === 'firebase-scrypt')?.hash,
    });
    expect(read({ email: 'a@b.org', passwordHash, salt: '' }, { firebase })).toMatchObject({ ok: false });
  });

  it.each([
    ['', null],
    ['false', null],
    ['NULL', null],
    ['0', null],
    ['1', 1_700_000_000_000],
    ['yes', 1_700_000_000_000],
    ['2020-01-02', Date.parse('2020-01-02T00:00:00Z')],
    ['2020-01-02 03:04', Date.parse('2020-01-02T03:04:00Z')],
    ['2020-01-02 03:04:05.123456+00', Date.parse('2020-01-02T03:04:05.123Z')],
    ['2020-01-02T03:04:05-0130', Date.parse('2020-01-02T04:34:05Z')],
    ['2020-01-02 03:04:05 UTC', Date.parse('2020-01-02T03:04:05Z')],
    ['1577934245', 1_577_934_245_000],
    ['1577934245123', 1_577_934_245_123],
    ['2099-01-01', 1_700_000_000_000],
    ['2020-13-40', undefined],
    ['01/02/2020', undefined],
    ['soon', undefined],
  ])('says when: %j', (text, moment) => {
    expect(readMoment(text, 1_700_000_000_000)).toBe(moment);
  });
});
