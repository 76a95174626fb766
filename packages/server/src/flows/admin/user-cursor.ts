import { z } from 'zod';
import { looksLikeEmail, parseEmail, parseUsername } from '../../core/identifiers.ts';

const isId = (text: string): boolean => z.uuid().safeParse(text).success;

/**
 * The cursor of a list of users: the last id, or the last username or email, encoded in base64url. It grants nothing,
 * so a forged one is harmless (attack A9).
 */
export const userCursor = z.string().transform((text, context) => {
  const key = isId(text) ? text : nameIn(text);
  if (key !== undefined) return key;
  context.issues.push({
    code: 'custom',
    input: text,
    message: 'Invalid cursor',
  });
  return z.NEVER;
});

/** Encodes a position as a cursor. */
export const showUserCursor = (key: string | null): string | null =>
  key === null || isId(key) ? key : Buffer.from(key).toString('base64url');

/** The normalized username or email in a cursor; undefined for anything else. */
function nameIn(text: string): string | undefined {
  const name = Buffer.from(text, 'base64url').toString();
  const parsed = looksLikeEmail(name) ? parseEmail(name) : parseUsername(name);
  return parsed.ok && parsed.key === name && showUserCursor(name) === text ? name : undefined;
}
