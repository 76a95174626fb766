import { deriveKeys, mac } from '../../src/platform/secrets.ts';
import { type Reply, send, type TestApp } from './app.ts';

/** The browser ID that a form token is bound to without a session; any value works. */
const BROWSER = 'B'.repeat(22);

interface Submitting {
  /** The cookie token of the signed-in user. */
  cookie?: string | undefined;
  headers?: Record<string, string>;
  from?: string;
}

/** Submits a form as a browser does on one of our pages: with our origin, and the form token of the page. */
export function submit(
  app: TestApp,
  path: string,
  fields: Record<string, string>,
  { cookie, headers = {}, ...how }: Submitting = {},
): Promise<Reply> {
  const { form_token, cookies } = formTokenFor(app, cookie);
  return send(app, 'POST', path, undefined, {
    raw: new URLSearchParams({ form_token, ...fields }).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: app.url,
      'sec-fetch-site': 'same-origin',
      cookie: cookies,
      ...headers,
    },
    ...how,
  });
}

/** The form token of a browser, and the cookies that it is bound to. */
export function formTokenFor(
  { secret }: Pick<TestApp, 'secret'>,
  cookie?: string,
): { form_token: string; cookies: string } {
  const { form } = deriveKeys(secret);
  if (cookie === undefined)
    return { form_token: mac(form, `browser ${BROWSER}`), cookies: `usher-form=${BROWSER}` };
  const { sid } = JSON.parse(Buffer.from(cookie.split('.')[1] ?? '', 'base64url').toString());
  return { form_token: mac(form, `session ${sid}`), cookies: `usher=${cookie}` };
}

/** The token of a link, which is in the fragment. */
export const secretOf = (link: string): string => /#token=([\w-]+)$/.exec(link)?.[1] ?? '';

/** Opens a link like `usher.js`, or like a user who pastes it: the token is sent in a form, never in a URL. */
export const openLink = (app: TestApp, path: string, link: string, how: Submitting = {}): Promise<Reply> =>
  submit(app, path, { link }, how);
