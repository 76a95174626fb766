import { z } from 'zod';
import type { World } from '../../context.ts';
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
  waiting: 'Waiting',
  sent: 'Sent',
  refused: 'Refused',
  expired: 'Given up',
  kept: 'Kept here',
};

/** What became of the mails: neither to whom nor what they say, which is nobody’s business but the reader’s. */
export async function mailsPage(
  world: World,
  call: SignedInCall<undefined, z.infer<typeof mailsQuery>>,
): Promise<Answer> {
  const { state, cursor: before, done } = call.query;
  const { mails, next: cursor, names } = await readMails(world, { state, before, limit: PAGE });
  return page(
    world,
    call,
    { title: 'Mails', area: console, at: MAILS },
    <>
      <h1>Mails</h1>
      <MailDone done={done} />
      {world.hasMailbox && (
        <Notice>
          There is no mail server, so mails are kept on this machine: <a href="/mailbox">read them</a>.
        </Notice>
      )}
      <Choices
        label="Which mails"
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
          <p>There are no such mails.</p>
        </Empty>
      ) : (
        <Table caption="Mails" head={['Queued', 'Mail', 'State', 'The server said']}>
          {mails.map((mail) => (
            <Row mail={mail} names={names} now={world.clock.now()} state={state} />
          ))}
        </Table>
      )}
      <Pages path={MAILS} parameters={{ state, cursor: before }} cursor={cursor} />
      <p class="note">
        A mail that was refused or given up can be sent again while it is worth it: as long as its code is
        good, or for a day. After that whoever waits for one asks for a new one. Of a mail that was sent,
        nothing is kept of what it said.
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
        <a href={`${MAILS}/${mail.id}`}>
          <code>{mail.kind}</code>
        </a>
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
  if (outcome === null) return <Badge kind="accent">waiting</Badge>;
  if (outcome === 'refused' || outcome === 'expired')
    return <Badge kind="bad">{outcome === 'refused' ? 'refused' : 'given up'}</Badge>;
  return <Badge kind="good">{outcome === 'kept' ? 'kept here' : 'sent'}</Badge>;
}

/** How often a mail was tried, and whether somebody had it sent again. */
export function triesOf({ tries, triesBefore }: ListedMail): string {
  const all = tries === 0 ? 'not tried yet' : `${tries} ${tries === 1 ? 'try' : 'tries'}`;
  return triesBefore === 0 ? all : `${all}, sent again after ${triesBefore}`;
}
