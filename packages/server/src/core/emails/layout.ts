import { ConfigError } from '../../config.ts';
import { type Block, type Line, type Piece, plainOf, type Values } from './markup.ts';

/** `layout.html`: the document, and a part for each kind of markup. It holds the whole design of an email. */
export interface Layout {
  document: string;
  parts: Readonly<Record<Part, string>>;
}

const partNames = ['heading', 'paragraph', 'strong', 'code', 'button', 'facts', 'fact', 'note'] as const;
type Part = (typeof partNames)[number];

const documentValues = new Set([
  'lang',
  'dir',
  'start',
  'subject',
  'preview',
  'service',
  'url',
  'content',
  'footer',
]);
const partValues = new Set(['content', 'label', 'href']);

/** @throws ConfigError for a missing part, and for an unknown placeholder. */
export function parseLayout(text: string, file: string): Layout {
  const found = new Map<string, string>();
  const document = text.replace(/<template id="([a-z]+)">([\s\S]*?)<\/template>\n*/g, (_, name, part) => {
    checkPlaceholders(part, partValues, file);
    found.set(name, part.trim());
    return '';
  });
  checkPlaceholders(document, documentValues, file);
  if (!document.includes('{{content}}')) throw new ConfigError(`${file}: missing {{content}}.`);
  const parts = {} as Record<Part, string>;
  for (const name of partNames) {
    const part = found.get(name);
    if (part === undefined) throw new ConfigError(`${file}: missing <template id="${name}">.`);
    parts[name] = part;
  }
  return { document, parts };
}

function checkPlaceholders(text: string, known: ReadonlySet<string>, file: string): void {
  for (const [placeholder, name = ''] of text.matchAll(/\{\{([^{}]*)\}\}/g))
    if (!known.has(name))
      throw new ConfigError(
        `${file}: unknown placeholder ${placeholder}. Available: ${[...known].map((one) => `{{${one}}}`).join(', ')}.`,
      );
}

/** Renders the whole document. `values` are plain text; `footer` may have several blocks. */
export function documentOf(layout: Layout, blocks: Block[], footer: Block[], values: Values): string {
  const content = htmlOf(blocks, values, layout.parts);
  const note = htmlOf(footer, values, { ...layout.parts, paragraph: layout.parts.note });
  const texts = Object.entries(values).map(([name, text]) => [name, escapeHtml(text)]);
  return `${fill(layout.document, { ...Object.fromEntries(texts), content, footer: note }).trim()}\n`;
}

function htmlOf(blocks: readonly Block[], values: Values, parts: Layout['parts']): string {
  const inline = (pieces: readonly Piece[]) =>
    pieces
      .map((piece) => {
        const text = escapeHtml(plainOf([piece], values));
        return piece.strong ? fill(parts.strong, { content: text }) : text;
      })
      .join('');
  const lineOf = (line: Line): string => {
    const content = inline(line.content);
    if (line.kind === 'button')
      return fill(parts.button, { content, href: escapeHtml(plainOf(line.target, values)) });
    if (line.kind === 'fact') return fill(parts.fact, { content, label: inline(line.label) });
    return fill(parts[line.kind], { content });
  };
  return groupFacts(blocks)
    .map((lines) => {
      const content = lines.map(lineOf).join('\n');
      return lines[0]?.kind === 'fact' ? fill(parts.facts, { content }) : content;
    })
    .join('\n');
}

/** Groups consecutive facts. */
function groupFacts(blocks: readonly Block[]): Line[][] {
  const groups: Line[][] = [];
  for (const block of blocks)
    for (const [index, line] of block.entries())
      if (index > 0 && line.kind === 'fact' && block[index - 1]?.kind === 'fact') groups.at(-1)?.push(line);
      else groups.push([line]);
  return groups;
}

/** The replacements are HTML and are not scanned again: a value that looks like a placeholder stays as it is. */
function fill(text: string, html: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{([^{}]*)\}\}/g, (_, name: string) => html[name] ?? '');
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}
