import type { IdentifierFault } from '../../core/identifiers.ts';
import { canonicalTag } from '../../languages/catalog.ts';
import { text } from '../../languages/text.ts';

/**
 * A language tag of any language, since the languages of an installation can change; empty for none. Some programs write
 * `pt_BR`.
 */
export function parseLocale(
  given: string,
): { ok: true; change: { locale: string | null } } | IdentifierFault {
  const tag = given.trim().replaceAll('_', '-');
  if (tag === '') return { ok: true, change: { locale: null } };
  const locale = canonicalTag(tag);
  return locale === undefined
    ? { ok: false, code: 'locale_invalid', message: text('locale.invalid') }
    : { ok: true, change: { locale } };
}
