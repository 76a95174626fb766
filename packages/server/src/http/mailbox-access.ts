import type { AppContext } from '../context.ts';
import { equalSecrets, mac } from '../platform/secrets.ts';
import { readCookie } from './cookies.ts';
import { otherCookieName } from './other-cookies.ts';

/**
 * Only a browser that has the link that the server printed at its start may read the mailbox page. A request from this
 * machine proves nothing: with a local proxy, every request comes over loopback.
 */

/** How long a link lets a browser read the page, in milliseconds; a restart of the server does not end it. */
const LIFETIME = 24 * 60 * 60_000;

/** The link to the page. Its secret is in the fragment (`#`), which browsers never send to a server. */
export const mailboxLink = ({
  publicUrl,
  mailboxSecret,
}: Pick<AppContext, 'publicUrl' | 'mailboxSecret'>): string => `${publicUrl}/mailbox#token=${mailboxSecret}`;

/** The cookie for a browser that has the link. @returns undefined for a wrong secret. */
export function mailboxCookie(
  { keys, clock, mailboxSecret }: Pick<AppContext, 'keys' | 'clock' | 'mailboxSecret'>,
  secret: string,
): { value: string; maxAge: number } | undefined {
  if (!equalSecrets(secret, mailboxSecret)) return undefined;
  const until = clock.now() + LIFETIME;
  return { value: `${until}.${mac(keys.mailbox, String(until))}`, maxAge: LIFETIME / 1000 };
}

/** Whether a browser sends a valid cookie from `mailboxCookie` that has not expired. */
export function mayReadMailbox(
  { keys, clock, publicUrl }: Pick<AppContext, 'keys' | 'clock' | 'publicUrl'>,
  headers: Pick<Headers, 'get'>,
): boolean {
  const sent = readCookie(headers.get('cookie'), otherCookieName(publicUrl, 'mailbox'));
  const [, until, signature] = /^(\d{1,16})\.([\w-]{43})$/.exec(sent ?? '') ?? [];
  if (!until || !signature || clock.now() >= Number(until)) return false;
  return equalSecrets(signature, mac(keys.mailbox, until));
}
