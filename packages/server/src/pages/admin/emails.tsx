import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { ListedEmail, EmailState as State } from '../../core/emails/listed.ts';
import { emailLabels, emailStates, readEmails } from '../../flows/admin/emails.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Badge, Empty, Notice, page, Table } from '../layout.tsx';
import { Ago } from '../time.tsx';
import { adminArea } from './area.ts';
import { Choices, Pages, withQuery } from './choices.tsx';
import { doneQuery, EMAILS, EmailActions, EmailDone } from './email-actions.tsx';
import { UserLink } from './user-link.tsx';

const PAGE = 50;

export const emailsQuery = z.object({
  state: z.enum(emailStates).optional().catch(undefined),
  cursor: z.uuid().optional().catch(undefined),
  done: doneQuery,
});

const stateLabels: Record<State, string> = {
  waiting: 'Queued',
  sent: 'Sent',
  rejected: 'Rejected',
  expired: 'Failed',
  stored: 'Not sent (mailbox)',
};

/** The delivery of emails, without recipients and contents, which are private. */
export async function emailsPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof emailsQuery>>,
): Promise<RouteResponse> {
  const { state, cursor: before, done } = call.query;
  const { emails, next: cursor, names } = await readEmails(context, { state, before, limit: PAGE });
  return page(
    context,
    call,
    { title: 'Emails', area: adminArea, at: EMAILS },
    <>
      <h1>Emails</h1>
      <EmailDone done={done} />
      {context.hasMailbox && (
        <Notice>
          No mail server is set up. Emails are kept in the development mailbox.{' '}
          <a href="/mailbox">Open mailbox</a>
        </Notice>
      )}
      <Choices
        label="Filter by status"
        choices={[
          { href: EMAILS, label: 'All', isThis: state === undefined },
          ...emailStates.map((one) => ({
            href: withQuery(EMAILS, { state: one }),
            label: stateLabels[one],
            isThis: state === one,
          })),
        ]}
      />
      {emails.length === 0 ? (
        <Empty>
          <p>No emails match this filter.</p>
        </Empty>
      ) : (
        <Table caption="Emails" head={['Created', 'Email', 'Status', 'Server response']}>
          {emails.map((email) => (
            <Row email={email} names={names} now={context.clock.now()} state={state} />
          ))}
        </Table>
      )}
      <Pages path={EMAILS} parameters={{ state, cursor: before }} cursor={cursor} />
      <p class="note">
        Rejected and failed emails can be resent while their link is valid, or for 24 hours. Contents of sent
        emails aren’t stored.
      </p>
    </>,
  );
}

interface RowProps {
  email: ListedEmail;
  names: ReadonlyMap<string, string>;
  now: number;
  state: State | undefined;
}

function Row({ email, names, now, state }: RowProps) {
  return (
    <tr>
      <td>
        <Ago at={email.createdAt} now={now} />
      </td>
      <th scope="row">
        <a href={`${EMAILS}/${email.id}`}>{emailLabels[email.kind] ?? email.kind}</a>
        {email.userId !== null && (
          <p>
            <UserLink id={email.userId} names={names} />
          </p>
        )}
      </th>
      <td>
        <EmailState email={email} />
        {(email.attempts > 1 || email.attemptsBeforeRetry > 0) && <p>{attemptsOf(email)}</p>}
        <EmailActions email={email} now={now} hidden={{ at: 'list', ...(state ? { state } : {}) }} />
      </td>
      <td class="value">{email.replyText ?? (email.reply === null ? '' : <code>{email.reply}</code>)}</td>
    </tr>
  );
}

export function EmailState({ email: { status } }: { email: ListedEmail }) {
  if (status === null) return <Badge kind="accent">Queued</Badge>;
  if (status === 'rejected' || status === 'expired')
    return <Badge kind="bad">{status === 'rejected' ? 'Rejected' : 'Failed'}</Badge>;
  return <Badge kind="good">{status === 'stored' ? 'In mailbox' : 'Sent'}</Badge>;
}

/** How often an email was attempted, and whether it was resent. */
export function attemptsOf({ attempts, attemptsBeforeRetry }: ListedEmail): string {
  const all = attempts === 0 ? 'Not attempted yet' : `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return attemptsBeforeRetry === 0
    ? all
    : `${all}, resent after ${attemptsBeforeRetry} ${attemptsBeforeRetry === 1 ? 'attempt' : 'attempts'}`;
}
