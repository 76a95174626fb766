import { type Text, text } from '../../languages/text.ts';
import { searchKey } from './search-key.ts';

type Fault = { ok: false; code: string; message: Text };

/** `key` is what searches compare. */
export type ParsedDisplayName = { ok: true; displayName: string | null; key: string | null } | Fault;

/** Characters as people count them: an emoji, or a letter with its accents, is one. */
const MAX_GRAPHEMES = 64;

/** Code points. Bounds the accents on one letter, and what is stored and indexed. */
const MAX_CODE_POINTS = 256;

/** UTF-16 units. Longer input is rejected before anything else reads it (attack D8). */
const MAX_INPUT = 1024;

/** They join letters in some scripts, join emoji, and choose how an emoji looks. */
const joiners = /\u200c|\u200d|\ufe0e|\ufe0f/g;

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * Parses a display name: any visible text of one line. Two users may have the same one, and it may look
 * like someone else's username, so pages that name a user to others also show the username.
 *
 * Control, bidirectional and invisible characters are rejected, because they change how the text around them looks.
 * Empty text means no display name.
 *
 * @param field The name of the field, with which the codes of its errors begin.
 */
export function parseDisplayName(given: string, field = 'display_name'): ParsedDisplayName {
  const fault = (message: Text): Fault => ({ ok: false, code: `${field}_invalid`, message });
  const tooLong: Fault = { ok: false, code: `${field}_too_long`, message: TOO_LONG };
  if (given.length > MAX_INPUT) return tooLong;
  const displayName = given
    .normalize('NFC')
    .replace(/\p{Zs}+/gu, ' ')
    .trim();
  if (displayName === '') return { ok: true, displayName: null, key: null };
  const visible = displayName.replace(joiners, '');
  if (/[\p{C}\p{Zl}\p{Zp}\p{DI}]/u.test(visible)) return fault(text('display_name.invisible'));
  if (!/[\p{L}\p{N}\p{P}\p{S}]/u.test(visible)) return fault(text('display_name.empty'));
  if ([...displayName].length > MAX_CODE_POINTS || [...segmenter.segment(displayName)].length > MAX_GRAPHEMES)
    return tooLong;
  return { ok: true, displayName, key: [...searchKey(displayName)].slice(0, MAX_CODE_POINTS).join('') };
}

const TOO_LONG = text('text.too_long', { limit: MAX_GRAPHEMES });
