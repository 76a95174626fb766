import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { ListedEmail } from '../../core/emails/listed.ts';
import { emailLabels, readEmail } from '../../flows/admin/emails.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { EmailFrame, emailDocument, framing } from '../email-frame.tsx';
import { Card, Facts, Notice, page } from '../layout.tsx';
import { Ago } from '../time.tsx';
import { translatorOf, useTranslator } from '../translator.tsx';
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
  const t = translatorOf(context, call);
  const response = page(
    context,
    call,
    { title: subject, area: adminArea, at: EMAILS, trail: [] },
    <>
      <h1>{subject}</h1>
      <EmailDone done={call.query.done} />
      <Card title={t('admin.email_details')}>
        <EmailFacts email={email} names={names} now={now} />
      </Card>
      <h2>{t('admin.email_preview')}</h2>
      <Notice>{t(isOwn ? 'admin.email_hidden' : 'admin.email_sample')}</Notice>
      <EmailFrame src={`${EMAILS}/${email.id}/html`} text={text} audience="other" />
    </>,
  );
  return framing(response);
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
  const t = useTranslator();
  return (
    <Facts
      of={[
        [t('admin.email_type'), emailLabels[kind] ?? kind],
        [
          t('admin.email_recipient'),
          userId === null ? t('admin.email_no_account') : <UserLink id={userId} names={names} />,
        ],
        [t('admin.email_created'), <Ago at={createdAt} now={now} />],
        [
          t('admin.email_status'),
          <>
            <EmailState email={email} />
            <EmailActions email={email} now={now} hidden={{ at: 'email' }} />
          </>,
        ],
        [t('admin.email_attempts'), attemptsOf(email, t)],
        ...(endedAt === null
          ? []
          : [[t('admin.email_finished'), <Ago at={endedAt} now={now} />] satisfies [string, unknown]]),
        [t('admin.email_expires'), t.time(expiresAt)],
        [t('admin.email_reply'), <ServerReply email={email} />],
        [t('admin.email_id'), <code>{email.id}</code>],
      ]}
    />
  );
}

function ServerReply({ email: { status, reply: response, replyText } }: Pick<EmailFactsProps, 'email'>) {
  const t = useTranslator();
  if (replyText !== null) return <>{replyText}</>;
  if (response !== null) return <code>{response}</code>;
  return <>{t(status === 'stored' ? 'admin.email_no_server' : 'admin.email_no_reply')}</>;
}
