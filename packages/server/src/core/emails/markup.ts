import { ConfigError } from '../../config.ts';

/**
 * The few signs that a template is written with:
 *
 *     # Heading
 *     Text with **strong** words and a {{value}}.
 *     `{{code}}`                  a code, big
 *     [Label]({{link}})           a button
 *     - Label: {{value}}          a line of facts
 *
 * Blocks stand apart by an empty line. A block in which a value is empty is left out; of facts, that line alone.
 */
export type Block = Line[];

export type Line =
  | { kind: 'heading' | 'paragraph' | 'code'; content: Piece[] }
  | { kind: 'button'; content: Piece[]; target: Piece[] }
  | { kind: 'fact'; label: Piece[]; content: Piece[] };

/** Text as it stands in the template, or a value by its name. */
export type Piece = { strong: boolean } & ({ text: string } | { value: string });

/** Where a text comes from, and the values that may stand in it. */
export interface Source {
  file: string;
  values: ReadonlySet<string>;
}

/** @throws ConfigError that names the file and what is wrong. */
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

/** A link leads to what we made, or to an address that the template itself writes out. */
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
 * @throws ConfigError for a placeholder that the email has no value for, for signs without their other half, and for a link or
 *   code inside a sentence, which would be shown as it is written.
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

/** Lines of text that follow each other are one paragraph. */
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

/** Of a template, what is shown with these values: nothing that an empty one stands in. */
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

/** Pieces as plain text. */
export function plainOf(pieces: readonly Piece[], values: Values): string {
  return pieces.map((piece) => ('value' in piece ? (values[piece.value] ?? '') : piece.text)).join('');
}
