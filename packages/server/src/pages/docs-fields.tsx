import type { Child } from 'hono/jsx';
import { fieldsOf, type JsonSchema } from './openapi-schemas.ts';

export interface Field {
  name: string;
  required: boolean;
  description?: string | undefined;
  schema: JsonSchema;
}

/** The fields of an object, including the fields of objects in a list. */
export const rowsOf = (schema: JsonSchema, within = ''): Field[] =>
  fieldsOf(schema).flatMap(([name, field]) => [
    {
      name: `${within}${name}`,
      required: schema.required?.includes(name) === true,
      description: field.description,
      schema: field,
    },
    ...rowsOf(itemOf(field) ?? {}, `${within}${name}[].`),
  ]);

/** The schema of the items of a list. */
const itemOf = ({ items }: JsonSchema): JsonSchema | undefined =>
  typeof items === 'object' && !Array.isArray(items) ? items : undefined;

interface FieldTableProps {
  caption: string;
  note?: string | undefined;
  fields: Field[];
}

export function FieldTable({ caption, note, fields }: FieldTableProps) {
  return (
    <table class="fields">
      <caption>
        {caption}
        {note && (
          <span class="quiet">
            {' '}
            <Prose>{note}</Prose>
          </span>
        )}
      </caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Required</th>
          <th scope="col">Type and description</th>
        </tr>
      </thead>
      <tbody>
        {fields.map(({ name, required, description, schema }) => (
          <tr>
            <th scope="row">
              <Name>{name}</Name>
            </th>
            <td>{required ? 'yes' : 'no'}</td>
            <td>
              <Type schema={schema} />
              {description && (
                <p>
                  <Prose>{description}</Prose>
                </p>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A name that can wrap between its words on a narrow screen, and is copied without a break. */
export function Name({ children }: { children: string }) {
  return (
    <code>
      {children.split(/(?<=[_.])|(?=\/)/).flatMap((part, i) => (i === 0 ? [part] : [<wbr />, part]))}
    </code>
  );
}

/** A sentence whose `words in backticks` are code. */
export function Prose({ children }: { children: string }) {
  return <>{children.split('`').map((part, i) => (i % 2 === 0 ? part : <code>{part}</code>))}</>;
}

/** Enums with more values are not listed. */
const MANY = 8;

/** The type of a value; a schema that has a name is a link to it. */
export function Type({ schema }: { schema: JsonSchema }) {
  const { $ref, anyOf, const: only, enum: choices, default: usual } = schema;
  const name = $ref?.split('/').at(-1);
  if (name !== undefined) return <a href={`#${name}`}>{name}</a>;
  if (anyOf) return <>{either(anyOf.map((one) => <Type schema={one} />))}</>;
  const values = only === undefined ? choices : [only];
  const item = itemOf(schema);
  return (
    <>
      {item && <Type schema={item} />}
      {values && values.length <= MANY ? either(values.map(toCode)) : item ? '[]' : words(schema)}
      {usual !== undefined && <> (default: {toCode(usual)})</>}
    </>
  );
}

const toCode = (value: unknown): Child => <code>{JSON.stringify(value)}</code>;

const either = (options: Child[]): Child => options.flatMap((one, i) => (i === 0 ? [one] : [' or ', one]));

function words({ type, format, enum: choices, pattern, minimum, maximum, maxLength }: JsonSchema): Child {
  const among = choices ? `, one of ${choices.length}` : '';
  const range = minimum === undefined || maximum === undefined ? '' : ` from ${minimum} to ${maximum}`;
  const length = maxLength === undefined ? '' : `, up to ${maxLength} characters`;
  return (
    <>
      {`${[type ?? 'anything'].flat().join(' or ')}${format ? ` (${format})` : ''}${among}${range}${length}`}
      {pattern !== undefined && (
        <>
          {' '}
          matching <code>{pattern}</code>
        </>
      )}
    </>
  );
}
