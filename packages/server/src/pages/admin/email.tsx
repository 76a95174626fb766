import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { ListedEmail } from '../../core/emails/listed.ts';
import { emailLabels, readEmail } from '../../flows/admin/emails.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { allowFrame, EmailFrame, emailDocument } from '../email-frame.tsx';
import { Card, Facts, Notice, page } from '../layout.tsx';
import { Ago, exactTime } from '../time.tsx';
import { adminArea } from './area.ts';
import { doneQuery, EMAILS, EmailActions, EmailDone } from './email-actions.tsx';
import { attemptsOf, EmailState } from './emails.tsx';
import { UserLink } from './user-link.tsx';

export const oneEmailParams = z.strictObject({ id: z.uuid() });
export const oneEmailQuery = z.object({ done: doneQuery });
type EmailCall<Query = undefined> = SignedInCall<undefined, Query, z.infer<typeof oneEmailParams>>;

/** The delivery of one email, and a preview of it. */
export async function oneEmailPage(
  context: AppContext,
  call: EmailCall<z.infer<typeof oneEmailQuery>>,
): Promise<RouteResponse> {
  const { email, names, preview } = await readEmail(context, call.params.id);
  const { isOwn, subject, text } = preview;
  const now = context.clock.now();
  const response = page(
    context,
    call,
    { title: subject, area: adminArea, at: EMAILS, trail: [] },
    <>
      <h1>{subject}</h1>
      <EmailDone done={call.query.done} />
      <Card title="Details">
        <EmailFacts email={email} names={names} now={now} />
      </Card>
      <h2>Preview</h2>
      {isOwn ? (
        <Notice>The code and link are hidden, because anyone who has them can access the account.</Notice>
      ) : (
        <Notice>The original is no longer stored. This preview uses sample data.</Notice>
      )}
      <EmailFrame src={`${EMAILS}/${email.id}/html`} text={text} audience="other" />
    </>,
  );
  return allowFrame(response);
}

/** The email itself, for the frame. */
export async function oneEmailHtml(context: AppContext, call: EmailCall): Promise<RouteResponse> {
  return emailDocument((await readEmail(context, call.params.id)).preview, 'other');
}

interface EmailFactsProps {
  email: ListedEmail;
  names: ReadonlyMap<string, string>;
  now: number;
}

function EmailFacts({ email, names, now }: EmailFactsProps) {
  const { kind, userId, createdAt, endedAt, expiresAt } = email;
  return (
    <Facts
      of={[
        ['Type', emailLabels[kind] ?? kind],
        [
          'Recipient',
          userId === null ? 'An email without an account' : <UserLink id={userId} names={names} />,
        ],
        ['Created', <Ago at={createdAt} now={now} />],
        [
          'Status',
          <>
            <EmailState email={email} />
            <EmailActions email={email} now={now} hidden={{ at: 'email' }} />
          </>,
        ],
        ['Attempts', attemptsOf(email)],
        ...(endedAt === null
          ? []
          : [['Finished', <Ago at={endedAt} now={now} />] satisfies [string, unknown]]),
        ['Expires', exactTime(expiresAt)],
        ['Server response', <ServerReply email={email} />],
        ['Email ID', <code>{email.id}</code>],
      ]}
    />
  );
}

function ServerReply({ email: { status, reply: response, replyText } }: Pick<EmailFactsProps, 'email'>) {
  if (replyText !== null) return <>{replyText}</>;
  if (response !== null) return <code>{response}</code>;
  return <>{status === 'stored' ? 'None (no mail server)' : 'None yet'}</>;
}
