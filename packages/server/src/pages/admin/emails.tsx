import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { ListedEmail, EmailState as State } from '../../core/emails/listed.ts';
import { emailLabels, emailStates, readEmails } from '../../flows/admin/emails.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import type { PlainKey } from '../../languages/text.ts';
import type { Translator } from '../../languages/translator.ts';
import { Badge, Empty, Notice, page, Row, Table } from '../layout.tsx';
import { Ago } from '../time.tsx';
import { translatorOf, useTranslator } from '../translator.tsx';
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

const stateLabels: Record<State, PlainKey> = {
  waiting: 'admin.emails_queued',
  sent: 'admin.emails_sent',
  rejected: 'admin.emails_rejected',
  expired: 'admin.emails_failed',
  stored: 'admin.emails_stored',
};

/** The delivery of emails, without recipients and contents, which are private. */
export async function emailsPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof emailsQuery>>,
): Promise<RouteResponse> {
  const { state, cursor: before, done } = call.query;
  const { emails, next: cursor, names } = await readEmails(context, { state, before, limit: PAGE });
  const t = translatorOf(context, call);
  const title = t('admin.emails');
  const head = headOf(t);
  const labels = [t('admin.emails_first'), t('admin.emails_next')] as const;
  return page(
    context,
    call,
    { title, area: adminArea, at: EMAILS },
    <>
      <h1>{title}</h1>
      <EmailDone done={done} />
      {context.hasMailbox && (
        <Notice>
          <p>{t.rich('admin.emails_mailbox', { link: (children) => <a href="/mailbox">{children}</a> })}</p>
        </Notice>
      )}
      <Choices
        label={t('admin.emails_filter')}
        choices={[
          { href: EMAILS, label: t('admin.emails_all'), isThis: state === undefined },
          ...emailStates.map((one) => ({
            href: withQuery(EMAILS, { state: one }),
            label: t(stateLabels[one]),
            isThis: state === one,
          })),
        ]}
      />
      {emails.length === 0 ? (
        <Empty>
          <p>{t('admin.emails_none')}</p>
        </Empty>
      ) : (
        <Table caption={title} head={head}>
          {emails.map((email) => (
            <EmailRow email={email} names={names} now={context.clock.now()} state={state} />
          ))}
        </Table>
      )}
      <Pages path={EMAILS} parameters={{ state, cursor: before }} cursor={cursor} labels={labels} />
      <p class="note">{t('admin.emails_note')}</p>
    </>,
  );
}

const headOf = (t: Translator) => [
  t('admin.email'),
  t('admin.email_status'),
  t('admin.email_reply'),
  t('admin.email_created'),
];

interface EmailRowProps {
  email: ListedEmail;
  names: ReadonlyMap<string, string>;
  now: number;
  state: State | undefined;
}

function EmailRow({ email, names, now, state }: EmailRowProps) {
  const { id, kind, userId, attempts, attemptsBeforeRetry, reply, replyText, createdAt } = email;
  const t = useTranslator();
  return (
    <Row
      head={headOf(t)}
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
          {(attempts > 1 || attemptsBeforeRetry > 0) && <p>{attemptsOf(email, t)}</p>}
          <EmailActions email={email} now={now} hidden={{ at: 'list', ...(state ? { state } : {}) }} />
        </>,
        replyText ??
          (reply === null ? <span class="quiet">{t('admin.user_none')}</span> : <code>{reply}</code>),
        <Ago at={createdAt} now={now} />,
      ]}
    />
  );
}

export function EmailState({ email: { status } }: { email: ListedEmail }) {
  const t = useTranslator();
  if (status === null) return <Badge kind="accent">{t('admin.emails_queued')}</Badge>;
  if (status === 'stored') return <Badge kind="good">{t('admin.emails_in_mailbox')}</Badge>;
  if (status === 'rejected' || status === 'expired')
    return <Badge kind="bad">{t(stateLabels[status])}</Badge>;
  return <Badge kind="good">{t('admin.emails_sent')}</Badge>;
}

/** How often an email was attempted, and whether it was resent. */
export function attemptsOf(
  { attempts: count, attemptsBeforeRetry }: Pick<ListedEmail, 'attempts' | 'attemptsBeforeRetry'>,
  t: Translator,
): string {
  const attempts = count === 0 ? t('admin.email_not_tried') : t('admin.email_tries', { count });
  if (attemptsBeforeRetry === 0) return attempts;
  const before = t('admin.email_tries', { count: attemptsBeforeRetry });
  return t('admin.email_resent_after', { attempts, before });
}
