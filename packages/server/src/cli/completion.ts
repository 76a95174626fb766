import { Argument, type Command } from 'commander';
import { printLine } from './output.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'Shell to generate completions for.').choices(shells))
    .description('Print a shell completion script.')
    .addHelpText(
      'after',
      `
Examples:
  usher completion bash >> ~/.bashrc
  usher completion zsh > "\${fpath[1]}/_usher"
  usher completion fish > ~/.config/fish/completions/usher.fish`,
    )
    .action((shell: Shell) => printLine(writers[shell](wordsOf(program))));
}

/** What may follow a command: subcommands, flags, and the values of flags that accept only certain ones. */
interface Words {
  /** Such as `user add`; empty for the program itself. */
  path: string;
  words: { word: string; help: string }[];
}

function wordsOf(command: Command, path: readonly string[] = []): Words[] {
  const shown = command.createHelp();
  const subcommands = shown.visibleCommands(command).filter((one) => one.name() !== 'help');
  const words = [
    ...subcommands.map((one) => ({ word: one.name(), help: one.description() })),
    ...command.registeredArguments.flatMap(({ argChoices = [], description }) =>
      argChoices.map((word) => ({ word, help: description })),
    ),
    ...shown
      .visibleOptions(command)
      .map(({ long, description }) => ({ word: long ?? '', help: description })),
  ].filter(({ word }) => word !== '');
  return [
    { path: path.join(' '), words },
    ...subcommands.flatMap((one) => wordsOf(one, [...path, one.name()])),
  ];
}

const writers: Record<Shell, (all: Words[]) => string> = { bash: writeBash, zsh: writeZsh, fish: writeFish };

/**
 * Finds the longest path of commands among the words typed so far: `$at` is that path, `$next` what may follow it.
 *
 * @param typed The shell's expression for these words.
 */
const findPath = (all: Words[], typed: string): string => `  local at='' next='${topOf(all)}' word
  for word in "\${${typed}}"; do
    case "\${at:+$at }$word" in
${cases(all)}
    esac
  done`;

const cases = (all: Words[]): string =>
  all
    .filter(({ path }) => path !== '')
    .map(
      ({ path, words }) =>
        `      '${path}') at='${path}'; next='${words.map(({ word }) => word).join(' ')}' ;;`,
    )
    .join('\n');

const topOf = (all: Words[]): string => (all[0]?.words ?? []).map(({ word }) => word).join(' ');

function writeBash(all: Words[]): string {
  return `_usher() {
${findPath(all, 'COMP_WORDS[@]:1:COMP_CWORD-1')}
  COMPREPLY=($(compgen -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _usher usher`;
}

function writeZsh(all: Words[]): string {
  return `#compdef usher
_usher() {
${findPath(all, '(@)words[2,CURRENT-1]')}
  compadd -- \${(s: :)next}
  _files
}
# Loaded from $fpath this file is itself the first call; sourced it is none.
if [[ $funcstack[1] == _usher ]]; then _usher "$@"; else compdef _usher usher; fi`;
}

function writeFish(all: Words[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\\\', '\\\\\\\\').replaceAll("'", "\\\\'")}'`;
  const lines = all.flatMap(({ path, words }) =>
    words.map(({ word, help }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c usher -n ${quote(`__usher_at ${path}`.trim())} ${what} -d ${quote(help)}`;
    }),
  );
  const paths = all.map(({ path }) => `'${path}'`).join(' ');
  return `function __usher_at
  set -l at ''
  for word in (commandline -opc)[2..]
    set -l longer (string trim -- "$at $word")
    contains -- $longer ${paths}; and set at $longer
  end
  test "$at" = "$argv"
end
${lines.join('\n')}`;
}
