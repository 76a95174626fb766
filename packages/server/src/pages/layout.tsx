import type { Child } from 'hono/jsx';
import type { AppContext } from '../context.ts';
import type { ActiveSession } from '../core/sessions.ts';
import type { HttpError } from '../errors.ts';
import { timeLeft } from '../flows/account/where.ts';
import { inLanguage } from '../http/responses.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { english, type Translator } from '../languages/translator.ts';
import { Button, Form, FormTokenContext } from './form.tsx';
import { TranslatorContext, useTranslator } from './translator.tsx';

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
  label: string;
  items: readonly { href: string; label: string }[];
  /** Its pages have not been translated. */
  isEnglish?: true;
}

interface View {
  title: string;
  /** Defaults to 200. */
  status?: number;
  /** `gate`: a single task in a centered card. Otherwise a page to read. */
  shape?: 'gate' | 'reading';
  /** The page has not been translated. */
  isEnglish?: true;
  /** The area of the page, whose navigation it shows; `at` is the page's own `href` in it. */
  area?: Area;
  at?: string;
}

/** The parts of the context that pages use. */
export type PageContext = Pick<AppContext, 'config' | 'assets' | 'clock' | 'languages'>;

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
});

/** The response with a whole page. */
export function page(context: PageContext, viewer: Viewer, view: View, content: Child): RouteResponse {
  const t = view.isEnglish || view.area?.isEnglish ? english : context.languages.in(viewer.language());
  const html = (
    <TranslatorContext.Provider value={t}>
      <FormTokenContext.Provider value={viewer.formToken}>
        <Document context={context} activeSession={viewer.activeSession} view={view}>
          {content}
        </Document>
      </FormTokenContext.Provider>
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
  const t = useTranslator();
  return (
    <html lang={t.language} dir={t.dir}>
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
      <body
        class={area ? 'area' : shape}
        {...(activeSession ? sessionData(activeSession, clock.now(), t) : {})}
      >
        <a class="skip" href="#content">
          {t('layout.skip')}
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

/** The data from which the script tells when a session is about to end, in milliseconds, and its texts. */
const sessionData = (activeSession: ActiveSession, now: number, t: Translator) => {
  const { idle, left } = timeLeft(activeSession, now);
  return {
    'data-user': activeSession.user.id,
    'data-idle': idle,
    'data-left': left,
    'data-inactive': t('layout.inactive', { time: '{time}' }),
    'data-ends': t('layout.session_ends', { time: '{time}' }),
    'data-stay': t('layout.stay'),
  };
};

/** The header of every page: the name of the installation and the signed-in user. */
function Top({ context, activeSession }: Pick<DocumentProps, 'context' | 'activeSession'>) {
  const t = useTranslator();
  return (
    <header class="top">
      <a class="brand" href="/">
        {context.config.logo === undefined ? <Mark /> : <img src={context.assets['mark.svg']?.url} alt="" />}
        <span>{context.config.serviceName}</span>
      </a>
      {activeSession && (
        <Form action="/sign-out" shape="inline">
          {activeSession.user.admin_since !== null && <a href="/admin">{t('layout.admin')}</a>}
          <span class="who">
            <span class="unseen">{t('layout.signed_in_as')} </span>
            {activeSession.user.username}
          </span>
          <Button weight="plain" small>
            {t('action.sign_out')}
          </Button>
        </Form>
      )}
    </header>
  );
}

/** The logo: a person with raised arms, in the shape of a U. */
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

/** A notice about what was just done or must be known. Errors interrupt a screen reader; other notices wait. */
export function Notice({ kind = 'plain', children }: NoticeProps) {
  return (
    <div class={kind === 'plain' ? 'notice' : `notice ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

/** A section with a heading of its own. */
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

/** A status in one or two words. */
export function Badge({ kind = 'plain', children }: BadgeProps) {
  return <span class={kind === 'plain' ? 'badge' : `badge ${kind}`}>{children}</span>;
}

/** Shown in place of an empty list. */
export function Empty({ children }: { children: Child }) {
  return <div class="empty">{children}</div>;
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

/** A table that scrolls sideways if there is no room, by keyboard, too. */
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
    // Scrollable content must be reachable by keyboard (WCAG 2.1.1).
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
