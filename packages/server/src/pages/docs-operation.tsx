import { type ErrorCode, errors } from '../errors.ts';
import { english } from '../languages/translator.ts';
import { curlOf } from './docs-curl.ts';
import { FieldTable, Name, Prose, rowsOf, Type } from './docs-fields.tsx';
import type { OpenApi, Operation } from './openapi.ts';
import type { JsonSchema } from './openapi-schemas.ts';

/** An operation with its method and path. */
export interface Line {
  method: string;
  path: string;
  operation: Operation;
}

/** The codes of all errors of an operation. */
export const codesOf = ({ responses }: Operation): ErrorCode[] =>
  Object.values(responses).flatMap(({ content }) =>
    'application/problem+json' in content
      ? content['application/problem+json'].schema.allOf[1].properties.code.enum
      : [],
  );

interface OperationProps {
  document: OpenApi;
  line: Line;
  /** The errors that all operations of the group have; the page lists them once, at `sharedAt`. */
  shared: ErrorCode[];
  sharedAt: string;
}

/** Everything about one operation. */
export function OperationPart({
  document,
  line: { method, path, operation },
  shared,
  sharedAt,
}: OperationProps) {
  const { operationId, summary, parameters = [], requestBody, responses } = operation;
  const own = codesOf(operation).filter((code) => !shared.includes(code));
  return (
    <article aria-labelledby={operationId}>
      <h3 id={operationId}>
        <a href={`#${operationId}`}>
          <MethodAndPath method={method} path={path} />
        </a>
      </h3>
      <p>
        <Prose>{summary}</Prose>
      </p>
      <p class="note quiet">{whoOf(operation)}</p>
      <pre>
        <code>{curlOf(document, method, path, operation)}</code>
      </pre>
      {parameters.length > 0 && <FieldTable caption="Parameters" fields={parameters} />}
      {requestBody && (
        <FieldTable
          caption={`Request body${requestBody.required ? '' : ' (optional)'}`}
          note={requestBody.description}
          fields={rowsOf(requestBody.content['application/json'].schema)}
        />
      )}
      {Object.entries(responses).map(([status, { content }]) => {
        if ('application/problem+json' in content) return null;
        return <AnswerPart status={status} schema={content['application/json']?.schema} />;
      })}
      <ErrorTable caption="Errors" codes={own} />
      <p class="note quiet">
        {own.length > 0 ? 'See also: ' : 'Errors: '}
        <a href={`#${sharedAt}`}>common errors</a>.
      </p>
    </article>
  );
}

export function MethodAndPath({ method, path }: { method: string; path: string }) {
  return (
    <>
      <span class="method">{method.toUpperCase()}</span> <Name>{path}</Name>
    </>
  );
}

/** Labels of the security schemes. */
const credentials: Record<string, string> = {
  cookie: 'session cookie',
  bearer: 'access token',
  basic: 'HTTP Basic',
  metrics: 'metrics token',
};

function whoOf({ tags, security }: Operation): string {
  const kinds = security.map((one) => Object.keys(one).map((name) => credentials[name] ?? name)[0] ?? 'none');
  return `Access: ${tags.join(', ').toLowerCase()}. Auth: ${kinds.join(' or ') || 'none'}.`;
}

/** `schema` is undefined for a plain text response. */
function AnswerPart({ status, schema }: { status: string; schema: JsonSchema | undefined }) {
  const fields = schema ? rowsOf(schema) : [];
  if (schema && fields.length > 0)
    return <FieldTable caption={`Response ${status}`} note={schema.description} fields={fields} />;
  return (
    <p class="note">
      <strong>Response {status}:</strong> {schema ? <Type schema={schema} /> : 'plain text'}
    </p>
  );
}

export function ErrorTable({ id, caption, codes }: { id?: string; caption: string; codes: ErrorCode[] }) {
  if (codes.length === 0) return null;
  return (
    <table id={id} class="errors-table">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Status</th>
          <th scope="col">Code</th>
          <th scope="col">Description</th>
        </tr>
      </thead>
      <tbody>
        {codes.map((code) => (
          <tr>
            <td>{errors[code][0]}</td>
            <th scope="row">
              <Name>{code}</Name>
            </th>
            <td>
              <Prose>{english(`errors.${code}`)}</Prose>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
