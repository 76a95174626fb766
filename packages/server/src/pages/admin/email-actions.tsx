import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { ListedEmail } from '../../core/emails/listed.ts';
import { HttpError } from '../../errors.ts';
import { emailLabels, emailStates, tryEmailNow } from '../../flows/admin/emails.ts';
import { retryEmailNow, whyNotRetried } from '../../flows/emails/retry-email.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Button, Form } from '../form.tsx';
import { Notice, seeOther } from '../layout.tsx';
import { useTranslator } from '../translator.tsx';
import { withQuery } from './choices.tsx';

export const EMAILS = '/admin/emails';

const done = {
  sent_now: 'admin.email_sent_now',
  late: 'admin.email_late',
  retried: 'admin.email_retried',
  rejected: 'admin.email_not_resent',
} as const;
type Done = keyof typeof done;

export const doneQuery = z
  .enum(Object.keys(done) as Done[])
  .optional()
  .catch(undefined);

export function EmailDone({ done: what }: { done: Done | undefined }) {
  const t = useTranslator();
  if (what === undefined) return null;
  return <Notice kind={what === 'sent_now' || what === 'retried' ? 'good' : 'warn'}>{t(done[what])}</Notice>;
}

export const emailsForm = z.strictObject({
  email: z.uuid(),
  action: z.enum(['send_now', 'retry']),
  /** The page with the button: the email's own page, or the list, filtered by this status. */
  at: z.enum(['email', 'list']),
  state: z.enum(emailStates).optional(),
});

/** Retries a queued email now, or resends a rejected or failed one. */
export async function emailsSubmit(
  context: AppContext,
  call: SignedInCall<z.infer<typeof emailsForm>>,
): Promise<RouteResponse> {
  const { email, action, at, state } = call.body;
  const done = action === 'send_now' ? await sendNow(context, email) : await retry(context, call, email);
  // The email's own page shows why it cannot be resent.
  const isAtList = at === 'list' && done !== 'rejected';
  return seeOther(isAtList ? withQuery(EMAILS, { state, done }) : `${EMAILS}/${email}?done=${done}`);
}

const sendNow = async (context: AppContext, id: string): Promise<Done> =>
  (await tryEmailNow(context, id)) ? 'sent_now' : 'late';

async function retry(
  context: AppContext,
  { activeSession, client }: SignedInCall<unknown>,
  id: string,
): Promise<Done> {
  try {
    await retryEmailNow(context, id, { actor: activeSession, client });
    return 'retried';
  } catch (error) {
    if (error instanceof HttpError && error.code === 'conflict') return 'rejected';
    throw error;
  }
}

interface EmailActionsProps {
  email: ListedEmail;
  now: number;
  /** Where the page goes on. */
  hidden: Record<string, string>;
}

/** The action for an email that was not sent, or the reason why there is none. */
export function EmailActions({ email, now, hidden }: EmailActionsProps) {
  const t = useTranslator();
  const isUnsent = email.status === 'rejected' || email.status === 'expired';
  const reason = isUnsent ? whyNotRetried(email, now) : undefined;
  if (reason !== undefined) return <p class="note">{t(reason)}</p>;
  if (isUnsent)
    return <ActionButton email={email} action="retry" label={t('admin.email_resend')} hidden={hidden} />;
  // The first try is a matter of seconds.
  if (email.dueAt === null || email.attempts === email.attemptsBeforeRetry) return null;
  return (
    <>
      <p class="note">{t('admin.email_next_attempt', { time: t.time(email.dueAt) })}</p>
      <ActionButton email={email} action="send_now" label={t('admin.email_retry')} hidden={hidden} />
    </>
  );
}

interface ActionButtonProps extends Pick<EmailActionsProps, 'email' | 'hidden'> {
  action: 'send_now' | 'retry';
  label: string;
}

function ActionButton({ email, action, label, hidden }: ActionButtonProps) {
  const t = useTranslator();
  const kind = emailLabels[email.kind] ?? email.kind;
  return (
    <Form action={EMAILS} shape="inline" hidden={{ email: email.id, action, ...hidden }}>
      <Button
        weight="plain"
        small
        label={t('admin.email_button', { action: label, kind, time: t.time(email.createdAt) })}
      >
        {label}
      </Button>
    </Form>
  );
}
