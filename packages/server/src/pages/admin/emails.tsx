import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { ListedEmail, EmailState as State } from '../../core/emails/listed.ts';
import { emailLabels, emailStates, readEmails } from '../../flows/admin/emails.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Badge, Empty, Notice, page, Row, Table } from '../layout.tsx';
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
        <Table caption="Emails" head={head}>
          {emails.map((email) => (
            <EmailRow email={email} names={names} now={context.clock.now()} state={state} />
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

const head = ['Email', 'Status', 'Server response', 'Created'] as const;

interface EmailRowProps {
  email: ListedEmail;
  names: ReadonlyMap<string, string>;
  now: number;
  state: State | undefined;
}

function EmailRow({ email, names, now, state }: EmailRowProps) {
  const { id, kind, userId, attempts, attemptsBeforeRetry, reply, replyText, createdAt } = email;
  return (
    <Row
      head={head}
      cells={[
        <>
          <a href={`${EMAILS}/${id}`}>{emailLabels[kind] ?? kind}</a>
          {userId !== null && (
            <p>
              <UserLink id={userId} names={names} />
            </p>
          )}
        </>,
        <>
          <EmailState email={email} />
          {(attempts > 1 || attemptsBeforeRetry > 0) && <p>{attemptsOf(email)}</p>}
          <EmailActions email={email} now={now} hidden={{ at: 'list', ...(state ? { state } : {}) }} />
        </>,
        replyText ?? (reply === null ? <span class="quiet">None</span> : <code>{reply}</code>),
        <Ago at={createdAt} now={now} />,
      ]}
    />
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
