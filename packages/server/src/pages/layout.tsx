import type { Child } from 'hono/jsx';
import type { AppContext } from '../context.ts';
import type { ActiveSession } from '../core/sessions.ts';
import type { HttpError } from '../errors.ts';
import { timeLeft } from '../flows/account/where.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { Button, Form, FormTokenContext } from './form.tsx';

/** Nothing inline, nothing from elsewhere, no script. */
const policy = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
];

/** Where there are forms, our own scripts help; they may make no markup of text (Trusted Types). */
const scriptPolicy = [
  ...policy,
  "script-src 'self'",
  "connect-src 'self'",
  "worker-src 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
];

/** Pages that belong together, with the navigation between them. */
export interface Area {
  /** What a screen reader calls the navigation. */
  label: string;
  items: readonly { href: string; label: string }[];
}

interface View {
  title: string;
  /** 200 unless said. */
  status?: number;
  /** `gate`: one thing to do, in a card in the middle. Otherwise something to read. */
  shape?: 'gate' | 'reading';
  /** With the area that it belongs to, a page shows the way to the others; `at` is its own `href` there. */
  area?: Area;
  at?: string;
}

/** The world, as far as a page shows it. */
export type PageContext = Pick<AppContext, 'config' | 'assets' | 'clock'>;

/** Who looks. Whoever is signed in is named in the head of the page, and can leave there. */
export type Viewer = Pick<Call, 'formToken'> & { activeSession?: ActiveSession };

/** The status and the title of a page; both say whether what was asked for was refused. */
export const statusAndTitle = (title: string, error?: Pick<HttpError, 'status'>) => ({
  status: error?.status ?? 200,
  title: error ? `Error: ${title}` : title,
});

/** A whole page as an answer. */
export function page(context: PageContext, viewer: Viewer, view: View, content: Child): RouteResponse {
  const html = (
    <FormTokenContext.Provider value={viewer.formToken}>
      <Document context={context} activeSession={viewer.activeSession} view={view}>
        {content}
      </Document>
    </FormTokenContext.Provider>
  );
  const text = `<!doctype html>${html.toString()}`;
  return {
    status: view.status ?? 200,
    text,
    type: 'text/html; charset=utf-8',
    // With `no-referrer` a browser sends our own forms with `Origin: null`, which is refused.
    headers: {
      'content-security-policy': (hasScripts(viewer.activeSession, view) ? scriptPolicy : policy).join('; '),
      'referrer-policy': 'same-origin',
    },
  };
}

/** An answer to a form that was taken: the browser goes on there, and reloading sends nothing again. */
export const seeOther = (location: string, response: Partial<RouteResponse> = {}): RouteResponse => ({
  ...response,
  status: 303,
  text: '',
  // Where one came from tells a page whether somebody has just signed in again.
  headers: { ...response.headers, location, 'referrer-policy': 'same-origin' },
});

/** A page that says why something was refused, with what the refusal tells programs. */
export const refusing = ({ retryAfter, headers }: HttpError, response: RouteResponse): RouteResponse => ({
  ...response,
  headers: {
    ...response.headers,
    ...(retryAfter === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfter))) }),
    ...headers,
  },
});

/** Adds sources to the policy of a page: what one page needs, the others do not get. */
export function allowing(response: RouteResponse, directive: string): RouteResponse {
  const name = `${directive.split(' ', 1)[0]} `;
  const kept = (response.headers?.['content-security-policy'] ?? '')
    .split('; ')
    .filter((one) => !one.startsWith(name));
  const policy = [...kept, directive].join('; ');
  return { ...response, headers: { ...response.headers, 'content-security-policy': policy } };
}

const hasScripts = (activeSession: ActiveSession | undefined, { shape }: View): boolean =>
  activeSession !== undefined || shape === 'gate';

interface DocumentProps {
  context: PageContext;
  activeSession: ActiveSession | undefined;
  view: View;
  children: Child;
}

function Document({ context, activeSession, view, children }: DocumentProps) {
  const { config, assets, clock } = context;
  const { title, shape = 'reading', area, at } = view;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title === config.serviceName ? title : `${title} · ${config.serviceName}`}</title>
        <link rel="icon" type="image/svg+xml" href={assets['mark.svg']?.url} />
        <link rel="stylesheet" href={assets['usher.css']?.url} />
        {hasScripts(activeSession, view) && <script type="module" src={assets['usher.js']?.url} />}
        {activeSession && <script type="module" src={assets['session.js']?.url} />}
      </head>
      <body class={area ? 'area' : shape} {...(activeSession ? sessionData(activeSession, clock.now()) : {})}>
        <a class="skip" href="#content">
          Skip to content
        </a>
        <Top context={context} activeSession={activeSession} />
        <main id="content" tabindex={-1}>
          {area && <Sections area={area} at={at} />}
          {area ? <div class="content">{children}</div> : children}
        </main>
      </body>
    </html>
  );
}

/** What the script goes by that says when a session is about to end; in milliseconds. */
const sessionData = (activeSession: ActiveSession, now: number) => {
  const { idle, left } = timeLeft(activeSession, now);
  return { 'data-user': activeSession.user.id, 'data-idle': idle, 'data-left': left };
};

/** The head of every page: whose it is, and who is signed in. */
function Top({ context, activeSession }: Pick<DocumentProps, 'context' | 'activeSession'>) {
  return (
    <header class="top">
      <a class="brand" href="/">
        {context.config.logo === undefined ? <Mark /> : <img src={context.assets['mark.svg']?.url} alt="" />}
        <span>{context.config.serviceName}</span>
      </a>
      {activeSession && (
        <Form action="/sign-out" shape="inline">
          {activeSession.user.admin_since !== null && <a href="/admin">Admin</a>}
          <span class="who">
            <span class="unseen">Signed in as </span>
            {activeSession.user.username}
          </span>
          <Button weight="plain" small>
            Sign out
          </Button>
        </Form>
      )}
    </header>
  );
}

/** Someone with arms raised, in the shape of a U. */
function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-ground" width="32" height="32" rx="8" />
      <path class="mark-line" d="M8.5 10v6.5a7.5 7.5 0 0 0 15 0V10" />
      <circle class="mark-head" cx="16" cy="12.5" r="3.25" />
    </svg>
  );
}

function Sections({ area, at }: { area: Area; at: string | undefined }) {
  return (
    <nav class="sections" aria-label={area.label}>
      {area.items.map(({ href, label }) => (
        <a class="tab" href={href} aria-current={href === at ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}

interface NoticeProps {
  kind?: 'plain' | 'good' | 'warn' | 'bad';
  children: Child;
}

/** Something said about what was just done, or must be known. Bad news interrupts a screen reader, the rest waits. */
export function Notice({ kind = 'plain', children }: NoticeProps) {
  return (
    <div class={kind === 'plain' ? 'notice' : `notice ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

/** A part of a page with a heading of its own. */
export function Card({ title, children }: { title?: string; children: Child }) {
  return (
    <section class="card">
      {title !== undefined && <h2>{title}</h2>}
      {children}
    </section>
  );
}

interface BadgeProps {
  kind?: 'plain' | 'good' | 'warn' | 'bad' | 'accent';
  children: Child;
}

/** A state in a word or two. */
export function Badge({ kind = 'plain', children }: BadgeProps) {
  return <span class={kind === 'plain' ? 'badge' : `badge ${kind}`}>{children}</span>;
}

/** Where a list would be, when there is nothing in it. */
export function Empty({ children }: { children: Child }) {
  return <div class="empty">{children}</div>;
}

/** Names and what they are. */
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

/** A table that scrolls by itself where there is no room; a keyboard can scroll it, too. */
export function Table({
  caption,
  head,
  children,
}: {
  caption: string;
  head: readonly string[];
  children: Child;
}) {
  return (
    // What scrolls must be reached by keyboard (WCAG 2.1.1).
    <section class="scroll" aria-label={caption} tabindex={0}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {head.map((title) => (
              <th scope="col">{title}</th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}
