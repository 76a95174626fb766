import { z } from 'zod';
import { looksLikeEmail, parseEmail, parseUsername } from '../../core/identifiers.ts';

const isId = (text: string): boolean => z.uuid().safeParse(text).success;

/**
 * Where a list of users goes on: after an id, or after a name, which is written in base64url. It carries no right and no
 * statement, so one that we never gave is a place like any other (attack A9).
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

/** How a place is told to callers. */
export const showUserCursor = (key: string | null): string | null =>
  key === null || isId(key) ? key : Buffer.from(key).toString('base64url');

/** The normalised name that a cursor holds; undefined for anything else. */
function nameIn(text: string): string | undefined {
  const name = Buffer.from(text, 'base64url').toString();
  const parsed = looksLikeEmail(name) ? parseEmail(name) : parseUsername(name);
  return parsed.ok && parsed.key === name && showUserCursor(name) === text ? name : undefined;
}
