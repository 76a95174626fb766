import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../../config.ts';
import { canonicalTag } from '../../languages/catalog.ts';
import { CLIENT_VALUES, emailKinds, emailValues } from './kinds.ts';
import { type Layout, parseLayout } from './layout.ts';
import { type Block, type Piece, parseBlocks, parsePieces, type Source } from './markup.ts';

export interface Template {
  subject: Piece[];
  /** The preview text that a list of emails shows next to the subject. */
  preview: Piece[];
  body: Block[];
}

/** All email templates of one language. */
export interface Templates {
  footer: Block[];
  emails: Readonly<Record<keyof typeof emailValues, Template>>;
}

/** The templates of an installation. */
export interface AllTemplates {
  layout: Layout;
  /** The languages that have templates. */
  languages: readonly string[];
  /** Reads the templates of one of them, once. */
  in(language: string): Templates;
}

// Three levels above this module, both in `src` and in `dist`.
const ownFolder = fileURLToPath(new URL('../../../emails/', import.meta.url));

/** Values that every template may use. */
const EVERYWHERE = ['service', 'url'];

/**
 * Opens the templates: `layout.html`, and in a folder for each language one file per email and the footer. A file in
 * `folder` replaces the one of the same name. The operator's languages are read at once, to report what is wrong; ours
 * when somebody gets an email in them.
 *
 * @throws ConfigError that names the file and what is wrong in it.
 */
export function openTemplates(folder: string | undefined): AllTemplates {
  if (folder !== undefined && !existsSync(folder))
    throw new ConfigError(`USHER_EMAIL_TEMPLATES: folder ${folder} not found.`);
  const read: Read = (name) => {
    const own = folder === undefined ? undefined : join(folder, name);
    const file = own !== undefined && existsSync(own) ? own : join(ownFolder, name);
    if (!existsSync(file)) throw new ConfigError(`USHER_EMAIL_TEMPLATES: ${own ?? file} not found.`);
    return { file, text: readFileSync(file, 'utf8').replaceAll('\r\n', '\n') };
  };
  const layout = read('layout.html');
  const known = new Map<string, Templates>();
  const templatesIn = (language: string): Templates => {
    const templates = known.get(language) ?? readTemplates(read, language);
    known.set(language, templates);
    return templates;
  };
  const own = folder === undefined ? [] : languagesIn(folder);
  for (const language of own) templatesIn(language);
  return {
    layout: parseLayout(layout.text, layout.file),
    languages: [...new Set([...languagesIn(ownFolder), ...own])],
    in: templatesIn,
  };
}

type Read = (name: string) => { file: string; text: string };

/** The folders of templates that are named after a language. */
const languagesIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && canonicalTag(entry.name) === entry.name)
    .map((entry) => entry.name);

function readTemplates(read: Read, language: string): Templates {
  const footer = read(`${language}/footer.md`);
  const emails = emailKinds.map((kind) => {
    const { file, text } = read(`${language}/${kind}.md`);
    const values = new Set([...emailValues[kind], ...CLIENT_VALUES, ...EVERYWHERE]);
    return [kind, parseTemplate(text, { file, values })];
  });
  return {
    footer: parseBlocks(footer.text, { file: footer.file, values: new Set(EVERYWHERE) }),
    emails: Object.fromEntries(emails),
  };
}

function parseTemplate(text: string, source: Source): Template {
  const [, head, body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text) ?? [];
  const fields = new Map(head?.split('\n').map((line) => splitField(line, source)));
  const [subject, preview] = [fields.get('subject'), fields.get('preview')];
  if (!subject || !preview)
    throw new ConfigError(
      `${source.file}: must start with front matter: a line ---, then subject: and preview:, then a line ---.`,
    );
  return {
    subject: parsePieces(subject, source),
    preview: parsePieces(preview, source),
    body: parseBlocks(body, source),
  };
}

function splitField(line: string, { file }: Source): [string, string] {
  const [, name, text] = /^(subject|preview): (.+)$/.exec(line) ?? [];
  if (name && text) return [name, text.trim()];
  throw new ConfigError(`${file}: expected "subject: ..." or "preview: ...", not "${line}".`);
}
