import { deriveKeys, mac } from '../../src/platform/secrets.ts';
import { type Reply, send, type TestApp } from './app.ts';

/** The id of a browser that has no session; any will do. */
const BROWSER = 'B'.repeat(22);

interface Submitting {
  /** The cookie token of who is signed in. */
  cookie?: string | undefined;
  headers?: Record<string, string>;
  from?: string;
}

/**
 * Sends a form as a browser does from one of our pages: with our origin, and with the token that the page would have
 * carried.
 */
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

/** What a form carries in a browser, and the cookies that it belongs to. */
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

/** The secret of a link, which is in its fragment. */
export const secretOf = (link: string): string => /#token=([\w-]+)$/.exec(link)?.[1] ?? '';

/** Opens a link as `usher.js` does, or somebody who pastes it: its secret goes in a form, never in an address. */
export const openLink = (app: TestApp, path: string, link: string, how: Submitting = {}): Promise<Reply> =>
  submit(app, path, { link }, how);
