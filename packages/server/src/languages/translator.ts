import { IntlMessageFormat } from 'intl-messageformat';
import { LRUCache } from 'lru-cache';
import { type Catalog, readEnglish, SOURCE } from './catalog.ts';
import type { RichValues } from './keys.ts';
import type { Filled, RichKey, Text, TextKey, Value, ValuesOf } from './text.ts';

/** Makes the element of a tag from its content, as `(children) => <a href="/">{children}</a>` does. */
export type Tag<Element> = (children: (string | Element)[]) => Element;

/** Replaces the tags among the values of a message by functions that make elements. */
type Elements<K extends RichKey, Element> = {
  [Name in keyof RichValues[K]]: RichValues[K][Name] extends 'tag'
    ? Tag<Element>
    : Filled<RichValues[K][Name]>;
};

/** Says things in one language. */
export interface Translator {
  /** BCP 47, for `lang` and `Content-Language`. */
  readonly language: string;
  readonly dir: 'ltr' | 'rtl';
  <K extends TextKey>(key: K, ...values: ValuesOf<K>): string;
  (text: Text): string;
  /** A message with tags: texts and elements in order. Neither the message nor a value can add markup. */
  rich<K extends RichKey, Element>(key: K, values: Elements<K, Element>): (string | Element)[];
  /** `March 1, 2026`, in the reader's time zone if it is known (`Europe/Berlin`), otherwise in UTC. */
  day(at: number, timeZone?: string | null): string;
  /** `March 1, 2026 at 12:00 UTC`, in the same time zone. */
  time(at: number, timeZone?: string | null): string;
  /** `1,204` */
  number(value: number): string;
  /** `3 days ago` */
  ago(count: number, unit: 'minute' | 'hour' | 'day'): string;
}

/** @param read Reads the messages; called when the first is needed. */
export function createTranslator(language: string, read: () => Catalog): Translator {
  // Western digits everywhere: codes, IP addresses and dates of one sentence must not mix two kinds of digits. One
  // calendar, as in logs and the API: some regions have another by default.
  const locale = `${language}-u-ca-gregory-nu-latn`;
  const formats = new Map<string, string | IntlMessageFormat>();
  let catalog: Catalog | undefined;

  /** The message, parsed once; itself if there is nothing to replace. */
  const find = (key: string): string | IntlMessageFormat => {
    const known = formats.get(key);
    if (known !== undefined) return known;
    catalog ??= read();
    const message = catalog[key] ?? readEnglish()[key] ?? key;
    const format = /[{<]/.test(message) ? new IntlMessageFormat(message, locale) : message;
    formats.set(key, format);
    return format;
  };
  const plain = (values: Readonly<Record<string, Value>>): Record<string, string | number> =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, typeof value === 'object' ? say(value) : value]),
    );
  const say = ({ key, values = {} }: Text): string => {
    const format = find(key);
    return typeof format === 'string' ? format : String(format.format(plain(values)));
  };
  const translate = (of: TextKey | Text, values?: Readonly<Record<string, Value>>): string =>
    say(typeof of === 'object' ? of : { key: of, ...(values === undefined ? {} : { values }) });

  const rich: Translator['rich'] = <K extends RichKey, Element>(key: K, values: Elements<K, Element>) => {
    const format = find(key);
    if (typeof format === 'string') return [format];
    const parts = format.format<Element>(values as Record<string, string | Tag<Element>>);
    return Array.isArray(parts) ? (parts as (string | Element)[]) : [parts as string | Element];
  };
  return Object.assign(translate, { language, dir: directionOf(language), rich, ...datesIn(locale) });
}

// `assets/session.js` formats times in the browser's time zone with the same options.
const DAY = { year: 'numeric', month: 'long', day: 'numeric' } as const;
const TIME = {
  ...DAY,
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZoneName: 'short',
} as const;

/** Formats dates and numbers; each formatter is created when it is first needed. */
function datesIn(locale: string): Pick<Translator, 'day' | 'time' | 'ago' | 'number'> {
  const day = zoned(locale, DAY);
  const time = zoned(locale, TIME);
  const number = once(() => new Intl.NumberFormat(locale));
  const ago = once(() => new Intl.RelativeTimeFormat(locale));
  return {
    day: (at, timeZone) => day(timeZone).format(at),
    time: (at, timeZone) => time(timeZone).format(at),
    number: (value) => number().format(value),
    ago: (count, unit) => ago().format(-count, unit),
  };
}

/** The formatters of one language for the time zones that were last used. */
function zoned(locale: string, options: Intl.DateTimeFormatOptions) {
  const formats = new LRUCache<string, Intl.DateTimeFormat>({ max: 50 });
  return (timeZone: string | null = null): Intl.DateTimeFormat => {
    const zone = timeZone ?? 'UTC';
    const format = formats.get(zone) ?? inZone(locale, options, zone);
    formats.set(zone, format);
    return format;
  };
}

/** In UTC if this version of Node.js does not know the time zone that another one has stored. */
function inZone(locale: string, options: Intl.DateTimeFormatOptions, timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' });
  }
}

function once<T>(create: () => T): () => T {
  let created: T | undefined;
  return () => {
    created ??= create();
    return created;
  };
}

/** Scripts that are written from right to left. */
const RIGHT_TO_LEFT: ReadonlySet<string> = new Set(['Arab', 'Hebr', 'Syrc', 'Thaa', 'Nkoo', 'Adlm', 'Rohg']);

const directionOf = (language: string): 'ltr' | 'rtl' =>
  RIGHT_TO_LEFT.has(new Intl.Locale(language).maximize().script ?? '') ? 'rtl' : 'ltr';

/** For logs and the command line, and for texts whose reader is not known. */
export const english: Translator = createTranslator(SOURCE, readEnglish);
