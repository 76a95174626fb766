import { z } from 'zod';
import type { ActiveSession } from '../../core/sessions.ts';
import {
  type ColumnsWith,
  sessionUserColumns,
  type UserColumn,
  type UserColumns,
  type UserField,
  type UserFields,
  userColumns,
  userFields,
} from '../../user-fields.ts';

type ApiField<Place> = { api: { in: Place; name: string; shape: z.ZodType } };
/** The schemas of the fields that the API shows in one place, by their API names. */
type ShapeIn<Place> = {
  [C in ColumnsWith<ApiField<Place>> as UserFields[C]['api']['name']]: UserFields[C]['api']['shape'];
};

function shapeIn<Place extends 'User' | 'own data'>(place: Place): ShapeIn<Place> {
  const shown = Object.values<UserField>(userFields).flatMap(({ api }) => (api?.in === place ? [api] : []));
  return Object.fromEntries(shown.map(({ name, shape }) => [name, shape])) as ShapeIn<Place>;
}

/** Creates a function that returns the given columns under their API names. Every session check calls one. */
function showFields(columns: readonly UserColumn[]): (user: Partial<UserColumns>) => Record<string, unknown> {
  const fields = columns.flatMap((column) => {
    const { api }: UserField = userFields[column];
    return api ? [{ column, name: api.name, show: api.show }] : [];
  });
  return (user) => {
    const shown: Record<string, unknown> = {};
    for (const { column, name, show } of fields) shown[name] = show(user[column] as never);
    return shown;
  };
}

export const userShape = z.object(shapeIn('User')).meta({ id: 'User' });

export const showUser = showFields(sessionUserColumns) as (
  user: ActiveSession['user'],
) => z.infer<typeof userShape>;

/** A user, with the fields that only the download of one's own data shows. */
export const ownUserShape = userShape.extend(shapeIn('own data'));

export const showOwnUser = showFields(userColumns) as (user: UserColumns) => z.infer<typeof ownUserShape>;
