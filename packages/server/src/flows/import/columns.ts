import { type ColumnsWith, type UserField, type UserFields, userFields } from '../../user-fields.ts';

type ImportedColumn = ColumnsWith<{ import: { field: string } }>;

/** What an import reads beside the columns of a user. */
const others = {
  salt: ['salt', 'passwordsalt'],
  active: ['active', 'isactive', 'enabled', 'isenabled'],
};

export type Field = UserFields[ImportedColumn]['import']['field'] | keyof typeof others;

/** What an import reads of a user, and the names that programs have for it. The first that is there counts. */
const usualNames = Object.fromEntries([
  ...Object.values<UserField>(userFields).flatMap((one) =>
    one.import ? [[one.import.field, one.import.names]] : [],
  ),
  ...Object.entries(others),
]) as Record<Field, readonly string[]>;

export const fields = Object.keys(usualNames) as Field[];

/** The cells of a row, by the names that the source has for them. */
export type Cells = ReadonlyMap<string, string>;

/** Which of a source's columns is what: the names are those of the source. */
export type Columns = Partial<Record<Field, string>>;

/** Finds the columns of a row. Rows of JSON may each have others; those of a table are looked at once. */
export type FindColumns = (cells: Cells) => Columns;

/** @param given Names that are not left to be found; '' for a field that is not to be read. */
export function columnFinder(given: Columns = {}): FindColumns {
  const found = new Map<string, Columns>();
  return (cells) => {
    const names = [...cells.keys()];
    const key = JSON.stringify(names);
    const columns = found.get(key) ?? findColumns(names, given);
    if (found.size < 1_000) found.set(key, columns);
    return columns;
  };
}

/** Finds the columns by their usual names, where it is not said. */
export function findColumns(names: readonly string[], given: Columns = {}): Columns {
  const known = new Map(names.map((name) => [bare(name), name]));
  const columns: Columns = {};
  for (const field of fields) {
    const name = given[field] ?? usualNames[field].map((usual) => known.get(usual)).find(Boolean);
    if (name) columns[field] = name;
  }
  return columns;
}

/** `emailVerified`, `email_verified` and `Email Verified` are one name. */
const bare = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
