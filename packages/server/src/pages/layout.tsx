import type { Child } from 'hono/jsx';
import type { AppContext } from '../context.ts';
import type { ActiveSession } from '../core/sessions.ts';
import type { HttpError } from '../errors.ts';
import { timeLeft } from '../flows/account/where.ts';
import { inLanguage } from '../http/responses.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import type { PlainKey } from '../languages/text.ts';
import { english, type Translator } from '../languages/translator.ts';
import { grounds } from './accent.ts';
import { PlaceContext } from './device-place.tsx';
import { FormTokenContext } from './form.tsx';
import { Header } from './header.tsx';
import { Icon, type IconName } from './icon.tsx';
import { TimeZoneContext, TranslatorContext, useTranslator } from './translator.tsx';

/** No inline code, no other origins, no scripts. */
const policy = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
];

/** Pages with forms load our own scripts, which may not create markup from text (Trusted Types). */
const scriptPolicy = [
  ...policy,
  "script-src 'self'",
  "connect-src 'self'",
  "worker-src 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
];

/** Pages that belong together, and the navigation between them. */
export interface Area {
  /** The name of the navigation for screen readers. */
  label: PlainKey;
  items: readonly { href: string; label: PlainKey; icon: IconName }[];
  /** Whether its pages are mostly forms, which are easier to read in a narrow column. */
  isNarrow?: boolean;
}

interface View {
  title: string;
  /** What the breadcrumb calls the page, if the title says more. */
  name?: string;
  /** Defaults to 200. */
  status?: number;
  /** `centered`: a single task in a centered card. Otherwise a page to read. */
  shape?: 'centered' | 'reading';
  /** The page has not been translated. */
  isEnglish?: true;
  /** The area of the page, whose navigation it shows; `at` is the page's own `href` in it. */
  area?: Area;
  at?: string;
  /** The pages between the entry of the navigation and this page. A page with a trail shows the way to it. */
  trail?: readonly Place[];
}

/** A page that a breadcrumb leads to. */
interface Place {
  href: string;
  label: string;
}

/** The parts of the context that pages use. */
export type PageContext = Pick<
  AppContext,
  'config' | 'assets' | 'clock' | 'languages' | 'placeOf' | 'sessionTimeouts'
>;

/** Who views the page. The header names the signed-in user and lets them sign out. */
export type Viewer = Pick<Call, 'formToken' | 'language'> & { activeSession?: ActiveSession };

/** The status and the title of a page; with an error, both show it. */
export const statusAndTitle = (
  title: string,
  error?: Pick<HttpError, 'status'>,
  t: Translator = english,
) => ({
  status: error?.status ?? 200,
  title: error ? t('layout.error', { title }) : title,
  name: title,
});

/** The response with a whole page. */
export function page(context: PageContext, viewer: Viewer, view: View, content: Child): RouteResponse {
  const t = view.isEnglish ? english : context.languages.in(viewer.language());
  const html = (
    <TranslatorContext.Provider value={t}>
      <TimeZoneContext.Provider value={viewer.activeSession?.user.time_zone ?? null}>
        <FormTokenContext.Provider value={viewer.formToken}>
          <PlaceContext.Provider value={context.placeOf}>
            <Document context={context} activeSession={viewer.activeSession} view={view}>
              {content}
            </Document>
          </PlaceContext.Provider>
        </FormTokenContext.Provider>
      </TimeZoneContext.Provider>
    </TranslatorContext.Provider>
  );
  const text = `<!doctype html>${html.toString()}`;
  return {
    status: view.status ?? 200,
    text,
    type: 'text/html; charset=utf-8',
    // With `no-referrer`, a browser sends our own forms with `Origin: null`, which is rejected.
    headers: {
      ...inLanguage(t),
      'content-security-policy': (hasScripts(viewer.activeSession, view) ? scriptPolicy : policy).join('; '),
      'referrer-policy': 'same-origin',
    },
  };
}

/** The response to a successful form: the browser continues there, and a reload does not resubmit the form. */
export const seeOther = (location: string, response: Partial<RouteResponse> = {}): RouteResponse => ({
  ...response,
  status: 303,
  text: '',
  // A page learns from the referrer whether the user has just signed in again.
  headers: { ...response.headers, location, 'referrer-policy': 'same-origin' },
});

/** Adds the headers of an error, such as `Retry-After`, to the page that explains it. */
export const withErrorHeaders = (
  { retryAfter, headers }: HttpError,
  response: RouteResponse,
): RouteResponse => ({
  ...response,
  headers: {
    ...response.headers,
    ...(retryAfter === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfter))) }),
    ...headers,
  },
});

/** Adds sources to the policy of one page, so that other pages do not get them. */
export function withPolicyDirective(response: RouteResponse, directive: string): RouteResponse {
  const name = `${directive.split(' ', 1)[0]} `;
  const kept = (response.headers?.['content-security-policy'] ?? '')
    .split('; ')
    .filter((one) => !one.startsWith(name));
  const policy = [...kept, directive].join('; ');
  return { ...response, headers: { ...response.headers, 'content-security-policy': policy } };
}

const hasScripts = (activeSession: ActiveSession | undefined, { shape }: View): boolean =>
  activeSession !== undefined || shape === 'centered';

interface DocumentProps {
  context: PageContext;
  activeSession: ActiveSession | undefined;
  view: View;
  children: Child;
}

function Document({ context, activeSession, view, children }: DocumentProps) {
  const { config, assets } = context;
  const { title, shape = 'reading', area } = view;
  const t = useTranslator();
  const look = area ? (area.isNarrow ? 'area narrow' : 'area') : shape;
  return (
    <html lang={t.language} dir={t.dir}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" media="(prefers-color-scheme: light)" content={grounds.light.paper} />
        <meta name="theme-color" media="(prefers-color-scheme: dark)" content={grounds.dark.paper} />
        <title>{title === config.serviceName ? title : `${title} · ${config.serviceName}`}</title>
        <link rel="icon" type="image/svg+xml" href={assets['mark.svg']?.url} />
        <link rel="stylesheet" href={assets['usher.css']?.url} />
        {(shape !== 'centered' || activeSession) && <link rel="stylesheet" href={assets['pages.css']?.url} />}
        {hasScripts(activeSession, view) && <script type="module" src={assets['usher.js']?.url} />}
        {activeSession && <script type="module" src={assets['session.js']?.url} />}
      </head>
      <body class={look} {...(activeSession ? sessionData(context, activeSession, t) : {})}>
        <a class="skip" href="#content">
          {t('layout.skip')}
        </a>
        <Header context={context} activeSession={activeSession} />
        <main id="content" tabindex={-1}>
          {area ? (
            <InArea area={area} view={view}>
              {children}
            </InArea>
          ) : (
            children
          )}
        </main>
      </body>
    </html>
  );
}

/** The data from which the script tells when a session is about to end, in milliseconds, and its texts. */
const sessionData = (context: PageContext, activeSession: ActiveSession, t: Translator) => {
  const { idle, left } = timeLeft(context, activeSession, context.clock.now());
  return {
    'data-user': activeSession.user.id,
    'data-idle': idle,
    'data-left': left,
    'data-inactive': t('layout.inactive', { time: '{time}' }),
    'data-ends': t('layout.session_ends', { time: '{time}' }),
    'data-stay': t('layout.stay'),
  };
};

/** The content of a page beside the navigation of its area. */
function InArea({ area, view, children }: { area: Area; view: View; children: Child }) {
  const t = useTranslator();
  return (
    <>
      <nav class="sections" aria-label={t(area.label)}>
        {area.items.map(({ href, label, icon }) => (
          <a class="tab" href={href} aria-current={href === view.at ? 'page' : undefined}>
            <Icon name={icon} />
            {t(label)}
          </a>
        ))}
      </nav>
      <div class="content">
        <Breadcrumb area={area} view={view} />
        {children}
      </div>
    </>
  );
}

/** The way to a page that is not in the navigation itself. */
function Breadcrumb({ area, view: { title, name = title, at, trail } }: { area: Area; view: View }) {
  const t = useTranslator();
  const first = area.items.find(({ href }) => href === at);
  if (trail === undefined || first === undefined) return null;
  const start = { href: first.href, label: t(first.label) };
  return (
    <nav class="breadcrumb" aria-label={t('layout.breadcrumb')}>
      <ol>
        {[start, ...trail].map(({ href, label }) => (
          <li>
            <a href={href}>
              <bdi>{label}</bdi>
            </a>
            <Icon name="chevron-right" />
          </li>
        ))}
        <li aria-current="page">
          <bdi>{name}</bdi>
        </li>
      </ol>
    </nav>
  );
}

interface NoticeProps {
  kind?: 'plain' | 'good' | 'warn' | 'bad';
  children: Child;
}

/** A notice about what was just done or must be known. Errors interrupt a screen reader; other notices wait. */
export function Notice({ kind = 'plain', children }: NoticeProps) {
  return (
    <div class={kind === 'plain' ? 'notice' : `notice ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

interface CardProps {
  title?: string;
  /** What links on the same page lead to. */
  id?: string;
  /** A second class, for a card of its own look. */
  look?: 'danger';
  children: Child;
}

/** A section with a heading of its own. */
export function Card({ title, id, look, children }: CardProps) {
  return (
    <section class={look === undefined ? 'card' : `card ${look}`} id={id}>
      {title !== undefined && <h2>{title}</h2>}
      {children}
    </section>
  );
}

interface BadgeProps {
  kind?: 'plain' | 'good' | 'warn' | 'bad' | 'accent';
  children: Child;
}

/** A status in one or two words. */
export function Badge({ kind = 'plain', children }: BadgeProps) {
  return <span class={kind === 'plain' ? 'badge' : `badge ${kind}`}>{children}</span>;
}

/** Shown in place of an empty list. */
export function Empty({ icon = 'inbox', children }: { icon?: IconName; children: Child }) {
  return (
    <div class="empty">
      <Icon name={icon} />
      {children}
    </div>
  );
}

/** A list of names and values. */
export function Facts({ of }: { of: [name: string, value: Child][] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

interface TableProps {
  caption: string;
  head: readonly string[];
  /** The columns that the list can be sorted by, by their title. */
  sorting?: Readonly<Record<string, Sorting>>;
  /** One `Row` each. */
  children: Child;
}

/** A link that sorts a list by a column, and how it is sorted by it now. */
export interface Sorting {
  href: string;
  now: 'ascending' | 'descending' | undefined;
}

/** A role that an element of a table has anyway, until the style sheet displays it as something else. */
export const as = (role: string) => ({ role });

/**
 * A table. Where there is no room for its columns, the cells of a row are below each other, each with the title of its
 * column.
 */
export function Table({ caption, head, sorting = {}, children }: TableProps) {
  return (
    <div class="table">
      <table {...as('table')}>
        <caption class="unseen">{caption}</caption>
        <thead {...as('rowgroup')}>
          <tr {...as('row')}>
            {head.map((title) => (
              <th scope="col" {...as('columnheader')} aria-sort={sorting[title]?.now}>
                {sorting[title] ? (
                  <a class="sort" href={sorting[title].href}>
                    {title}
                  </a>
                ) : (
                  title
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody {...as('rowgroup')}>{children}</tbody>
      </table>
    </div>
  );
}

interface RowProps {
  /** The titles of the columns, as in the head of the table. */
  head: readonly string[];
  cells: readonly Child[];
  /** The column that names the row. */
  nameAt?: number;
}

/** A row of a `Table`. */
export function Row({ head, cells, nameAt = 0 }: RowProps) {
  return (
    <tr {...as('row')}>
      {cells.map((cell, index) =>
        index === nameAt ? (
          <th scope="row" {...as('rowheader')}>
            {cell}
          </th>
        ) : (
          <td {...as('cell')} data-label={head[index]}>
            {cell}
          </td>
        ),
      )}
    </tr>
  );
}
