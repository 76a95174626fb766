import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { Misuse } from '../../src/cli/output.ts';
import { exportAll } from '../../src/cli/user-export.ts';
import { type ImportOptions, importUsers } from '../../src/cli/user-import.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { databases, sqlite } from '../support/postgres.ts';
import { bin, newPlace, withPlace } from './program.ts';

const HASH = '$2b$05$Z17AXnnlpzddNUvnC6cZNOSwMA/8oNiKnHTHTwLlBijfucQQlHjaG';
const BATCH = 250;

/** A file of so many users, in JSON lines. */
const rowsOf = (count: number): string =>
  Array.from({ length: count }, (_, n) => `{"email":"u${n}@example.org","password_hash":"${HASH}"}\n`).join(
    '',
  );

describe.each(databases)('usher user import on $name', (kind) => {
  const place = withPlace(kind);

  const put = (name: string, content: string) => writeFileSync(join(place.folder, name), content);
  async function count(table: 'users' | 'events'): Promise<number> {
    const database = await openDatabase(place.database.url);
    const query = database.db.selectFrom(table).select(({ fn }) => fn.countAll<number>().as('n'));
    const { n } = await query
      .$if(table === 'events', (events) => events.where('name', '=', 'user_imported'))
      .executeTakeFirstOrThrow();
    await database.close();
    return n;
  }

  it('survives SIGKILL: what is in is in wholly, and a second run brings the rest', async () => {
    const rows = 12 * BATCH;
    put('users.jsonl', rowsOf(rows));
    const env = { USHER_DATABASE: place.database.url, USHER_SECRET: place.secret };
    const child = spawn(process.execPath, [bin, 'user', 'import', 'users.jsonl'], { cwd: place.folder, env });
    const ended = once(child, 'close');
    while ((await count('users')) === 0 && child.exitCode === null) await sleep(5);
    child.kill('SIGKILL');
    await ended;
    const before = await count('users');
    expect(before % BATCH).toBe(0);
    expect(await count('events')).toBe(before);
    const { code, stdout } = await place.usher(['user', 'import', 'users.jsonl', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ imported: rows - before, skipped: before, rejected: 0 });
    expect([await count('users'), await count('events')]).toEqual([rows, rows]);
  });
});

describe('usher user import and export', () => {
  const place = withPlace(sqlite);
  const put = (name: string, content: string) => writeFileSync(join(place.folder, name), content);
  const get = (name: string) => readFileSync(join(place.folder, name), 'utf8');
  /** What is refused before a database is opened needs no command. */
  const nobody = new Command();

  it('tells of its rows in a report, in totals and by its exit code, and repeats no secret', async () => {
    put('users.csv', `email,password\nada@example.org,${HASH}\n=1+1@example.org,hunter2hunter2\n@x,\n`);
    const imported = await place.usher(['user', 'import', 'users.csv', '--report', 'refused.csv', '--json']);
    expect(imported.code).toBe(1);
    expect(JSON.parse(imported.stdout)).toEqual({
      dry_run: false,
      imported: 1,
      skipped: 0,
      rejected: 2,
      hashes: { bcrypt: 1 },
    });
    expect(get('refused.csv').split('\r\n')).toEqual([
      'line,status,email,hash,reason',
      expect.stringMatching(
        /^3,rejected,'=1\+1@example\.org,,"?password: Not a hash: looks like plain text\./,
      ),
      expect.stringMatching(/^4,rejected,,,email: Add a name before the @\./),
      '',
    ]);
    expect(statSync(join(place.folder, 'refused.csv')).mode & 0o077).toBe(0);
    expect(imported.stdout + imported.stderr + get('refused.csv')).not.toMatch(/hunter2|Z17AXnn/);
  });

  it('says in a dry run what would become of each row, as lines of JSON, and does nothing', async () => {
    put('there.jsonl', rowsOf(1));
    expect((await place.usher(['user', 'import', 'there.jsonl'])).code).toBe(0);
    const rows = [
      ['ada@example.org', HASH],
      ['u0@example.org', HASH],
      ['grace@example.org', ''],
      ['ADA@example.org', ''],
      ['nobody', 'hunter2hunter2'],
    ];
    put('users.csv', `email,password\n${rows.map((row) => row.join()).join('\n')}\n`);
    const args = ['user', 'import', 'users.csv', '--dry-run', '--json', '--report', 'all.jsonl'];
    const { code, stdout, stderr } = await place.usher(args);
    expect(code).toBe(1);
    const lines = stdout.split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { line: 2, action: 'create', email: 'ada@example.org', hash: 'bcrypt' },
      { line: 3, action: 'skip', email: 'u0@example.org' },
      { line: 4, action: 'create', email: 'grace@example.org', hash: 'none' },
      { line: 5, action: 'reject', email: 'ada@example.org', reason: 'Duplicate email (also on line 2).' },
      {
        line: 6,
        action: 'reject',
        email: '',
        reason: expect.stringContaining('like name@example.com. password: Not a hash'),
      },
      { dry_run: true, imported: 2, skipped: 1, rejected: 2, hashes: { bcrypt: 1, none: 1 } },
    ]);
    expect(stdout + stderr).not.toMatch(/hunter2|Z17AXnn/);
    expect(get('all.jsonl').split('\n')).toHaveLength(rows.length + 1);
    const everyone = await place.usher(['user', 'list', '--json']);
    expect(JSON.parse(everyone.stdout).users).toMatchObject([{ email: 'u0@example.org' }]);
  });

  it('stops a dry run, and complains of nothing, when its reader has seen enough', async () => {
    put('users.jsonl', rowsOf(20_000));
    const env = { USHER_DATABASE: place.database.url, USHER_SECRET: place.secret };
    for (const more of [[], ['--json']]) {
      const args = [bin, 'user', 'import', 'users.jsonl', '--dry-run', ...more];
      const child = spawn(process.execPath, args, { cwd: place.folder, env });
      let said = '';
      child.stderr.on('data', (text) => {
        said += text;
      });
      child.stdout.once('data', () => child.stdout.destroy());
      expect([await once(child, 'close'), said]).toEqual([[1, null], '']);
    }
  });

  it('goes from one installation to another and back, hashes and all, when asked twice', async () => {
    put('users.jsonl', `${rowsOf(3)}{"email":"=x@example.org","username":"-dash","role":"admin"}\n`);
    expect((await place.usher(['user', 'import', 'users.jsonl', '--admins'])).code).toBe(0);
    // Before anything is opened: it needs no process of its own to be seen.
    await expect(exportAll('all.csv', { withHashes: true }, nobody)).rejects.toThrow(Misuse);
    expect((await place.usher(['user', 'export', 'all.csv', '--with-hashes', '--yes'])).code).toBe(0);
    expect(statSync(join(place.folder, 'all.csv')).mode & 0o077).toBe(0);
    expect(get('all.csv')).toContain(HASH);
    // A spreadsheet would take these for formulas.
    for (const cell of [`,'-dash,`, `,'=x@example.org,`]) expect(get('all.csv')).toContain(cell);
    const other = await newPlace(sqlite);
    try {
      await other.create();
      const from = join(place.folder, 'all.csv');
      expect((await other.usher(['user', 'import', from, '--admins'])).code).toBe(0);
      expect((await other.usher(['user', 'export', 'back.csv', '--with-hashes', '--yes'])).code).toBe(0);
      expect(readFileSync(join(other.folder, 'back.csv'), 'utf8')).toBe(get('all.csv'));
    } finally {
      await other.remove();
    }
    await expect(exportAll(join(place.folder, 'all.csv'), {}, nobody)).rejects.toThrow(
      'all.csv already exists.',
    );
  });

  it('L9: writes exports and reports where nobody else has put a file or a link', async () => {
    put('users.csv', `email,password\nada@example.org,${HASH}\n@x,\n`);
    put('victim', 'untouched');
    const victim = join(place.folder, 'victim');
    const left = () =>
      readdirSync(place.folder)
        .filter((name) => name.includes('.csv'))
        .toSorted();
    put('all.csv.part', 'planted');
    chmodSync(join(place.folder, 'all.csv.part'), 0o666);
    symlinkSync(victim, join(place.folder, 'linked.csv.part'));
    symlinkSync(victim, join(place.folder, 'link.csv'));
    symlinkSync(join(place.folder, 'nowhere'), join(place.folder, 'dangling.csv'));
    put('report.csv', 'of yesterday');
    chmodSync(join(place.folder, 'report.csv'), 0o666);
    const before = left();

    const reported = await place.usher(['user', 'import', 'users.csv', '--report', 'report.csv']);
    expect(reported.code).toBe(1);
    expect(get('report.csv')).toMatch(/^line,status,/);
    expect(statSync(join(place.folder, 'report.csv')).mode & 0o777).toBe(0o600);
    for (const name of ['all.csv', 'linked.csv']) {
      expect((await place.usher(['user', 'export', name])).code).toBe(0);
      expect(lstatSync(join(place.folder, name)).isFile()).toBe(true);
      expect(statSync(join(place.folder, name)).mode & 0o777).toBe(0o600);
      expect(get(name)).toContain('ada@example.org');
    }
    for (const name of ['link.csv', 'dangling.csv']) {
      const rejected = await place.usher(['user', 'import', 'users.csv', '--report', name]);
      expect(rejected).toMatchObject({ code: 1, stdout: '' });
      expect(rejected.stderr).toContain(`Couldn’t write the report ${name}: not a regular file`);
      expect((await place.usher(['user', 'export', name])).code).toBe(1);
    }
    expect([get('victim'), get('all.csv.part')]).toEqual(['untouched', 'planted']);
    expect(left()).toEqual([...before, 'all.csv', 'linked.csv'].toSorted());
  });

  it('writes no report over the imported file, whatever path leads to it', async () => {
    const content = 'email\nada@example.org\n';
    put('users.csv', content);
    symlinkSync('users.csv', join(place.folder, 'alias.csv'));
    symlinkSync('.', join(place.folder, 'here'));
    linkSync(join(place.folder, 'users.csv'), join(place.folder, 'second.csv'));
    for (const [source, report] of [
      ['alias.csv', 'users.csv'],
      ['users.csv', 'here/users.csv'],
      ['here/alias.csv', './here/here/users.csv'],
      ['second.csv', 'users.csv'],
    ] as const) {
      const importing = importUsers(
        join(place.folder, source),
        { report: join(place.folder, report) },
        nobody,
      );
      await expect(importing, report).rejects.toThrow('--report can’t be the file being imported.');
    }
    const files = { report: join(place.folder, 'new.csv'), map: join(place.folder, 'here/new.csv') };
    await expect(importUsers(join(place.folder, 'users.csv'), files, nobody)).rejects.toThrow('name two');
    expect(get('users.csv')).toBe(content);
  });

  it('names what makes no sense, and does nothing', async () => {
    put('users.csv', 'mail address,password\nada@example.org,\n');
    const file = join(place.folder, 'users.csv');
    const wrong: [ImportOptions, string][] = [
      [{}, 'No email column found. Available columns: mail address, password.'],
      [{ column: ['email=mail'] }, 'Column "mail" not found. Available columns: mail address, password.'],
      [
        { column: ['phone=x'] },
        '--column must be FIELD=NAME, where FIELD is one of: id, username, display_name, ',
      ],
      [{ report: file }, '--report can’t be the file being imported.'],
      [{ firebase: file }, 'users.csv is missing base64_signer_key, rounds or mem_cost'],
    ];
    for (const [options, sentence] of wrong) {
      const rejected = importUsers(file, options, nobody);
      await expect(rejected).rejects.toThrow(Misuse);
      await expect(rejected).rejects.toThrow(sentence);
    }
  });

  // A limit on the size of files stands in for the disk, as in test/faults/disk-full.test.ts.
  it.skipIf(process.platform === 'win32')(
    'says where it stopped when the disk is full, and goes on later',
    async () => {
      put('users.jsonl', rowsOf(4_000));
      const env = { USHER_DATABASE: place.database.url, USHER_SECRET: place.secret };
      /** What the program says where no file may be larger than this many blocks. */
      const inRoom = (blocks: number, args: string[]) => {
        const script = `trap '' XFSZ; ulimit -f ${blocks}; "$0" "$@" 2>&1; echo "exit $?"`;
        return execFileSync('/bin/sh', ['-c', script, process.execPath, bin, 'user', ...args], {
          cwd: place.folder,
          env,
          encoding: 'utf8',
        });
      };
      const said = inRoom(2_000, ['import', 'users.jsonl']);
      const [, line = ''] =
        /^usher: Stopped after line (\d+)\. Database error: .* Earlier rows were imported\. Run the import again to continue\.\nexit 1/m.exec(
          said,
        ) ?? [];
      expect(said).toContain('Stopped after line');
      const { stdout } = await place.usher(['user', 'import', 'users.jsonl', '--json']);
      expect(JSON.parse(stdout)).toMatchObject({ imported: 4_000 - Number(line), skipped: Number(line) });

      expect(inRoom(100, ['export', 'all.jsonl'])).toMatch(/Couldn’t write all\.jsonl: .*\nexit 1/);
      expect(readdirSync(place.folder).filter((name) => name.startsWith('all'))).toEqual([]);
      put('report.jsonl', 'of yesterday');
      const dryRun = ['import', 'users.jsonl', '--dry-run', '--report', 'report.jsonl'];
      expect(inRoom(100, dryRun)).toMatch(/Couldn’t write the report report\.jsonl: .*\nexit 1/);
      expect(get('report.jsonl')).toBe('of yesterday');
      expect(readdirSync(place.folder).filter((name) => name.includes('part'))).toEqual([]);
    },
  );

  it('maps old ids to new ones, again after a run that was not the first', async () => {
    const uuid = '01990a3c-5d2e-7c41-9f08-6b1d2e3f4a5b';
    put(
      'users.csv',
      `id,email\n1,a@example.org\n-2,b@example.org\n${uuid},c@example.org\n,d@example.org\n5,none\n`,
    );
    const first = await place.usher(['user', 'import', 'users.csv', '--map', 'ids.csv']);
    expect([first.code, first.stderr]).toEqual([
      1,
      expect.stringContaining('Ids of 3 users written to ids.csv.'),
    ]);
    expect(first.stderr).toContain(' 1 without an id in the source are left out.');
    const listed = JSON.parse((await place.usher(['user', 'list', '--json'])).stdout);
    const idOf = (name: string) =>
      listed.users.find(({ email }: { email: string }) => email.startsWith(name)).id;
    const expected = `old_id,new_id\r\n1,${idOf('a')}\r\n'-2,${idOf('b')}\r\n${uuid},${uuid}\r\n`;
    expect([get('ids.csv'), idOf('c')]).toEqual([expected, uuid]);
    expect(statSync(join(place.folder, 'ids.csv')).mode & 0o777).toBe(0o600);

    // Every row is skipped by now.
    await place.usher(['user', 'import', 'users.csv', '--map', 'again.csv']);
    expect(get('again.csv')).toBe(expected);
    put(
      'users.jsonl',
      '{"localId":"x7","email":"e@example.org"}\n{"localId":"x7","email":"f@example.org"}\n',
    );
    await place.usher(['user', 'import', 'users.jsonl', '--column', 'id=localId', '--map', 'other.csv']);
    expect(get('other.csv')).toMatch(/^old_id,new_id\r\nx7,[\da-f-]{36}\r\n$/);
  });

  it('maps no old id to an account that somebody signed up with an unverified email', async () => {
    put('users.csv', 'id,email\n1,ada@example.org\n2,grace@example.org\n3,eve@example.org\n');
    for (const name of ['ada', 'grace'])
      await place.usher(['user', 'add', '--username', name, '--email', `${name}@example.org`]);
    const database = await openDatabase(place.database.url);
    await database.db
      .updateTable('users')
      .set({ email_verified_at: 1 })
      .where('email_key', '=', 'grace@example.org')
      .execute();
    const { id } = await database.db
      .selectFrom('users')
      .select('id')
      .where('email_key', '=', 'grace@example.org')
      .executeTakeFirstOrThrow();
    await database.close();
    const args = ['user', 'import', 'users.csv', '--map', 'ids.csv', '--report', 'skipped.csv'];
    const { code, stderr } = await place.usher(args);
    expect([code, get('ids.csv')]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^old_id,new_id\r\n2,${id}\r\n3,[\\da-f-]{36}\r\n$`)),
    ]);
    expect(stderr).toContain('1 account with an email that is not verified is left out');
    const reason =
      'An account with this email exists, but its email is not verified, so it is not in the map.';
    expect(get('skipped.csv')).toContain(`2,skipped,ada@example.org,,"${reason}"`);
    expect(get('skipped.csv')).toContain('3,skipped,grace@example.org,,\r\n');
    // Without a map, nobody asks whose account it is.
    const plain = await place.usher(['user', 'import', 'users.csv', '--report', 'plain.csv']);
    expect([plain.code, get('plain.csv')]).toEqual([
      0,
      expect.stringContaining('2,skipped,ada@example.org,,\r\n'),
    ]);
  });

  it('writes no map over a file or through a link, and none that would be wrong', async () => {
    put('users.csv', 'id,email\n1,a@example.org\n');
    put('nameless.csv', 'email\na@example.org\n');
    put('ids.csv', 'of another import');
    put('target', '');
    symlinkSync(join(place.folder, 'target'), join(place.folder, 'link.csv'));
    for (const [args, code, sentence] of [
      [['users.csv', '--map', 'ids.csv'], 1, /Couldn’t write the map ids\.csv: the file already exists/],
      [['users.csv', '--map', 'link.csv'], 1, /Couldn’t write the map link\.csv: the file already exists/],
      [
        ['users.csv', '--map', 'no/ids.csv'],
        1,
        /map no\/ids\.csv: the folder no doesn’t exist\. Create it, or choose/,
      ],
      [['users.csv', '--map', 'new.csv', '--dry-run'], 2, /leave one of them out/],
      [['users.csv', '--map', 'new.csv', '--report', 'new.csv'], 2, /name two/],
      [['nameless.csv', '--map', 'new.csv'], 2, /needs a column with user IDs.*--column id=NAME/],
    ] as const) {
      const ended = await place.usher(['user', 'import', ...args]);
      expect([args, ended.code, ended.stderr]).toEqual([args, code, expect.stringMatching(sentence)]);
    }
    expect([get('ids.csv'), get('target')]).toEqual(['of another import', '']);
    expect(JSON.parse((await place.usher(['user', 'list', '--json'])).stdout).users).toEqual([]);
    expect(readdirSync(place.folder).filter((name) => /part|new/.test(name))).toEqual([]);
  });

  it('does all that the guide shows, word for word', async () => {
    const guide = readFileSync(
      resolve(import.meta.dirname, '../../../../docs/guides/migrate-users.md'),
      'utf8',
    );
    const blocks = [...guide.matchAll(/```(\w+)(?: (\S+))?\n([\s\S]*?)```/g)];
    const flask = new DatabaseSync(join(place.folder, 'flask.db'));
    flask.exec(`CREATE TABLE user (id INTEGER, name TEXT, email TEXT, password TEXT);
      INSERT INTO user VALUES (1, 'flora', 'flora@example.org', '${HASH}')`);
    flask.close();
    let said = '';
    let shown = 0;
    for (const [, kind, file, text = ''] of blocks) {
      if (file) put(file, text);
      else if (kind === 'text') {
        for (const line of text.trim().split('\n')) expect(said).toContain(line);
        shown++;
      } else if (kind === 'csv') {
        expect(
          get('ids.csv')
            .replaceAll('\r\n', '\n')
            .replaceAll(/,[\da-f-]{36}/g, ',0195...'),
        ).toBe(text);
        shown++;
      } else {
        said = '';
        for (const command of text.trim().split('\n')) {
          const args = command.replaceAll("'", '').split(' ');
          expect(args.shift()).toBe('usher');
          const { code, stdout, stderr } = await place.usher(args);
          said += stdout + stderr;
          expect([command, code, stderr]).toEqual([
            command,
            /rejected[.:]/.test(said) ? 1 : 0,
            expect.anything(),
          ]);
        }
      }
    }
    expect(shown).toBe(4);
    const everyone = readFileSync(join(place.folder, 'everyone.jsonl'), 'utf8');
    for (const name of ['ada', 'grace', 'eve', 'flora', 'user1'])
      expect(everyone).toContain(`"username":"${name}"`);
    expect(everyone).toContain('$firescrypt$');
  });
});
