import type { Languages } from '../../languages/languages.ts';
import type { Translator } from '../../languages/translator.ts';
import { browserOf } from './browser.ts';
import { CLIENT_VALUES, type EmailKind, emailValues } from './kinds.ts';
import { documentOf } from './layout.ts';
import { type Block, type Line, plainOf, type Values, withoutEmpty } from './markup.ts';
import { openTemplates } from './templates.ts';

/** An email as the recipient sees it. */
export interface RenderedEmail {
  language: string;
  subject: string;
  text: string;
  html: string;
}

/** Renders an email from its template and values. */
export type RenderEmail = (kind: EmailKind | 'test', values: Values) => RenderedEmail;

/** Where an IP address is, in the language of the recipient; empty if that is not known. */
type PlaceOf = (ip: string, t: Translator) => string;

/** For a language without templates. */
const FALLBACK = 'en';

/**
 * Opens the templates, and renders each email in the language of its recipient.
 *
 * @param folder The operator's own templates (`USHER_EMAIL_TEMPLATES`).
 * @throws ConfigError that names the file and what is wrong in it.
 */
export function emailRenderer(own: {
  folder: string | undefined;
  service: string;
  url: string;
  languages: Languages;
  placeOf?: PlaceOf;
}): RenderEmail {
  const templates = openTemplates(own.folder);
  const languageOf = (tag = ''): string => {
    const wanted = own.languages.match(tag) ?? own.languages.fallback;
    return [wanted, own.languages.fallback].find((one) => templates.languages.includes(one)) ?? FALLBACK;
  };
  // A template that is missing or wrong is found now, not when the first email is sent.
  templates.in(languageOf());
  const service = clean(own.service, LONGEST);
  return (kind, given) => {
    const t = own.languages.in(languageOf(given['language']));
    const { emails, footer } = templates.in(t.language);
    const template = emails[kind];
    const values = { ...presentable(kind, given, t, own.placeOf), service, url: own.url };
    const subject = plainOf(template.subject, values);
    const preview = plainOf(template.preview, values);
    const body = withoutEmpty(template.body, values);
    const about = { lang: t.language, dir: t.dir, start: t.dir === 'rtl' ? 'right' : 'left' };
    const html = documentOf(templates.layout, body, footer, { ...values, ...about, subject, preview });
    return {
      language: t.language,
      subject,
      text: `${textOf(body, values)}\n\n-- \n${textOf(footer, values)}\n`,
      html,
    };
  };
}

/** The maximum length of a value, in UTF-16 units; the rest is cut off. */
const LONGEST = 200;
/** Exceptions, which Usher generates or validates: a truncated email or link would be useless. */
const longest: Record<string, number> = { link: 2_000, new_email: 254 };

/** Makes the values of an email safe to show, whatever they contain (attacks C17, W22). */
function presentable(
  kind: keyof typeof emailValues,
  given: Values,
  t: Translator,
  placeOf?: PlaceOf,
): Values {
  const names = [...emailValues[kind], ...CLIENT_VALUES];
  return Object.fromEntries(
    names.map((name) => {
      const text = clean(given[name] ?? '', longest[name] ?? LONGEST);
      return [name, presenters[name]?.(text, t, { timeZone: given['time_zone'] || null, placeOf }) ?? text];
    }),
  );
}

/** Removes line breaks, control characters, and characters that reorder or hide the text around them. */
function clean(text: string, most: number): string {
  const plain = text.replace(/[\p{Z}\t\r\n]/gu, ' ').replace(/\p{C}/gu, '');
  return plain.length > most ? `${plain.slice(0, most - 1)}…` : plain;
}

/** What the recipient's time zone and the installation's place database add to values. */
interface Presenting {
  timeZone: string | null;
  placeOf: PlaceOf | undefined;
}

const presenters: Record<string, (text: string, t: Translator, presenting: Presenting) => string> = {
  // Strangers choose it. A break after each dot keeps mail programs from turning `evil.example` into a link.
  username: (name) => name.replace(/\.(?=.)/gu, '.\u200b'),
  user_agent: browserOf,
  ip: ipAndPlace,
  when: timeInWords,
};

/** The IP address, and where it probably is. */
function ipAndPlace(ip: string, t: Translator, { placeOf }: Presenting): string {
  const place = clean(placeOf?.(ip, t) ?? '', LONGEST);
  return place === '' ? ip : t('device.near', { ip, place });
}

/** Formats a time as `March 1, 2026 at 12:00 UTC`; leaves text that is not an RFC 3339 time unchanged. */
function timeInWords(text: string, t: Translator, { timeZone }: Presenting): string {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text)) return text;
  return t.time(Date.parse(text), timeZone);
}

function textOf(blocks: readonly Block[], values: Values): string {
  return blocks
    .map((block) => {
      let text = '';
      for (const [index, line] of block.entries()) {
        const isNext = line.kind === 'fact' && block[index - 1]?.kind === 'fact';
        text += `${index === 0 ? '' : isNext ? '\n' : '\n\n'}${lineOf(line, values)}`;
      }
      return text;
    })
    .join('\n\n');
}

function lineOf(line: Line, values: Values): string {
  const text = plainOf(line.content, values);
  if (line.kind === 'heading') return `${text}\n${'='.repeat(Math.min(columnsOf(text), WIDTH))}`;
  if (line.kind === 'code') return `    ${text}`;
  if (line.kind === 'button') return `${text}:\n${plainOf(line.target, values)}`;
  if (line.kind === 'fact') return `${plainOf(line.label, values)}: ${text}`;
  return wrap(text);
}

/** The width of a plain-text paragraph, in columns. */
const WIDTH = 72;

/** Characters of Chinese and Japanese, which are two columns wide and written without spaces. */
const WIDE = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}]/gu;

const columnsOf = (text: string): number => [...text].length + (text.match(WIDE)?.length ?? 0);

/** Wraps at spaces. Text that has none between its words is left to the mail program. */
function wrap(text: string): string {
  if (text.match(WIDE)) return text;
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}
