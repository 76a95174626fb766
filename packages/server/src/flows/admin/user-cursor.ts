import { z } from 'zod';
import { looksLikeEmail, parseEmail, parseUsername } from '../../core/identifiers.ts';
import { text } from '../../languages/text.ts';

const isId = (cursor: string): boolean => z.uuid().safeParse(cursor).success;

/**
 * The cursor of a list of users: the last id, or the last username or email, encoded in base64url. It grants nothing,
 * so a forged one is harmless (attack A9).
 */
export const userCursor = z.string().transform((cursor, context) => {
  const key = isId(cursor) ? cursor : nameIn(cursor);
  if (key !== undefined) return key;
  context.issues.push({
    code: 'custom',
    input: cursor,
    params: { text: text('field.cursor') },
  });
  return z.NEVER;
});

/** Encodes a position as a cursor. */
export const showUserCursor = (key: string | null): string | null =>
  key === null || isId(key) ? key : Buffer.from(key).toString('base64url');

/** The normalized username or email in a cursor; undefined for anything else. */
function nameIn(cursor: string): string | undefined {
  const name = Buffer.from(cursor, 'base64url').toString();
  const parsed = looksLikeEmail(name) ? parseEmail(name) : parseUsername(name);
  return parsed.ok && parsed.key === name && showUserCursor(name) === cursor ? name : undefined;
}
