import { canonicalTag } from '../languages/catalog.ts';
import type { Translator } from '../languages/translator.ts';
import type { FindPlace, PlaceNames } from '../platform/geoip.ts';

/** Says where an IP address probably is, in the reader's language; empty if that is not known. */
export type PlaceOf = (ip: string, t: Translator) => string;

/** @param find Finds places; without a database there are none. */
export function placesFrom(find: FindPlace | undefined): PlaceOf {
  if (find === undefined) return () => '';
  return (ip, t) => {
    const place = find(ip);
    if (!place) return '';
    const city = nameIn(place.city, t.language);
    const country = nameIn(place.country, t.language, place.countryCode);
    return city && country ? t('device.city', { city, country }) : (country ?? city ?? '');
  };
}

/** The name in a language: from the database, else by the code of the country, else in English. */
function nameIn(names: PlaceNames = {}, language: string, code?: string): string | undefined {
  const wanted = likely(language);
  const tag = Object.keys(names).find((one) => likely(one) === wanted);
  return (tag === undefined ? countryName(code, language) : names[tag]) ?? names['en'];
}

/** Language and script: `zh-Hans` and `zh-CN` are the same. */
function likely(tag: string): string {
  const known = canonicalTag(tag);
  if (known === undefined) return '';
  const { language, script } = new Intl.Locale(known).maximize();
  return `${language}-${script}`;
}

function countryName(code: string | undefined, language: string): string | undefined {
  if (code === undefined || !/^[A-Z]{2}$/.test(code)) return undefined;
  return new Intl.DisplayNames([language], { type: 'region', fallback: 'none' }).of(code);
}
