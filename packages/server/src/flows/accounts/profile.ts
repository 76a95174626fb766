import { z } from 'zod';
import { recordEvent } from '../../core/events.ts';
import { type IdentifierFault, parseUsername } from '../../core/identifiers.ts';
import { parseDisplayName } from '../../core/users/display-name.ts';
import { findById, type ProfileChange, type User, updateProfile } from '../../core/users.ts';
import { type FieldError, fieldError, HttpError } from '../../errors.ts';
import { text } from '../../languages/text.ts';
import { canonicalTimeZone } from '../../languages/time-zones.ts';
import { type ProfileColumn, profileColumns } from '../../user-fields.ts';
import type { Change } from './change-user.ts';
import { parseLocale } from './locale.ts';

type Checked = { ok: true; change: ProfileChange } | IdentifierFault;

/** Validates each profile field and returns the columns that it changes. */
const checks: Record<ProfileColumn, (given: string) => Checked> = {
  username: (given) => {
    const parsed = parseUsername(given);
    return parsed.ok ? { ok: true, change: { username: parsed.username, username_key: parsed.key } } : parsed;
  },
  display_name: (given) => {
    const parsed = parseDisplayName(given);
    return parsed.ok
      ? { ok: true, change: { display_name: parsed.displayName, display_name_key: parsed.key } }
      : parsed;
  },
  locale: (given) => parseLocale(given),
  time_zone: (given) => parseTimeZone(given),
};

/** A time zone by its IANA name; empty for none. */
export function parseTimeZone(
  given: string,
): { ok: true; change: { time_zone: string | null } } | IdentifierFault {
  const name = given.trim();
  if (name === '') return { ok: true, change: { time_zone: null } };
  const timeZone = canonicalTimeZone(name);
  return timeZone === undefined
    ? { ok: false, code: 'time_zone_invalid', message: text('time_zone.invalid') }
    : { ok: true, change: { time_zone: timeZone } };
}

/** The profile fields of a request: those to change. An empty text removes an optional field. */
export const profileShape = Object.fromEntries(
  profileColumns.map((column) => [column, z.string().optional()]),
) as Record<ProfileColumn, z.ZodOptional<z.ZodString>>;

/** Null, which stands for an empty field in the database, changes nothing. */
export type Profile = { [C in ProfileColumn]?: string | null | undefined };

/**
 * Changes the given profile fields. What already has the given value changes nothing and records no event.
 *
 * @throws HttpError `invalid_request` for each invalid value, `identifier_taken` for a username of another account.
 */
export async function changeProfile(
  { tx, user, actorId, client, now }: Change,
  profile: Profile,
): Promise<User> {
  const before = await findById(tx, user.id);
  if (!before) throw new HttpError('not_found');
  const change = checked(profile);
  if (isSame(before, change)) return before;
  const changed = await updateProfile(tx, user.id, change);
  if (changed === 'taken')
    throw new HttpError('identifier_taken', {
      fields: [{ field: 'username', code: 'username_taken', message: text('username.taken') }],
    });
  if (!changed) throw new HttpError('not_found');
  await recordEvent(tx, 'user_updated', client, { userId: user.id, actorId }, now);
  return changed;
}

const isSame = (user: User, change: ProfileChange): boolean =>
  Object.entries(change).every(([column, value]) => user[column as keyof User] === value);

function checked(profile: Profile): ProfileChange {
  const wrong: FieldError[] = [];
  let all: ProfileChange = {};
  for (const column of profileColumns) {
    const given = profile[column];
    if (given === undefined || given === null) continue;
    const found = checks[column](given);
    if (found.ok) all = { ...all, ...found.change };
    else wrong.push(fieldError(column, found));
  }
  if (wrong.length > 0) throw new HttpError('invalid_request', { fields: wrong });
  return all;
}
