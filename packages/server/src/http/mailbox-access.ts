import type { AppContext } from '../context.ts';
import { equalSecrets, mac } from '../platform/secrets.ts';
import { readCookie } from './cookies.ts';
import { otherCookieName } from './other-cookies.ts';

/**
 * Who may read the mailbox page: whoever has the link that the server printed when it started. That a request comes from this
 * machine does not say so: a proxy here brings the whole world in over loopback.
 */

/** How long a browser may read the page with one link, in milliseconds; also after the server started again. */
const LIFETIME = 24 * 60 * 60_000;

/** The link to the page. Its secret is behind the `#`, which browsers send to no server. */
export const mailboxLink = ({
  publicUrl,
  mailboxSecret,
}: Pick<AppContext, 'publicUrl' | 'mailboxSecret'>): string => `${publicUrl}/mailbox#token=${mailboxSecret}`;

/** What the browser keeps that has the link. @returns undefined for a wrong secret. */
export function mailboxCookie(
  { keys, clock, mailboxSecret }: Pick<AppContext, 'keys' | 'clock' | 'mailboxSecret'>,
  secret: string,
): { value: string; maxAge: number } | undefined {
  if (!equalSecrets(secret, mailboxSecret)) return undefined;
  const until = clock.now() + LIFETIME;
  return { value: `${until}.${mac(keys.mailbox, String(until))}`, maxAge: LIFETIME / 1000 };
}

/** Whether a browser sends what `mailboxCookie` gave it, and its time is not over. */
export function mayReadMailbox(
  { keys, clock, publicUrl }: Pick<AppContext, 'keys' | 'clock' | 'publicUrl'>,
  headers: Pick<Headers, 'get'>,
): boolean {
  const sent = readCookie(headers.get('cookie'), otherCookieName(publicUrl, 'mailbox'));
  const [, until, signature] = /^(\d{1,16})\.([\w-]{43})$/.exec(sent ?? '') ?? [];
  if (!until || !signature || clock.now() >= Number(until)) return false;
  return equalSecrets(signature, mac(keys.mailbox, until));
}
