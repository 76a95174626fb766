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

/** Returns the given columns under their API names. */
const showFields = (columns: readonly UserColumn[], user: Partial<UserColumns>): Record<string, unknown> =>
  Object.fromEntries(
    columns.flatMap((column) => {
      const { api }: UserField = userFields[column];
      return api ? [[api.name, api.show(user[column] as never)]] : [];
    }),
  );

export const userShape = z.object(shapeIn('User')).meta({ id: 'User' });

export const showUser = (user: ActiveSession['user']): z.infer<typeof userShape> =>
  showFields(sessionUserColumns, user) as z.infer<typeof userShape>;

/** A user, with the fields that only the download of one's own data shows. */
export const ownUserShape = userShape.extend(shapeIn('own data'));

export const showOwnUser = (user: UserColumns): z.infer<typeof ownUserShape> =>
  showFields(userColumns, user) as z.infer<typeof ownUserShape>;
