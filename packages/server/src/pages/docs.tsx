import type { RouteResponse } from '../http/route.ts';
import { FieldTable, Prose, rowsOf } from './docs-fields.tsx';
import { codesOf, ErrorTable, type Line, MethodAndPath, OperationPart } from './docs-operation.tsx';
import { type PageContext, page, type Viewer } from './layout.tsx';
import type { OpenApi, SecurityScheme } from './openapi.ts';
import { errorCodes } from './openapi-schemas.ts';

const made = new WeakMap<OpenApi, RouteResponse>();

/** The API reference page. It is rendered once for each document, and the same for everyone. */
export function docsPage(context: PageContext, viewer: Viewer, document: OpenApi): RouteResponse {
  const view = { title: `${document.info.title} API reference`, isEnglish: true } as const;
  const render = () => ({
    ...page(context, viewer, view, <Docs document={document} />),
    shared: document,
  });
  const response = made.get(document) ?? render();
  made.set(document, response);
  return response;
}

interface Group {
  name: string;
  description: string;
  /** Its anchor on the page. */
  id: string;
  lines: Line[];
}

/** The operations by who may call them. */
const groupsOf = ({ tags, paths }: OpenApi): Group[] =>
  tags.map(({ name, description }) => ({
    name,
    description,
    id: name.toLowerCase().replaceAll(' ', '-'),
    lines: Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([, operation]) => operation.tags.includes(name))
        .map(([method, operation]) => ({ method, path, operation })),
    ),
  }));

function Docs({ document }: { document: OpenApi }) {
  const groups = groupsOf(document).filter(({ lines }) => lines.length > 0);
  return (
    <div class="reference">
      <Introduction document={document} />
      <Contents groups={groups} shapes={Object.keys(document.components.schemas)} />
      <div id="calls" tabindex={-1}>
        {groups.map((group) => (
          <GroupPart document={document} group={group} />
        ))}
        <ShapesPart document={document} />
      </div>
    </div>
  );
}

function Introduction({ document: { info, servers, components } }: { document: OpenApi }) {
  return (
    <header>
      <h1>
        {info.title} API <span class="quiet">{info.version}</span>
      </h1>
      {info.description.split('\n\n').map((paragraph) => (
        <p>
          <Prose>{paragraph}</Prose>
        </p>
      ))}
      <p>
        Base URL: <code>{servers[0]?.url}</code>. In examples, <code>$TOKEN</code> is an access token and{' '}
        <code>$ID</code> a resource ID. Machine-readable: <a href="/openapi.json">openapi.json</a> (OpenAPI
        3.1).
      </p>
      <table class="fields">
        <caption>Authentication</caption>
        <tbody>
          {Object.entries(Object.groupBy(Object.values(components.securitySchemes), headerOf)).map(
            ([header, schemes = []]) => (
              <tr>
                <th scope="row">
                  <code>{header}</code>
                </th>
                <td>
                  <Prose>{schemes.map(({ description }) => description).join(' ')}</Prose>
                </td>
              </tr>
            ),
          )}
        </tbody>
      </table>
    </header>
  );
}

/** The header that has the credential of a scheme. */
const headerOf = (scheme: SecurityScheme): string =>
  scheme.type === 'apiKey' ? `Cookie: ${scheme.name}` : `Authorization: ${titleOf(scheme.scheme)}`;

const titleOf = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

function Contents({ groups, shapes }: { groups: Group[]; shapes: string[] }) {
  return (
    <nav aria-labelledby="contents">
      <a class="skip" href="#calls">
        Skip navigation
      </a>
      <h2 id="contents">Contents</h2>
      {groups.map(({ id, name, lines }) => (
        <>
          <h3>
            <a href={`#${id}`}>{name}</a>
          </h3>
          <ul>
            {lines.map(({ method, path, operation }) => (
              <li>
                <a href={`#${operation.operationId}`}>
                  <MethodAndPath method={method} path={path} />
                </a>
              </li>
            ))}
          </ul>
        </>
      ))}
      <h3>
        <a href="#schemas">Schemas</a>
      </h3>
      <ul>
        {shapes.map((name) => (
          <li>
            <a href={`#${name}`}>{name}</a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function GroupPart({
  document,
  group: { id, name, description, lines },
}: {
  document: OpenApi;
  group: Group;
}) {
  const all = lines.map(({ operation }) => codesOf(operation));
  const shared = (all[0] ?? []).filter((code) => all.every((codes) => codes.includes(code)));
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{name}</h2>
      <p>
        <Prose>{description}</Prose>
      </p>
      <ErrorTable id={`${id}-errors`} caption="Common errors" codes={shared} />
      {lines.map((line) => (
        <OperationPart document={document} line={line} shared={shared} sharedAt={`${id}-errors`} />
      ))}
    </section>
  );
}

function ShapesPart({ document: { components } }: { document: OpenApi }) {
  return (
    <section aria-labelledby="schemas">
      <h2 id="schemas">Schemas</h2>
      <p>Objects shared by several responses.</p>
      {Object.entries(components.schemas).map(([name, schema]) => (
        <article aria-labelledby={name}>
          <h3 id={name}>{name}</h3>
          <FieldTable caption={`Fields of ${name}`} fields={rowsOf(schema)} />
          {name === 'Problem' && <ErrorTable caption="All error codes" codes={errorCodes} />}
        </article>
      ))}
    </section>
  );
}
