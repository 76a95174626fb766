import { z } from 'zod';
import { isLoopback } from '../config.ts';
import type { AppContext } from '../context.ts';
import type { StoredEmail } from '../core/emails/mailbox.ts';
import type { RenderedEmail } from '../core/emails/render.ts';
import { HttpError } from '../errors.ts';
import { readKeptEmail, readMailbox } from '../flows/mailbox/mailbox.ts';
import { mailboxCookie, mayReadMailbox } from '../http/mailbox-access.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { allowFrame, EmailFrame, emailDocument } from './email-frame.tsx';
import { Card, Empty, Notice, page, Row, seeOther, Table } from './layout.tsx';
import { LinkForm, type linkBody, tokenOf } from './link-form.tsx';
import { Ago, exactTime } from './time.tsx';

/** Without a mail server, these pages show the emails that would have been sent, to anyone on the machine itself. */

const MAX_LISTED = 100;

/**
 * Rejects requests from other machines: these pages show codes, links and email addresses, so their reader controls
 * every account.
 */
function rejectOthers(context: AppContext, { headers, socketIp }: Pick<Call, 'headers' | 'socketIp'>): void {
  const ip = socketIp?.replace(/^::ffff:/, '');
  // A proxy or tunnel on this machine forwards outside requests over loopback, and sets one of these headers.
  const isForwarded = forwardingHeaders.some((name) => headers.has(name));
  if (!context.hasMailbox || ip === undefined || !isLoopback(ip) || isForwarded)
    throw new HttpError('not_found');
}

const forwardingHeaders = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
];

export async function mailboxPage(context: AppContext, call: Call): Promise<RouteResponse> {
  rejectOthers(context, call);
  if (!mayReadMailbox(context, call.headers)) return askForLink(context, call);
  const emails = await readMailbox(context, MAX_LISTED);
  const shown = emails.map((email) => ({ email, ...rendered(context, email) }));
  return page(
    context,
    call,
    { title: 'Mailbox', isEnglish: true },
    <Mailbox emails={shown} now={context.clock.now()} />,
  );
}

/** Exchanges the token of the link for a cookie. */
export async function mailboxSubmit(
  context: AppContext,
  call: Call<z.infer<typeof linkBody>>,
): Promise<RouteResponse> {
  rejectOthers(context, call);
  const mailbox = mailboxCookie(context, tokenOf(call.body.link));
  if (mailbox) return seeOther('/mailbox', { otherCookies: { mailbox } });
  return askForLink(
    context,
    call,
    'This link is invalid or has expired. The server prints a new one at every start.',
  );
}

function askForLink(context: AppContext, call: Call<unknown>, wrong?: string): RouteResponse {
  const content = (
    <Card>
      <h1>Mailbox</h1>
      {wrong !== undefined && <Notice kind="bad">{wrong}</Notice>}
      <p class="lead">
        Open the mailbox link that the server printed when it started. Without it, anyone who can reach this
        server could read the codes in these emails.
      </p>
      <LinkForm action="/mailbox" label="Paste the link" autofocus />
    </Card>
  );
  return page(context, call, { title: 'Mailbox', shape: 'centered', status: 403, isEnglish: true }, content);
}

/** Any text: an unknown ID gets the same 404 as a visitor without access. */
export const mailboxEmailParams = z.strictObject({ id: z.string() });
type EmailCall = Call<undefined, undefined, z.infer<typeof mailboxEmailParams>>;

export async function mailboxEmailPage(context: AppContext, call: EmailCall): Promise<RouteResponse> {
  const email = await openEmail(context, call);
  return allowFrame(
    page(
      context,
      call,
      { title: 'Mailbox', isEnglish: true },
      <EmailMessage email={email} {...rendered(context, email)} />,
    ),
  );
}

export async function mailboxEmailHtml(context: AppContext, call: EmailCall): Promise<RouteResponse> {
  return emailDocument(rendered(context, await openEmail(context, call)), 'reader');
}

async function openEmail(context: AppContext, call: EmailCall): Promise<StoredEmail> {
  rejectOthers(context, call);
  if (!mayReadMailbox(context, call.headers)) throw new HttpError('not_found');
  const email = await readKeptEmail(context, call.params.id);
  if (!email) throw new HttpError('not_found');
  return email;
}

const rendered = (
  { renderEmail }: Pick<AppContext, 'renderEmail'>,
  { kind, values }: StoredEmail,
): RenderedEmail => renderEmail(kind, values);

const head = ['Subject', 'To', 'Sent'] as const;

interface MailboxProps {
  emails: ({ email: StoredEmail } & RenderedEmail)[];
  now: number;
}

function Mailbox({ emails, now }: MailboxProps) {
  return (
    <>
      <h1>Mailbox</h1>
      <p class="lead">
        Development mailbox: no mail server (<code>USHER_SMTP_URL</code>) is set, so emails are kept here for
        7 days. Only available on this machine, with the link that the server printed.
      </p>
      {emails.length === 0 ? (
        <Empty>
          <p>No emails yet. Sign up or reset a password to see one here.</p>
        </Empty>
      ) : (
        <Table caption="Emails, newest first" head={head}>
          {emails.map(({ email, subject }) => (
            <Row
              head={head}
              cells={[
                <a href={`/mailbox/${email.id}`}>{subject}</a>,
                email.to,
                <Ago at={email.createdAt} now={now} />,
              ]}
            />
          ))}
        </Table>
      )}
    </>
  );
}

function EmailMessage({ email, subject, text }: { email: StoredEmail } & RenderedEmail) {
  return (
    <>
      <p>
        <a href="/mailbox">Mailbox</a>
      </p>
      <h1>{subject}</h1>
      <p class="lead">
        To {email.to}, sent {exactTime(email.createdAt)}
      </p>
      <EmailFrame src={`/mailbox/${email.id}/html`} text={text} audience="reader" />
    </>
  );
}
