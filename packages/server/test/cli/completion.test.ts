import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { newFolder } from '../support/process.ts';
import { run } from './program.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
const call = promisify(execFile);

let folder: string;
const scripts: Record<string, string> = {};
beforeAll(async () => {
  folder = newFolder();
  await Promise.all(
    shells.map(async (shell) => {
      const { code, stdout } = await run(folder, {}, ['completion', shell]);
      expect(code).toBe(0);
      scripts[shell] = stdout;
      writeFileSync(join(folder, `usher.${shell}`), stdout);
    }),
  );
});

describe('usher completion', () => {
  /** What bash offers for a line; the last word is the one being typed. */
  async function complete(...words: string[]): Promise<string[]> {
    const line = words.map((word) => `'${word}'`).join(' ');
    const script = `source ./usher.bash
      COMP_WORDS=(usher ${line}); COMP_CWORD=${words.length}
      _usher; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await call('bash', ['--norc', '-c', script], { cwd: folder });
    return stdout.split('\n').filter(Boolean);
  }

  it('offers commands, theirs, and flags, in bash', async () => {
    expect(await complete('se')).toEqual(['serve']);
    expect(await complete('')).toEqual(expect.arrayContaining(['serve', 'db', 'user', 'init', 'completion']));
    expect(await complete('user', 'pro')).toEqual(['promote']);
    expect(await complete('serve', '--po')).toEqual(['--port']);
    expect(await complete('serve', '--port', '4001', '--ho')).toEqual(['--host']);
    expect(await complete('completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
    expect(await complete('db', 'user', 'dr')).toEqual(['drop']);
    expect(await complete('serve', 'add')).toEqual([]);
  });

  /** What zsh offers at the first Tab, as it loads the file from where it keeps them; what the shell would bring is stood in for. */
  const zsh = (...words: string[]) => [
    '-f',
    '-c',
    `mkdir -p fn && cp usher.zsh fn/_usher; fpath=($PWD/fn $fpath); autoload -Uz _usher
      compdef() { print compdef }; _files() { }; compadd() { shift; print -l -- $@ }
      words=(usher ${words.join(' ')} ''); CURRENT=$#words; _usher`,
  ];
  const fish = (...words: string[]) => [
    '--no-config',
    '-c',
    `source usher.fish; complete -C 'usher ${words.join(' ')} --'; complete -C 'usher ${words.join(' ')} '`,
  ];

  it.each([
    ['zsh', zsh],
    ['fish', fish],
  ] as const)('offers commands, theirs, and flags, in %s, where there is one', async (shell, ask) => {
    const isThere = await call(shell, ['--version']).catch(() => false);
    if (isThere === false) return;
    const offered = async (...words: string[]) => {
      const { stdout } = await call(shell, ask(...words), { cwd: folder });
      return stdout.split('\n').map((line) => line.split('\t')[0]);
    };
    expect(await offered()).toEqual(expect.arrayContaining(['serve', 'db', 'user', 'init', 'completion']));
    expect(await offered('user')).toEqual(expect.arrayContaining(['promote', 'import']));
    expect(await offered('serve', '--port', '4001')).toEqual(expect.arrayContaining(['--host', '--app']));
    expect(await offered('completion')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
    expect(await offered('db', 'user')).toEqual(expect.arrayContaining(['drop']));
    expect(await offered('serve', 'add')).not.toContain('promote');
    expect(await offered('user')).not.toContain('compdef');
  });

  it.each(shells)('knows every command and flag in %s, and no secret has one', (shell) => {
    const text = scripts[shell] ?? '';
    for (const word of ['serve', 'rotate', 'promote', 'port', 'json', 'completion'])
      expect(text).toMatch(new RegExp(`\\b${word}\\b`));
    expect(text).not.toContain('smtp-url');
    expect(text).not.toContain('undefined');
  });

  it.each(shells)('is understood by %s, where there is one', async (shell) => {
    const isThere = await call(shell, ['--version']).then(
      () => true,
      () => false,
    );
    const checked = isThere && (await call(shell, ['-n', `usher.${shell}`], { cwd: folder }));
    expect(checked === false || checked.stderr === '').toBe(true);
  });

  it('names the shells that it knows', async () => {
    const { code, stderr } = await run(folder, {}, ['completion', 'tcsh']);
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are bash, zsh, fish.');
  });
});
