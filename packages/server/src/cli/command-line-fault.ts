import type { Command, CommanderError } from 'commander';

const invalidOption = /^option '(?:-\w, )?(--[\w-]+).*?' argument '(.*?)' is invalid\. ?(.*)$/s;
const invalidArgument = /^command-argument value '(.*?)' is invalid for argument '(.*?)'\. ?(.*)$/s;

/** The sentence for a command line that Commander rejects. */
export function commandLineFault(
  program: Command,
  words: readonly string[],
  { code, message }: CommanderError,
): string {
  const [fault = '', suggestion] = message.replace(/^error: /, '').split('\n(', 2);
  const [, flag, given, rule] = invalidOption.exec(fault) ?? [];
  if (flag) return `'${given}' isn’t valid for ${flag}. ${rule}`.trim();
  const [, value, argument, choices] = invalidArgument.exec(fault) ?? [];
  if (argument) return `'${value}' isn’t valid for <${argument}>. ${choices}`.trim();
  const start = code === 'commander.unknownOption' ? /'(--[^']+)'/.exec(fault)?.[1] : undefined;
  const longer = start === undefined ? undefined : longerFlag(commandOf(program, words), start);
  const hint = longer === undefined ? suggestion?.replace(/\)$/, '') : `Did you mean ${longer}?`;
  const sentence = `${fault.charAt(0).toUpperCase()}${fault.slice(1)}`.replace(/\.?$/, '.');
  return hint === undefined ? sentence : `${sentence} ${hint}`;
}

/** The flag that begins with the given one: `--reset` is rather `--reset-rejected` than `--report`. */
const longerFlag = (command: Command, start: string): string | undefined =>
  command.options.map(({ long }) => long ?? '').find((long) => long.startsWith(`${start}-`));

/** The command that a command line names. */
function commandOf(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const word of words) command = command.commands.find((one) => one.name() === word) ?? command;
  return command;
}
