import { z } from 'zod';
import {
  hastenMail,
  type ListedMail,
  listMails,
  type MailState,
  mailStates,
} from '../../core/mails/outbox.ts';
import { usernamesOf } from '../../core/users.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { Button, Form } from '../form.tsx';
import { Badge, Empty, Notice, page, seeOther, Table } from '../layout.tsx';
import { Ago, exactTime } from '../time.tsx';
import { console } from './area.ts';
import { Choices, Pages, withQuery } from './choices.tsx';
import { Who } from './who.tsx';

const PATH = '/admin/mails';
const PAGE = 50;

const done = {
  hastened: 'The mail is tried now.',
  late: 'The mail is being sent, is due in a few minutes, or has ended: there is nothing to hasten.',
};

export const mailsQuery = z.object({
  state: z.enum(mailStates).optional().catch(undefined),
  cursor: z.uuid().optional().catch(undefined),
  done: z
    .enum(Object.keys(done) as (keyof typeof done)[])
    .optional()
    .catch(undefined),
});
export const mailsForm = z.strictObject({ mail: z.uuid() });

const stateLabels: Record<MailState, string> = {
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
  const { state, cursor: before } = call.query;
  const found = await listMails(world.db, { state, before, limit: PAGE + 1 });
  const mails = found.slice(0, PAGE);
  const cursor = found.length > PAGE ? (mails.at(-1)?.id ?? null) : null;
  const now = world.clock.now();
  const names = await usernamesOf(
    world.db,
    mails.flatMap(({ user_id }) => user_id ?? []),
  );
  return page(
    world,
    call,
    { title: 'Mails', area: console, at: PATH },
    <>
      <h1>Mails</h1>
      {call.query.done && (
        <Notice kind={call.query.done === 'hastened' ? 'good' : 'warn'}>{done[call.query.done]}</Notice>
      )}
      {world.hasMailbox && (
        <Notice>
          There is no mail server, so mails are kept on this machine: <a href="/mailbox">read them</a>.
        </Notice>
      )}
      <Choices
        label="Which mails"
        choices={[
          { href: PATH, label: 'All', isThis: state === undefined },
          ...mailStates.map((one) => ({
            href: withQuery(PATH, { state: one }),
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
            <Row mail={mail} names={names} now={now} />
          ))}
        </Table>
      )}
      <Pages path={PATH} parameters={{ state, cursor: before }} cursor={cursor} />
      <p class="note">
        What a mail said is dropped when it was sent or given up, so it cannot be sent again. Whoever waits
        for one asks for a new one.
      </p>
    </>,
  );
}

interface RowProps {
  mail: ListedMail;
  names: ReadonlyMap<string, string>;
  now: number;
}

function Row({ mail, names, now }: RowProps) {
  const state = mail.ended_at === null ? 'waiting' : mail.outcome;
  return (
    <tr>
      <td>
        <Ago at={mail.created_at} now={now} />
      </td>
      <th scope="row">
        <code>{mail.kind}</code>
        {mail.user_id !== null && (
          <p>
            <Who id={mail.user_id} names={names} />
          </p>
        )}
      </th>
      <td>
        <State mail={mail} />
        {mail.tries > 1 && <p>{mail.tries} tries</p>}
        {state === 'waiting' && mail.due_at !== null && mail.tries > 0 && (
          <>
            <p>next at {exactTime(mail.due_at)}</p>
            <Form action={PATH} shape="inline" hidden={{ mail: mail.id }}>
              <Button
                weight="plain"
                small
                label={`Try now: ${mail.kind}, queued ${exactTime(mail.created_at)}`}
              >
                Try now
              </Button>
            </Form>
          </>
        )}
      </td>
      <td>{mail.answer === null ? '' : <code>{mail.answer}</code>}</td>
    </tr>
  );
}

function State({ mail: { outcome } }: { mail: ListedMail }) {
  if (outcome === null) return <Badge kind="accent">waiting</Badge>;
  if (outcome === 'refused' || outcome === 'expired')
    return <Badge kind="bad">{outcome === 'refused' ? 'refused' : 'given up'}</Badge>;
  return <Badge kind="good">{outcome === 'kept' ? 'kept here' : 'sent'}</Badge>;
}

/** Has a mail tried now that waits for its next try. */
export async function mailsAnswer(
  { db, clock }: World,
  { body }: SignedInCall<z.infer<typeof mailsForm>>,
): Promise<Answer> {
  const isHastened = await hastenMail(db, body.mail, clock.now());
  return seeOther(`${PATH}?done=${isHastened ? 'hastened' : 'late'}`);
}
