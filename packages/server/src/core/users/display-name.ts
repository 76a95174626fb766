import { type Text, text } from '../../languages/text.ts';
import { searchKey } from './search-key.ts';

type Fault = { ok: false; code: string; message: Text };

/** `key` is what searches compare. */
export type ParsedDisplayName = { ok: true; displayName: string | null; key: string | null } | Fault;

/** Characters as people count them: an emoji, or a letter with its accents, is one. */
const longest = 64;

/** Code points. Bounds the accents on one letter, and what is stored and indexed. */
const mostStored = 256;

/** UTF-16 units. Longer input is rejected before anything else reads it (attack D8). */
const mostTyped = 1024;

/** They join letters in some scripts, join emoji, and choose how an emoji looks. */
const joiners = /\u200c|\u200d|\ufe0e|\ufe0f/g;

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * Parses a display name: any text of one line that people can see. Two users may have the same one, and it may look
 * like someone else's username, so it stands for nobody: pages that name a user to others show the username, too.
 *
 * Control, bidirectional and invisible characters are rejected, because they change how the text around them looks.
 * Empty text means no display name.
 */
export function parseDisplayName(given: string): ParsedDisplayName {
  if (given.length > mostTyped) return tooLong;
  const displayName = given
    .normalize('NFC')
    .replace(/\p{Zs}+/gu, ' ')
    .trim();
  if (displayName === '') return { ok: true, displayName: null, key: null };
  const visible = displayName.replace(joiners, '');
  if (/[\p{C}\p{Zl}\p{Zp}\p{DI}]/u.test(visible)) return fault(text('display_name.invisible'));
  if (!/[\p{L}\p{N}\p{P}\p{S}]/u.test(visible)) return fault(text('display_name.empty'));
  if ([...displayName].length > mostStored || [...segmenter.segment(displayName)].length > longest)
    return tooLong;
  return { ok: true, displayName, key: [...searchKey(displayName)].slice(0, mostStored).join('') };
}

const fault = (message: Text, code = 'display_name_invalid'): Fault => ({
  ok: false,
  code,
  message,
});

const tooLong = fault(text('text.too_long', { limit: longest }), 'display_name_too_long');
