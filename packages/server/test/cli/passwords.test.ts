import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { openBreachedPasswords } from '../../src/core/passwords/breached.ts';
import { run } from './program.ts';

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex').toUpperCase();
const listed = ['dolphin-trumpet', 'ein Bär im Öl', 'x7Kp2mQ9', 'correct horse'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(inject('folder'), 'passwords-'));
});
const path = (name: string) => join(folder, name);
const usher = (...args: string[]) => run(folder, {}, ['passwords', ...args]);

/** Which of these are on a list. */
async function found(file: string, passwords: string[]): Promise<string[]> {
  const list = await openBreachedPasswords(file);
  const answers = await Promise.all(passwords.map((password) => list.has(password)));
  await list.close();
  return passwords.filter((_, at) => answers[at]);
}

describe('usher passwords build', () => {
  const hashes = listed.map((password, at) => `${sha1(password)}:${at + 1}`).join('\r\n');
  it.each([
    ['hashes with counts', 'hashes.txt', hashes],
    ['hashes alone, in lower case', 'hashes.txt', `${listed.map(sha1).join('\n').toLowerCase()}\n`],
    ['compressed hashes', 'hashes.txt.gz', gzipSync(hashes)],
    [
      'passwords as they are, however they are composed',
      'words.txt',
      `${listed.join('\n').normalize('NFD')}\n\n`,
    ],
  ])('U18: makes a list of %s, each once', async (_, name, content) => {
    writeFileSync(path(name), content);
    const { code, stdout } = await usher('build', name, '--output', 'list', '--json');
    expect({ code, stdout: JSON.parse(stdout) }).toEqual({ code: 0, stdout: { file: 'list', entries: 4 } });
    expect(await found(path('list'), [...listed, 'something else', 'X7Kp2mQ9'])).toEqual(listed);
    // The hashes of a second file replace it; nothing else is left.
    expect(readdirSync(folder).sort()).toEqual([name, 'list'].sort());
  });

  it('leaves out what was seen less often than asked', async () => {
    writeFileSync(path('hashes.txt'), hashes);
    expect((await usher('build', 'hashes.txt', '--output', 'list', '--min-count', '3')).code).toBe(0);
    expect(await found(path('list'), listed)).toEqual(listed.slice(2));
  });

  it('finds what it has among 20,000, and next to nothing that it does not have', async () => {
    const newWords = (length: number) => Array.from({ length }, () => randomBytes(9).toString('base64url'));
    const words = newWords(20_000);
    writeFileSync(path('words.txt'), words.join('\n'));
    expect((await usher('build', 'words.txt', '--output', 'list')).code).toBe(0);
    expect((await found(path('list'), words.slice(0, 1000))).length).toBe(1000);
    // Less than 1 in 100,000 is promised: of 2,000 more than one is wrong once in ten thousand runs.
    expect((await found(path('list'), newWords(2000))).length).toBeLessThanOrEqual(1);
    expect(readFileSync(path('list')).length).toBeLessThan(words.length * 3.2 + 1000);
  });

  it.each([
    ['a file that is missing', 'missing.txt', undefined, 2, 'File not found: missing.txt'],
    ['an empty file', 'empty.txt', '\n\n', 1, 'contains no hashes or passwords'],
    [
      'a line that is no hash',
      'hashes.txt',
      `${sha1('a')}:1\n${sha1('b')}:1\nnonsense\n`,
      1,
      'hashes.txt, line 3',
    ],
    [
      'a compressed file that is cut off',
      'cut.gz',
      gzipSync(hashes).subarray(0, 60),
      1,
      'Couldn’t read cut.gz',
    ],
    ['a line without an end', 'long.txt', 'x'.repeat(3_000_000), 1, 'too long for a password'],
  ])('rejects %s, and leaves nothing behind', async (_, name, content, code, said) => {
    writeFileSync(path('list'), 'what was there before');
    if (content !== undefined) writeFileSync(path(name), content);
    const ended = await usher('build', name, '--output', 'list');
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(said);
    expect(readFileSync(path('list'), 'utf8')).toBe('what was there before');
    expect(readdirSync(folder).length).toBe(content === undefined ? 1 : 2);
  });
});

it('usher passwords build names the folder of --output that is not there', async () => {
  writeFileSync(path('words.txt'), 'dolphin-trumpet');
  const { code, stderr } = await usher('build', 'words.txt', '--output', 'nowhere/list');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'usher: Can’t write nowhere/list: folder nowhere doesn’t exist.\n',
  });
});

describe('usher passwords fetch', () => {
  let server: Server;
  let asked: string[];
  /** What to answer for a range, before the hashes are. */
  let before: (range: string, times: number) => { status: number; text?: string } | undefined;
  const prefix = sha1('dolphin-trumpet').slice(0, 4);
  const fillers = ['1', '2', '3'].filter((digit) => digit !== sha1('dolphin-trumpet')[5]).slice(0, 2);
  beforeEach(async () => {
    asked = [];
    before = () => undefined;
    server = createServer((request, response) => {
      const range = request.url?.split('/').at(-1) ?? '';
      asked.push(range);
      const other = before(range, asked.filter((one) => one === range).length);
      const lines = [...listed.map(sha1), ...fillers.map((digit) => range + digit.repeat(35))]
        .filter((hash) => hash.startsWith(range))
        .map((hash) => `${hash.slice(5)}:7`);
      response.writeHead(other?.status ?? 200).end(other?.text ?? lines.join('\r\n'));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterEach(() => new Promise((closed) => server.close(closed)));
  const fetchFrom = (...more: string[]) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`;
    return usher('fetch', '--url', url, '--prefix', prefix, '--output', 'list', ...more);
  };

  it('U18: makes a list of every range, once each, and asks again where a server is busy', async () => {
    before = (range, times) => (range === `${prefix}3` && times === 1 ? { status: 503 } : undefined);
    const { code, stdout } = await fetchFrom('--json');
    expect({ code, stdout: JSON.parse(stdout) }).toEqual({ code: 0, stdout: { file: 'list', entries: 33 } });
    expect(await found(path('list'), listed)).toEqual(['dolphin-trumpet']);
    const ranges = [...'0123456789ABCDEF'].map((digit) => prefix + digit);
    expect(asked.toSorted()).toEqual([...ranges, `${prefix}3`].toSorted());
    expect(readdirSync(folder)).toEqual(['list']);
  });

  it.each([
    ['says no', { status: 404 }, 'unexpected status 404'],
    [
      'is something else',
      { status: 200, text: '<html>Sign in to this network</html>' },
      'isn’t a list of hashes',
    ],
  ])('stops where the server %s, and goes on when it is run again', async (_, answer, said) => {
    before = (range) => (range === `${prefix}7` ? answer : undefined);
    const failed = await fetchFrom('--concurrency', '2');
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain(`Couldn’t download range ${prefix}7 from http://127.0.0.1:`);
    expect(failed.stderr).toContain(said);
    expect(readdirSync(folder)).not.toContain('list');
    before = () => undefined;
    expect((await fetchFrom()).code).toBe(0);
    expect(await found(path('list'), listed)).toEqual(['dolphin-trumpet']);
    expect(readdirSync(folder)).toEqual(['list']);
  });

  it('fetches no part that an earlier run has fetched', async () => {
    const kept = path(`list.fetch-${prefix}-1`);
    mkdirSync(kept);
    writeFileSync(join(kept, prefix.slice(0, 2)), Buffer.from(sha1('dolphin-trumpet').slice(0, 12), 'hex'));
    expect((await fetchFrom()).code).toBe(0);
    expect(asked).toEqual([]);
    expect(await found(path('list'), listed)).toEqual(['dolphin-trumpet']);
  });

  it.each([
    ['--prefix', 'xyz'],
    ['--concurrency', '65'],
    ['--concurrency', '0'],
    ['--url', 'nowhere'],
  ])('rejects %s %s', async (...flag) => {
    expect(await usher('fetch', '--output', 'list', ...flag)).toMatchObject({ code: 2, stdout: '' });
    expect(readdirSync(folder)).toEqual([]);
  });
});
