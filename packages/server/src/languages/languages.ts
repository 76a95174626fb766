import { LRUCache } from 'lru-cache';
import { ConfigError } from '../config.ts';
import { canonicalTag, findCatalogs, readCatalog } from './catalog.ts';
import { createTranslator, type Translator } from './translator.ts';

/** The languages of an installation. */
export interface Languages {
  /** Their tags (RFC 5646), sorted. */
  readonly all: readonly string[];
  /** `USHER_LANGUAGE` */
  readonly fallback: string;
  /** The language for a tag that a user chose, if there is one: `de` for `de-AT`, `zh-Hans` for `zh-TW`. */
  match(tag: string | null): string | undefined;
  /** The language for an Accept-Language header (RFC 9110, section 12.5.4), if there is one. */
  accepted(header: string | null): string | undefined;
  /** Translates to a language of `all`; to the fallback for any other. */
  in(language: string): Translator;
}

/**
 * Opens the languages of Usher and of the operator.
 *
 * @throws ConfigError that names the file or setting and what is wrong with it.
 */
export function openLanguages(own: { folder: string | undefined; fallback: string }): Languages {
  const catalogs = findCatalogs(own.folder);
  const all = [...catalogs.keys()].sort();
  const { match, matchNearest } = matcher(all);
  const fallback = match(own.fallback);
  if (fallback === undefined)
    throw new ConfigError(`USHER_LANGUAGE: ${own.fallback} is none of the languages: ${all.join(', ')}.`);
  const translators = new Map(
    [...catalogs].map(([language, files]) => [
      language,
      createTranslator(language, () => readCatalog(files)),
    ]),
  );
  const known = new LRUCache<string, { language: string | undefined }>({ max: 500 });
  return {
    all,
    fallback,
    match: (tag) => (tag === null ? undefined : (match(tag) ?? matchNearest(tag))),
    accepted(header) {
      const key = (header ?? '').slice(0, MAX_HEADER);
      const found = known.get(key) ?? { language: accept(key, match) ?? accept(key, matchNearest) };
      known.set(key, found);
      return found.language;
    },
    in: (language) => (translators.get(language) ?? translators.get(fallback)) as Translator,
  };
}

/** Browsers send less; the rest of a longer header is ignored, so that reading one is bounded work (attack D8). */
const MAX_HEADER = 300;
const MAX_RANGES = 20;

/** The first language that matches, in order of the quality values (RFC 4647, section 3.4). */
function accept(header: string, match: (tag: string) => string | undefined): string | undefined {
  const ranges = header
    .split(',', MAX_RANGES)
    .map((range) => {
      const [, tag = '', quality = '1'] =
        /^\s*([A-Za-z0-9-]+|\*)\s*(?:;\s*q=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?$/.exec(range) ?? [];
      return { tag, quality: Number(quality) };
    })
    .filter(({ tag, quality }) => tag !== '' && quality > 0)
    .toSorted((a, b) => b.quality - a.quality);
  for (const { tag } of ranges) {
    // Any language will do: the installation's.
    if (tag === '*') return undefined;
    const found = match(tag);
    if (found !== undefined) return found;
  }
  return undefined;
}

type Match = (tag: string) => string | undefined;

/**
 * Looks a tag up in two ways. `match` (RFC 4647, section 3.4): itself, then without its last parts; then the one with
 * the same language and script, so that `zh-CN` finds `zh-Hans` and `pt-PT` finds `pt-BR`. `matchNearest`: the same
 * language in another script. `zh-TW` finds `zh-Hans` only there, so any other language of a browser comes first.
 */
function matcher(all: readonly string[]): { match: Match; matchNearest: Match } {
  const exact = new Map(all.map((language) => [language.toLowerCase(), language]));
  const byScript = new Map(all.toReversed().map((language) => [scriptOf(language), language]));
  const byLanguage = new Map(all.toReversed().map((language) => [languageOf(language), language]));
  const match = (canonical: string): string | undefined => {
    for (let range = canonical.toLowerCase(); range !== ''; range = range.replace(/(^|-)[^-]*$/, '')) {
      const found = exact.get(range);
      if (found !== undefined && scriptOf(found) === scriptOf(canonical)) return found;
    }
    return byScript.get(scriptOf(canonical));
  };
  const ofTag =
    (find: Match): Match =>
    (tag) => {
      const canonical = canonicalTag(tag);
      return canonical === undefined ? undefined : find(canonical);
    };
  return { match: ofTag(match), matchNearest: ofTag((tag) => byLanguage.get(languageOf(tag))) };
}

const languageOf = (tag: string): string => new Intl.Locale(tag).language;

/** The language and its script, by the likely subtags of Unicode: `zh-Hant` for `zh-TW`. */
function scriptOf(tag: string): string {
  const { language, script } = new Intl.Locale(tag).maximize();
  return `${language}-${script}`;
}
