import { z } from 'zod';
import { recordEvent } from '../../core/events.ts';
import { type IdentifierFault, parseUsername } from '../../core/identifiers.ts';
import { type ProfileChange, type User, updateProfile } from '../../core/users.ts';
import { type FieldError, HttpError } from '../../errors.ts';
import { type ProfileColumn, profileColumns } from '../../user-fields.ts';
import type { Change } from './change-user.ts';

type Checked = { ok: true; change: ProfileChange } | IdentifierFault;

/** What each field of a profile may be, and what it changes. */
const checks: Record<ProfileColumn, (given: string) => Checked> = {
  username: (given) => {
    const parsed = parseUsername(given);
    return parsed.ok ? { ok: true, change: { username: parsed.username, username_key: parsed.key } } : parsed;
  },
};

/** The fields of a profile as a request gives them: those that are to be changed. */
export const profileShape = Object.fromEntries(
  profileColumns.map((column) => [column, z.string().optional()]),
) as Record<ProfileColumn, z.ZodOptional<z.ZodString>>;

/** Null, as an empty field is stored, changes nothing. */
export type Profile = { [C in ProfileColumn]?: string | null | undefined };

/**
 * Changes the fields of a profile that are given.
 *
 * @throws HttpError `invalid_request` for each value that a field cannot have, `identifier_taken` for a name of another account.
 */
export async function changeProfile(
  { tx, user, actorId, client, now }: Change,
  profile: Profile,
): Promise<User> {
  const changed = await updateProfile(tx, user.id, checked(profile));
  if (changed === 'taken')
    throw new HttpError('identifier_taken', {
      fields: [{ field: 'username', code: 'username_taken', message: 'This username is taken.' }],
    });
  if (!changed) throw new HttpError('not_found');
  await recordEvent(tx, 'user_updated', client, { userId: user.id, actorId }, now);
  return changed;
}

function checked(profile: Profile): ProfileChange {
  const wrong: FieldError[] = [];
  let all: ProfileChange = {};
  for (const column of profileColumns) {
    const given = profile[column];
    if (given === undefined || given === null) continue;
    const found = checks[column](given);
    if (found.ok) all = { ...all, ...found.change };
    else wrong.push({ field: column, code: found.code, message: found.message });
  }
  if (wrong.length > 0) throw new HttpError('invalid_request', { fields: wrong });
  return all;
}
