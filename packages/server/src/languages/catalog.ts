import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../config.ts';
import { placeholderFaults } from './placeholders.ts';

/** The messages of one language by key, in ICU message format. */
export type Catalog = Readonly<Record<string, string>>;

/** The language in which every message exists. */
export const SOURCE = 'en';

/** Sentences of the API that are the same in every language, to the letter: programs compare them. */
export const FIXED: ReadonlySet<string> = new Set([
  'errors.invalid_credentials',
  'errors.signup_rejected',
  'errors.user_exists',
]);

// Two levels above this module, both in `src` and in `dist`.
const ownFolder = fileURLToPath(new URL('../../messages/', import.meta.url));

let english: Catalog | undefined;

export function readEnglish(): Catalog {
  english ??= readFile(join(ownFolder, `${SOURCE}.json`));
  return english;
}

/** The files of one language: ours, the operator's, or both. */
type Files = Map<string, { builtIn?: string; own?: string }>;

/**
 * Lists the languages: those of Usher, and those for which `folder` has a file. The operator's files are validated at
 * once, ours by `npm run check:messages`.
 *
 * @param folder `USHER_MESSAGES`
 * @throws ConfigError that names the file, the key and what is wrong with it.
 */
export function findCatalogs(folder: string | undefined): Files {
  const files: Files = new Map();
  for (const [language, file] of list(ownFolder)) files.set(language, { builtIn: file });
  if (folder === undefined) return files;
  if (!existsSync(folder)) throw new ConfigError(`USHER_MESSAGES: folder ${folder} not found.`);
  for (const [language, file] of list(folder)) {
    validate(language, file);
    files.set(language, { ...files.get(language), own: file });
  }
  return files;
}

/** Reads a language. The operator's messages replace ours; a message that neither has is English. */
export function readCatalog({ builtIn, own }: { builtIn?: string; own?: string }): Catalog {
  return {
    ...readEnglish(),
    ...(builtIn === undefined ? {} : readFile(builtIn)),
    ...(own === undefined ? {} : readFile(own)),
  };
}

/** The JSON files of a folder by language tag (RFC 5646) in its canonical form. */
function list(folder: string): [language: string, file: string][] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const language = canonicalTag(name.slice(0, -'.json'.length));
      if (language === undefined)
        throw new ConfigError(
          `USHER_MESSAGES: ${join(folder, name)}: a file is named after its language, like pt-BR.json.`,
        );
      return [language, join(folder, name)];
    });
}

/** A language tag as RFC 5646 writes it, such as `pt-BR`; undefined for anything else. */
export function canonicalTag(tag: string): string | undefined {
  // 35 characters hold every tag of RFC 5646, section 4.4.1.
  if (tag.length > 35) return undefined;
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}

function readFile(file: string): Catalog {
  const fail = (reason: string) => new ConfigError(`${file}: ${reason}`);
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw fail(`not valid JSON (${(error as Error).message}).`);
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read))
    throw fail('must be a JSON object of keys and messages.');
  for (const [key, message] of Object.entries(read))
    if (typeof message !== 'string' || message === '')
      throw fail(`${key}: must be a text that is not empty.`);
  return read as Catalog;
}

function validate(language: string, file: string): void {
  for (const [key, message] of Object.entries(readFile(file))) {
    const source = readEnglish()[key];
    const [fault] =
      source === undefined || FIXED.has(key)
        ? [source === undefined ? 'unknown key.' : 'this sentence is the same in every language.']
        : placeholderFaults(language, source, message);
    if (fault !== undefined) throw new ConfigError(`${file}: ${key}: ${fault}`);
  }
}
