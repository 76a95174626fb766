import { type ColumnsWith, type UserField, type UserFields, userFields } from '../../user-fields.ts';

type ImportedColumn = ColumnsWith<{ import: { field: string } }>;

/** What an import reads besides the columns of a user. */
const others = {
  salt: ['salt', 'passwordsalt'],
  active: ['active', 'isactive', 'enabled', 'isenabled'],
};

export type Field = UserFields[ImportedColumn]['import']['field'] | keyof typeof others;

/** The fields that an import reads, with their names in other programs. The first name found counts. */
const usualNames = Object.fromEntries([
  ...Object.values<UserField>(userFields).flatMap((one) =>
    one.import ? [[one.import.field, one.import.names]] : [],
  ),
  ...Object.entries(others),
]) as Record<Field, readonly string[]>;

const fields = Object.keys(usualNames) as Field[];

/** The name of a field for people: `password_changed`. */
export const fieldLabel = (field: Field): string =>
  field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export const fieldLabels = fields.map(fieldLabel);

/** The field of a name in any spelling: `password_changed`, `passwordChanged`; undefined if there is none. */
export const fieldNamed = (name: string): Field | undefined =>
  fields.find((field) => bare(field) === bare(name));

/** The cells of a row, by the column names of the source. */
export type Cells = ReadonlyMap<string, string>;

/** The column of the source for each field. */
export type Columns = Partial<Record<Field, string>>;

/** Finds the columns of a row. Every JSON row may have different ones; tables are inspected once. */
export type FindColumns = (cells: Cells) => Columns;

/** @param given Columns set explicitly; '' for a field that is not to be read. */
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

/** Finds the columns by their usual names, unless they are set explicitly. */
export function findColumns(names: readonly string[], given: Columns = {}): Columns {
  const known = new Map(names.map((name) => [bare(name), name]));
  const columns: Columns = {};
  for (const field of fields) {
    const name = given[field] ?? usualNames[field].map((usual) => known.get(usual)).find(Boolean);
    if (name) columns[field] = name;
  }
  return columns;
}

/** `emailVerified`, `email_verified` and `Email Verified` are the same name. */
const bare = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
