import { createContext, useContext } from 'hono/jsx';
import type { AppContext } from '../context.ts';
import type { Call } from '../http/route.ts';
import type { Text } from '../languages/text.ts';
import { english, type Translator } from '../languages/translator.ts';

/** The language of the page, which `page` provides to its parts. */
export const TranslatorContext = createContext<Translator>(english);

/** The time zone that the reader has chosen, if any. */
export const TimeZoneContext = createContext<string | null>(null);

/** For a part of a page: says its texts in the language of the page. */
export const useTranslator = (): Translator => useContext(TranslatorContext);

/** For the handler of a page: says its texts in the language of the caller. */
export const translatorOf = (
  { languages }: Pick<AppContext, 'languages'>,
  { language }: Pick<Call, 'language'>,
): Translator => languages.in(language());

/** A text that a flow has named, such as the message of an error. */
export function Say({ of }: { of: Text }) {
  return <>{useTranslator()(of)}</>;
}
