import { z } from 'zod';
import { isLoopback } from '../config.ts';
import type { World } from '../context.ts';
import type { KeptMail } from '../core/mails/mailbox.ts';
import type { RenderedMail } from '../core/mails/render.ts';
import { mailboxCookie, mayReadMailbox } from '../edge/mailbox-access.ts';
import type { Answer, Call } from '../edge/route.ts';
import { Refusal } from '../errors.ts';
import { readKeptMail, readMailbox } from '../flows/mailbox/mailbox.ts';
import { Card, Empty, Notice, page, seeOther, Table } from './layout.tsx';
import { LinkForm, type linkBody, tokenOf } from './link-form.tsx';
import { framing, MailFrame, mailDocument } from './mail-frame.tsx';
import { Ago, exactTime } from './time.tsx';

/** Where there is no mail server, these pages show what would have been sent, to whoever sits at the machine itself. */

const MOST_LISTED = 100;

/** Every mail is in the hands of whoever reads these pages: codes, links, addresses. */
function refuseOthers(
  world: World,
  { headers, socketAddress }: Pick<Call, 'headers' | 'socketAddress'>,
): void {
  const address = socketAddress?.replace(/^::ffff:/, '');
  // A proxy or tunnel on this machine brings the whole world in over loopback, and says so in one of these.
  const isForwarded = forwardingHeaders.some((name) => headers.has(name));
  if (!world.hasMailbox || address === undefined || !isLoopback(address) || isForwarded)
    throw new Refusal('not_found');
}

const forwardingHeaders = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
];

export async function mailboxPage(world: World, call: Call): Promise<Answer> {
  refuseOthers(world, call);
  if (!mayReadMailbox(world, call.headers)) return askForLink(world, call);
  const mails = await readMailbox(world, MOST_LISTED);
  const shown = mails.map((mail) => ({ mail, ...rendered(world, mail) }));
  return page(world, call, { title: 'Mailbox' }, <Mailbox mails={shown} now={world.clock.now()} />);
}

/** Swaps the secret of the link for a cookie. */
export async function mailboxAnswer(world: World, call: Call<z.infer<typeof linkBody>>): Promise<Answer> {
  refuseOthers(world, call);
  const mailbox = mailboxCookie(world, tokenOf(call.body.link));
  if (mailbox) return seeOther('/mailbox', { sideCookies: { mailbox } });
  return askForLink(
    world,
    call,
    'This link is invalid or has expired. The server prints a new one at every start.',
  );
}

function askForLink(world: World, call: Call<unknown>, wrong?: string): Answer {
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
  return page(world, call, { title: 'Mailbox', shape: 'gate', status: 403 }, content);
}

/** Any text: what is not the id of a mail is not found, like everything here is for others. */
export const mailParams = z.strictObject({ id: z.string() });
type MailCall = Call<undefined, undefined, z.infer<typeof mailParams>>;

export async function mailPage(world: World, call: MailCall): Promise<Answer> {
  const mail = await openMail(world, call);
  return framing(page(world, call, { title: 'Mailbox' }, <Mail mail={mail} {...rendered(world, mail)} />));
}

export async function mailHtml(world: World, call: MailCall): Promise<Answer> {
  return mailDocument(rendered(world, await openMail(world, call)), 'reader');
}

async function openMail(world: World, call: MailCall): Promise<KeptMail> {
  refuseOthers(world, call);
  if (!mayReadMailbox(world, call.headers)) throw new Refusal('not_found');
  const mail = await readKeptMail(world, call.params.id);
  if (!mail) throw new Refusal('not_found');
  return mail;
}

const rendered = ({ renderMail }: Pick<World, 'renderMail'>, { kind, values }: KeptMail): RenderedMail =>
  renderMail(kind, values);

interface MailboxProps {
  mails: ({ mail: KeptMail } & RenderedMail)[];
  now: number;
}

function Mailbox({ mails, now }: MailboxProps) {
  return (
    <>
      <h1>Mailbox</h1>
      <p class="lead">
        Development mailbox: no mail server (<code>USHER_SMTP_URL</code>) is set, so emails are kept here for
        7 days. Only available on this machine, with the link that the server printed.
      </p>
      {mails.length === 0 ? (
        <Empty>
          <p>No emails yet. Sign up or reset a password to see one here.</p>
        </Empty>
      ) : (
        <Card>
          <Table caption="Emails, newest first" head={['Subject', 'To', 'Sent']}>
            {mails.map(({ mail, subject }) => (
              <tr>
                <td>
                  <a href={`/mailbox/${mail.id}`}>{subject}</a>
                </td>
                <td>{mail.to}</td>
                <td>
                  <Ago at={mail.createdAt} now={now} />
                </td>
              </tr>
            ))}
          </Table>
        </Card>
      )}
    </>
  );
}

function Mail({ mail, subject, text }: { mail: KeptMail } & RenderedMail) {
  return (
    <>
      <p>
        <a href="/mailbox">Mailbox</a>
      </p>
      <h1>{subject}</h1>
      <p class="lead">
        To {mail.to}, sent {exactTime(mail.createdAt)}
      </p>
      <MailFrame src={`/mailbox/${mail.id}/html`} text={text} who="reader" />
    </>
  );
}
