import { ConfigError } from '../../config.ts';

/**
 * The markup of a template:
 *
 *     # Heading
 *     Text with **strong** words and a {{value}}.
 *     `{{code}}`                  a code, large
 *     [Label]({{link}})           a button
 *     - Label: {{value}}          a line of facts
 *
 * An empty line separates blocks. A block with an empty value is omitted; in a list of facts, only that line is.
 */
export type Block = Line[];

export type Line =
  | { kind: 'heading' | 'paragraph' | 'code'; content: Piece[] }
  | { kind: 'button'; content: Piece[]; target: Piece[] }
  | { kind: 'fact'; label: Piece[]; content: Piece[] };

/** Text from the template, or a value by name. */
export type Piece = { strong: boolean } & ({ text: string } | { value: string });

/** Where a text comes from, and the values that it may use. */
export interface Source {
  file: string;
  values: ReadonlySet<string>;
}

/** @throws ConfigError that names the file and what is wrong in it. */
export function parseBlocks(text: string, source: Source): Block[] {
  return text
    .split(/\n(?:[ \t]*\n)+/)
    .map((block) => block.split('\n').filter((line) => line.trim() !== ''))
    .filter((lines) => lines.length > 0)
    .map((lines) => joinParagraphs(lines.map((line) => parseLine(line.trim(), source))));
}

function parseLine(line: string, source: Source): Line {
  const [, heading] = /^# (.+)$/.exec(line) ?? [];
  if (heading) return { kind: 'heading', content: parsePieces(heading, source) };
  const [, code] = /^`(.+)`$/.exec(line) ?? [];
  if (code) return { kind: 'code', content: parsePieces(code, source) };
  const [, label, target] = /^\[(.+)\]\((.+)\)$/.exec(line) ?? [];
  if (label && target)
    return { kind: 'button', content: parsePieces(label, source), target: parseTarget(target, source) };
  const [, name, fact] = /^- ([^:]+): (.+)$/.exec(line) ?? [];
  if (name && fact)
    return { kind: 'fact', label: parsePieces(name, source), content: parsePieces(fact, source) };
  if (line.startsWith('- '))
    throw new ConfigError(`${source.file}: list items must be written as "- Label: value", not "${line}".`);
  return { kind: 'paragraph', content: parsePieces(line, source) };
}

/** A link goes to a URL that Usher generates, or to one that the template spells out. */
function parseTarget(target: string, source: Source): Piece[] {
  const [, link, url, rest = ''] = /^(?:\{\{(link)\}\}|\{\{(url)\}\}([\w/.?=&#-]*)|https:\/\/\S+)$/.exec(
    target,
  ) ?? [''];
  if (link || url) return parsePieces(`{{${link ?? url}}}${rest}`, source);
  if (/^https:\/\/[^\s{}]+$/.test(target)) return [{ strong: false, text: target }];
  throw new ConfigError(
    `${source.file}: links must point to {{link}}, {{url}}/PATH or an https URL, not "${target}".`,
  );
}

/**
 * @throws ConfigError for a placeholder that the email has no value for, for unbalanced markup, and for a link or code
 * inside a sentence, which would be shown verbatim.
 */
export function parsePieces(text: string, { file, values }: Source): Piece[] {
  const pieces: Piece[] = [];
  let strong = false;
  for (const part of text.split(/(\*\*|\{\{[^{}]*\}\})/)) {
    const [, name] = /^\{\{ ?([^{}]*?) ?\}\}$/.exec(part) ?? [];
    if (part === '**') strong = !strong;
    else if (name !== undefined) {
      if (!values.has(name))
        throw new ConfigError(
          `${file}: unknown placeholder {{${name}}}. Available: ${[...values].map((value) => `{{${value}}}`).join(', ')}.`,
        );
      pieces.push({ strong, value: name });
    } else if (/\{\{|\}\}/.test(part)) throw new ConfigError(`${file}: unclosed placeholder in "${text}".`);
    else if (/`|\]\(/.test(part))
      throw new ConfigError(`${file}: the link or code in "${text}" must be on a line of its own.`);
    else if (part !== '') pieces.push({ strong, text: part });
  }
  if (strong) throw new ConfigError(`${file}: unmatched ** in "${text}".`);
  return pieces;
}

/** Joins consecutive lines of text into one paragraph. */
function joinParagraphs(lines: Line[]): Block {
  const block: Block = [];
  for (const line of lines) {
    const before = block.at(-1);
    if (line.kind === 'paragraph' && before?.kind === 'paragraph')
      before.content.push({ strong: false, text: ' ' }, ...line.content);
    else block.push(line);
  }
  return block;
}

export type Values = Readonly<Record<string, string>>;

/** The parts of a template to show with these values: all except those that contain an empty one. */
export function withoutEmpty(blocks: readonly Block[], values: Values): Block[] {
  const isWhole = (line: Line): boolean => {
    const pieces = line.kind === 'button' ? [...line.content, ...line.target] : line.content;
    return pieces.every((piece) => !('value' in piece) || values[piece.value] !== '');
  };
  return blocks
    .filter((block) => block.every((line) => line.kind === 'fact' || isWhole(line)))
    .map((block) => block.filter(isWhole))
    .filter((block) => block.length > 0);
}

/** Converts pieces to plain text. */
export function plainOf(pieces: readonly Piece[], values: Values): string {
  return pieces.map((piece) => ('value' in piece ? (values[piece.value] ?? '') : piece.text)).join('');
}
