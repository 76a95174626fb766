import { createHash, scryptSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createHasher } from '../../src/platform/hasher.ts';
import { Browser, newIdentifiers, PASSWORD, send, signUp } from '../support/app.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withStarted } from '../support/with-app.ts';

const basic = (name: string, password: string) => ({
  headers: { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` },
});

describe.each(databases)('names and passwords on $name', ({ create }) => {
  const { app, opened } = withApp(create, { hashing: {} });
  const weak = withStarted(
    () => createHasher({ threads: 1, parameters: { memoryKib: 1_024, passes: 1 } }),
    (it) => it.close(),
  );

  const failures = () => app.log.filter((line) => line.includes('"level":50'));
  const signIn = (body: { username?: string; email?: string; password: string }, from?: string) =>
    send(app, 'POST', '/v1/signin', body, from ? { from } : {});
  const store = (id: string, hash: string) =>
    opened.db.updateTable('users').set({ password_hash: hash }).where('id', '=', id).execute();

  describe('U1: spellings of a user name', () => {
    const same: [string, string][] = [
      ['Anna', 'aNNA'],
      ['José', 'Jose\u0301'],
      ['ｊａｎｅ', 'jane'],
      ['ﬁona', 'fiona'],
      ['\u212aarl', 'karl'],
      ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
      ['  bob\t', 'bob'],
    ];
    it.each(same)('%j and %j are one', async (first, second) => {
      const from = '198.51.100.1';
      const { email, password } = newIdentifiers();
      expect(
        (await send(app, 'POST', '/v1/signup', { username: first, email, password }, { from })).status,
      ).toBe(201);
      const again = await send(
        app,
        'POST',
        '/v1/signup',
        { ...newIdentifiers(), username: second },
        { from },
      );
      expect([again.status, again.body.errors?.[0].code]).toEqual([409, 'username_taken']);
      for (const username of [first, second])
        expect((await signIn({ username, password }, from)).status).toBe(200);
    });

    const apart: [string, string][] = [
      ['adam', 'аdam'],
      ['strasse', 'straße'],
      ['ipek', 'İpek'],
      ['rose', 'rosé'],
      ['o.k', 'o-k'],
    ];
    it.each(apart)('%j and %j are two, and one does not sign in to the other', async (first, second) => {
      const from = '198.51.100.2';
      const one = { ...newIdentifiers(), username: first, password: 'the password of the first' };
      const two = { ...newIdentifiers(), username: second, password: 'the password of the second' };
      for (const names of [one, two])
        expect((await send(app, 'POST', '/v1/signup', names, { from })).status).toBe(201);
      expect((await signIn({ username: first, password: two.password }, from)).status).toBe(401);
      expect((await signIn({ username: second, password: one.password }, from)).status).toBe(401);
    });

    it('that mix alphabets which look alike are marked for those who read the record', async () => {
      const reply = await send(
        app,
        'POST',
        '/v1/signup',
        { ...newIdentifiers(), username: 'pаypal' },
        { from: '198.51.100.3' },
      );
      const events = await opened.db
        .selectFrom('events')
        .select('details')
        .where('user_id', '=', reply.body.user.id)
        .where('name', '=', 'user_signed_up')
        .execute();
      expect(events).toEqual([{ details: '{"mixed_scripts":true}' }]);
    });

    it.each([
      'ann\u200ba',
      'ann\u2060a',
      'anna\u202e',
      '\ufeffanna',
      'an\u00adna',
      'anna\ufe0f',
      'an\u115fna',
      '\u0301anna',
      'an  na',
      '',
    ])('%j is none', async (username) => {
      const reply = await send(
        app,
        'POST',
        '/v1/signup',
        { ...newIdentifiers(), username },
        { from: '198.51.100.4' },
      );
      expect([reply.status, reply.body.errors[0].field]).toEqual([400, 'username']);
      expect((await signIn({ username, password: PASSWORD }, '198.51.100.4')).status).toBe(401);
    });
  });

  describe('U1: spellings of an email', () => {
    const same: [string, string][] = [
      ['Ada@Example.ORG', 'ada@example.org'],
      ['u@bücher.example', 'U@xn--bcher-kva.example'],
      ['nfc@cafe\u0301.example', 'nfc@café.example'],
      ['wide@ｅｘａｍｐｌｅ.net', 'wide@example.net'],
      [' spaced@example.org ', 'spaced@example.org'],
    ];
    it.each(same)('%j and %j are one', async (first, second) => {
      const from = '198.51.100.5';
      const { username, password } = newIdentifiers();
      expect(
        (await send(app, 'POST', '/v1/signup', { username, email: first, password }, { from })).status,
      ).toBe(201);
      const again = await send(app, 'POST', '/v1/signup', { ...newIdentifiers(), email: second }, { from });
      expect([again.status, again.body.errors?.[0].code]).toEqual([409, 'email_taken']);
      for (const email of [first, second]) expect((await signIn({ email, password }, from)).status).toBe(200);
    });

    const none = [
      ...[
        'ada@example.org.',
        'ada.@example.org',
        'ａda@example.org',
        'a\u200bda@example.org',
        'ада@example.org',
        'ada＠example.org',
      ],
      ...[
        'ada@exam\u200bple.org.',
        'ada@example.org\u0000',
        'ada@[192.0.2.1]',
        '"ada"@example.org',
        'ada@example',
        'ada@@example.org',
      ],
      ...[
        'ada@example.org,eve@example.org',
        '<ada@example.org>',
        'ada\r\nBcc: eve@example.org',
        'ada%00@example.org\ud800',
      ],
    ];
    it.each(none)('%j is none', async (email) => {
      const reply = await send(
        app,
        'POST',
        '/v1/signup',
        { ...newIdentifiers(), email },
        { from: '198.51.100.6' },
      );
      expect(reply.status).toBe(400);
      expect([400, 401]).toContain((await signIn({ email, password: PASSWORD }, '198.51.100.6')).status);
    });
  });

  it('U4, U5: what no text may hold is rejected before the database is asked', async () => {
    const { browser, email, username, id } = await signUp(app, '198.51.100.7');
    const before = failures().length;
    for (const flaw of ['\0', 'a\0b', '\ud800', 'a\udfffb', '\udc00\ud800']) {
      const ways: [string, string, unknown][] = [
        ['POST', '/v1/signup', { ...newIdentifiers(), username: flaw }],
        ['POST', '/v1/signup', { ...newIdentifiers(), email: `${flaw}@example.org` }],
        ['POST', '/v1/signup', { ...newIdentifiers(), password: `long enough ${flaw}` }],
        ['POST', '/v1/signin', { username: flaw, password: PASSWORD }],
        ['POST', '/v1/signin', { email, password: flaw }],
        ['POST', '/v1/login', { username, password: flaw }],
        ['POST', '/v1/refresh', { refresh_token: flaw }],
        ['PATCH', '/v1/me', { username: flaw }],
        ['DELETE', '/v1/me', { email, password: flaw }],
        ['PUT', '/v1/me/password', { current_password: flaw, new_password: PASSWORD }],
        ['PUT', '/v1/me/password', { current_password: PASSWORD, new_password: `long enough ${flaw}` }],
        ['POST', '/v1/signup', { ...newIdentifiers(), [flaw]: '' }],
      ];
      for (const [method, path, body] of ways) {
        const reply = await browser.send(method, path, body);
        expect([path, body, reply.status, reply.body.code]).toEqual([path, body, 400, 'invalid_json']);
      }
    }
    for (const bytes of ['%00', 'a%00b', '%ed%a0%80', '%c0%80', '%ff', '%f5%80%80%80']) {
      const form = {
        raw: `token=x&username=${bytes}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      };
      expect((await send(app, 'POST', '/setup', undefined, form)).status).toBe(400);
      expect((await send(app, 'GET', `/setup?token=${bytes}`)).status).toBe(400);
      await opened.db.updateTable('users').set({ admin_since: 1 }).where('id', '=', id).execute();
      expect((await browser.get(`/v1/users?search=${bytes}`)).status).toBe(400);
      expect([400, 404]).toContain((await browser.get(`/v1/users/${bytes}`)).status);
    }
    expect((await send(app, 'POST', '/v1/login', undefined, basic(`${username}\0`, PASSWORD))).status).toBe(
      401,
    );
    expect((await send(app, 'POST', '/v1/login', undefined, basic(username, `${PASSWORD}\0`))).status).toBe(
      401,
    );
    // Non-characters are text, though no name is made of them.
    for (const odd of ['\uffff', '\ufdd0', '\u{1fffe}']) {
      expect((await send(app, 'POST', '/v1/signup', { ...newIdentifiers(), username: odd })).status).toBe(
        400,
      );
      const names = { ...newIdentifiers(), password: `with ${odd} in it` };
      expect((await send(app, 'POST', '/v1/signup', names, { from: '198.51.100.8' })).status).toBe(201);
      const { email: by, password } = names;
      expect((await signIn({ email: by, password }, '198.51.100.8')).status).toBe(200);
      expect((await signIn({ email: by, password: password.replace(odd, '') }, '198.51.100.8')).status).toBe(
        401,
      );
    }
    expect(failures()).toHaveLength(before);
  });

  it('U6: a password is the same in NFC and NFD, whichever was set and wherever it is given', async () => {
    const from = '198.51.100.9';
    const forms = ['Crème brûlée à Zürich', 'Crème brûlée à Zürich'.normalize('NFD')];
    for (const set of forms) {
      const names = { ...newIdentifiers(), password: set };
      expect((await send(app, 'POST', '/v1/signup', names, { from })).status).toBe(201);
      for (const password of forms) {
        expect((await signIn({ username: names.username, password }, from)).status).toBe(200);
        expect(
          (await send(app, 'POST', '/v1/login', undefined, { ...basic(names.username, password), from }))
            .status,
        ).toBe(200);
      }
      // NFC is not NFKC, and nothing is folded or trimmed.
      for (const password of [
        set.toLowerCase(),
        ` ${set}`,
        `${set} `,
        set.normalize('NFC').replace('è', 'e'),
        set.replace(/ /g, '\u00a0'),
      ])
        expect((await signIn({ username: names.username, password }, from)).status).toBe(401);
      await opened.db.deleteFrom('rate_limits').execute();
    }
  });

  describe('U8, U9, U10: a stored hash that is not ours', () => {
    const salt = 'c29tZXNhbHRzb21lc2FsdA';
    const output = Buffer.alloc(32, 1).toString('base64').replaceAll('=', '');
    const sha1 = createHash('sha1').update(PASSWORD).digest('hex');
    const md5 = createHash('md5').update(PASSWORD).digest('hex');
    const scrypt = scryptSync(PASSWORD, 'salt', 32, { N: 1_024 }).toString('base64');
    const ours = (cost: string): string => `$argon2id$v=19$${cost}$${salt}$${output}`;
    const hostile = [
      // Unusable, plain and unsalted.
      ...['', '!', '!unusable', PASSWORD, `{PLAIN}${PASSWORD}`, md5, `md5$$${md5}`, `sha1$$${sha1}`],
      // Of other kinds, some of them with parameters that would not end.
      ...['$2$10$', '$2b$31$', '$2x$05$'].map((start) => `${start}${'a'.repeat(53)}`),
      `$scrypt$ln=30,r=8,p=1$${salt}$${scrypt}`,
      `pbkdf2_sha256$1000000000$salt$${output}`,
      // Ours in name, with other parameters than ours can have.
      ...['m=4194304,t=3,p=1', 'm=999999,t=3,p=1', 'm=32768,t=4294967295,p=1', 'm=32768,t=3,p=255'].map(ours),
      ...[
        'm=0,t=0,p=0',
        'm=-1,t=3,p=1',
        'm=032768,t=3,p=1',
        't=3,m=32768,p=1',
        'm=32768,t=3,p=1,keyid=x',
      ].map(ours),
      ours('m=32768,t=3,p=1').replace('argon2id', 'argon2i'),
      ours('m=32768,t=3,p=1').replace('$v=19', ''),
      ours('m=32768,t=3,p=1').replace('$v=19', '$v=16'),
      ours('m=32768,t=3,p=1').replace(output, ''),
      ours('m=32768,t=3,p=1').replace(output, output.slice(0, 5)),
      ours('m=32768,t=3,p=1').replace(output, 'A'.repeat(10_000)),
      `${ours('m=32768,t=3,p=1')}$x`,
    ];

    it('opens to no password, and breaks nothing', async () => {
      const from = '198.51.100.10';
      const { id, username } = await signUp(app, from);
      const before = failures().length;
      for (const hash of hostile) {
        await store(id, hash);
        await opened.db.deleteFrom('rate_limits').execute();
        const reply = await signIn({ username, password: PASSWORD }, from);
        expect([hash.slice(0, 60), reply.status, reply.body.message]).toEqual([
          hash.slice(0, 60),
          401,
          'invalid credentials!',
        ]);
        // Nor is what is stored a password itself.
        if (!hash.startsWith('$') && hash !== PASSWORD && hash !== '')
          expect([hash, (await signIn({ username, password: hash }, from)).status]).toEqual([hash, 401]);
      }
      expect(failures()).toHaveLength(before);
      // A hash of ours with more work than today's is good, and stays.
      const strong = createHasher({ threads: 1, parameters: { memoryKib: 40_000, passes: 4 } });
      const hash = await strong.hash(PASSWORD, 'background');
      await strong.close();
      await store(id, hash);
      await opened.db.deleteFrom('rate_limits').execute();
      expect((await signIn({ username, password: PASSWORD }, from)).status).toBe(200);
      const after = await opened.db
        .selectFrom('users')
        .select('password_hash')
        .where('id', '=', id)
        .executeTakeFirst();
      expect(after).toEqual({ password_hash: hash });
    });
  });

  describe('U12: a weak hash is replaced at sign-in', () => {
    const from = '198.51.100.11';

    it('by one of many at once, and all of them get in', async () => {
      const { id, username } = await signUp(app, from);
      for (let round = 0; round < 2; round++) {
        await store(id, await weak.hash(PASSWORD, 'background'));
        const replies = await Promise.all(
          [1, 2, 3, 4].map(() => signIn({ username, password: PASSWORD }, from)),
        );
        expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
        const row = await opened.db
          .selectFrom('users')
          .select('password_hash')
          .where('id', '=', id)
          .executeTakeFirst();
        expect(row?.password_hash).toMatch(/^\$argon2id\$v=19\$m=32768,t=3,p=1\$/);
      }
    });

    it('but never over a change of password beside it', async () => {
      const { id, username, browser } = await signUp(app, from);
      let current = PASSWORD;
      for (let round = 0; round < 3; round++) {
        await store(id, await weak.hash(current, 'background'));
        const next = `the password of round ${round}`;
        const attempt = () => signIn({ username, password: current }, from);
        const [changed, ...others] = await Promise.all([
          browser.send('PUT', '/v1/me/password', { current_password: current, new_password: next }),
          attempt(),
          attempt(),
          attempt(),
        ]);
        expect(changed.status).toBe(200);
        for (const { status } of others) expect([200, 401]).toContain(status);
        expect((await signIn({ username, password: current }, from)).status).toBe(401);
        expect((await signIn({ username, password: next }, from)).status).toBe(200);
        current = next;
      }
    });
  });

  it('U14: a password that is too long or empty costs no work', async () => {
    const { id, username, email, browser } = await signUp(app, '198.51.100.12');
    const long: [string, number][] = [
      ['', 400],
      ['🔑'.repeat(257), 400],
      ['x'.repeat(1_025), 400],
      ['x'.repeat(2_001), 400],
      ['🔑'.repeat(10_000), 413],
      ['x'.repeat(1_000_000), 413],
    ];
    for (const [password, status] of long) {
      expect((await send(app, 'POST', '/v1/signup', { ...newIdentifiers(), password })).status).toBe(status);
      const change = { current_password: PASSWORD, new_password: password };
      expect((await browser.send('PUT', '/v1/me/password', change)).status).toBe(status);
    }
    const attempts = async () => (await opened.db.selectFrom('rate_limits').select('key').execute()).length;
    const before = await attempts();
    for (const [password] of long) {
      expect([400, 401, 413]).toContain((await signIn({ username, password })).status);
      expect([400, 401, 413]).toContain((await browser.send('DELETE', '/v1/me', { email, password })).status);
    }
    // What cannot be a password is not even counted at sign-in, let alone hashed; a deletion counts in four limits.
    expect(await attempts()).toBeLessThanOrEqual(before + 4);
    expect((await signIn({ username, password: PASSWORD })).status).toBe(200);
    // The longest there is works, up to its last character.
    const from = '198.51.100.13';
    const signs = Array.from({ length: 256 }, (_, i) => String.fromCodePoint(0x1f300 + ((i * 37) % 256)));
    const names = { ...newIdentifiers(), password: signs.join('') };
    expect((await send(app, 'POST', '/v1/signup', names, { from })).status).toBe(201);
    expect((await signIn({ username: names.username, password: names.password }, from)).status).toBe(200);
    const almost = `${signs.slice(0, 255).join('')}🔒`;
    expect((await signIn({ username: names.username, password: almost }, from)).status).toBe(401);
    expect(id).not.toBe('');
  });

  it('U16: the same password makes another hash for everybody, and opens one account', async () => {
    const from = '198.51.100.14';
    const [one, two] = [await signUp(app, from), await signUp(app, from)];
    const rows = await opened.db
      .selectFrom('users')
      .select('password_hash')
      .where('id', 'in', [one.id, two.id])
      .execute();
    expect(rows.map(({ password_hash }) => password_hash)).toEqual([
      expect.stringMatching(/^\$argon2id\$v=19\$m=32768,t=3,p=1\$/),
      expect.stringMatching(/^\$argon2id\$v=19\$m=32768,t=3,p=1\$/),
    ]);
    const [first, second] = rows.map(({ password_hash }) => password_hash.split('$').slice(-2));
    expect(first?.[0]).not.toBe(second?.[0]);
    expect(first?.[1]).not.toBe(second?.[1]);
    const browser = new Browser(app, from);
    await browser.post('/v1/signin', { username: one.username, password: PASSWORD });
    expect((await browser.get('/v1/me')).body.user.id).toBe(one.id);
  });
});
