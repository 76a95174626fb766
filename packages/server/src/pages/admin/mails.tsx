import { z } from 'zod';
import type { World } from '../../context.ts';
import { mailLabels } from '../../core/mails/kinds.ts';
import type { ListedMail, MailState as State } from '../../core/mails/listed.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { mailStates, readMails } from '../../flows/admin/mails.ts';
import { Badge, Empty, Notice, page, Table } from '../layout.tsx';
import { Ago } from '../time.tsx';
import { console } from './area.ts';
import { Choices, Pages, withQuery } from './choices.tsx';
import { doneQuery, MAILS, MailActs, MailDone } from './mail-acts.tsx';
import { Who } from './who.tsx';

const PAGE = 50;

export const mailsQuery = z.object({
  state: z.enum(mailStates).optional().catch(undefined),
  cursor: z.uuid().optional().catch(undefined),
  done: doneQuery,
});

const stateLabels: Record<State, string> = {
  waiting: 'Queued',
  sent: 'Sent',
  refused: 'Rejected',
  expired: 'Failed',
  kept: 'Not sent (mailbox)',
};

/** The delivery of emails, without recipients and contents, which are private. */
export async function mailsPage(
  world: World,
  call: SignedInCall<undefined, z.infer<typeof mailsQuery>>,
): Promise<Answer> {
  const { state, cursor: before, done } = call.query;
  const { mails, next: cursor, names } = await readMails(world, { state, before, limit: PAGE });
  return page(
    world,
    call,
    { title: 'Emails', area: console, at: MAILS },
    <>
      <h1>Emails</h1>
      <MailDone done={done} />
      {world.hasMailbox && (
        <Notice>
          No mail server is set up. Emails are kept in the development mailbox.{' '}
          <a href="/mailbox">Open mailbox</a>
        </Notice>
      )}
      <Choices
        label="Filter by status"
        choices={[
          { href: MAILS, label: 'All', isThis: state === undefined },
          ...mailStates.map((one) => ({
            href: withQuery(MAILS, { state: one }),
            label: stateLabels[one],
            isThis: state === one,
          })),
        ]}
      />
      {mails.length === 0 ? (
        <Empty>
          <p>No emails match this filter.</p>
        </Empty>
      ) : (
        <Table caption="Emails" head={['Created', 'Email', 'Status', 'Server response']}>
          {mails.map((mail) => (
            <Row mail={mail} names={names} now={world.clock.now()} state={state} />
          ))}
        </Table>
      )}
      <Pages path={MAILS} parameters={{ state, cursor: before }} cursor={cursor} />
      <p class="note">
        Rejected and failed emails can be resent while their link is valid, or for 24 hours. Contents of sent
        emails aren’t stored.
      </p>
    </>,
  );
}

interface RowProps {
  mail: ListedMail;
  names: ReadonlyMap<string, string>;
  now: number;
  state: State | undefined;
}

function Row({ mail, names, now, state }: RowProps) {
  return (
    <tr>
      <td>
        <Ago at={mail.createdAt} now={now} />
      </td>
      <th scope="row">
        <a href={`${MAILS}/${mail.id}`}>{mailLabels[mail.kind] ?? mail.kind}</a>
        {mail.userId !== null && (
          <p>
            <Who id={mail.userId} names={names} />
          </p>
        )}
      </th>
      <td>
        <MailState mail={mail} />
        {(mail.tries > 1 || mail.triesBefore > 0) && <p>{triesOf(mail)}</p>}
        <MailActs mail={mail} now={now} hidden={{ at: 'list', ...(state ? { state } : {}) }} />
      </td>
      <td class="value">{mail.words ?? (mail.answer === null ? '' : <code>{mail.answer}</code>)}</td>
    </tr>
  );
}

export function MailState({ mail: { outcome } }: { mail: ListedMail }) {
  if (outcome === null) return <Badge kind="accent">Queued</Badge>;
  if (outcome === 'refused' || outcome === 'expired')
    return <Badge kind="bad">{outcome === 'refused' ? 'Rejected' : 'Failed'}</Badge>;
  return <Badge kind="good">{outcome === 'kept' ? 'In mailbox' : 'Sent'}</Badge>;
}

/** How often an email was attempted, and whether it was resent. */
export function triesOf({ tries, triesBefore }: ListedMail): string {
  const all = tries === 0 ? 'Not attempted yet' : `${tries} ${tries === 1 ? 'attempt' : 'attempts'}`;
  return triesBefore === 0
    ? all
    : `${all}, resent after ${triesBefore} ${triesBefore === 1 ? 'attempt' : 'attempts'}`;
}
