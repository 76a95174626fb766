import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../../..');
export const guides = join(root, 'docs/guides');

export const readGuide = (name: string): string => readFileSync(join(guides, name), 'utf8');

export interface Block {
  language: string;
  /**
   * The file that the block belongs to, if the guide names one: after the language, or in the sentence before the
   * block.
   */
  file: string | undefined;
  text: string;
}

/** The code blocks of a guide in order, without list indentation. */
export function blocksOf(guide: string): Block[] {
  const found = [...guide.matchAll(/^( *)```([\w.]+)?(?: (\S+))?\n([\s\S]*?)^\1```$/gm)];
  return found.map(({ 1: indent = '', 2: language = '', 3: file, 4: text = '', index }) => {
    const before =
      guide
        .slice(0, index)
        .trimEnd()
        .split(/\n\n|```\n/)
        .at(-1) ?? '';
    const named = /`([\w./[\]-]+\.\w+)`[^`]*:$/.exec(before.replaceAll('\n', ' '))?.[1];
    return { language, file: file ?? named, text: text.replaceAll(`\n${indent}`, '\n') };
  });
}

/** The text of all blocks in a language. */
export const textsOf = (guide: string, language: string): string[] =>
  blocksOf(guide)
    .filter((block) => block.language === language)
    .map(({ text }) => text);

const nameOf = (folder: string): string =>
  JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')).name;

/** A program of a guide, adapted to run here, where packages may have the names of this checkout. */
export const asHere = (program: string): string =>
  program
    .replaceAll("'usher-auth'", `'${nameOf('server')}'`)
    .replaceAll("'@usher-auth/guard", `'${nameOf('guard')}`)
    .replaceAll("'@usher-auth/client", `'${nameOf('client')}`);
