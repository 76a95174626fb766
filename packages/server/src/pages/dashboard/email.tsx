import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { type FieldError, HttpError } from '../../errors.ts';
import { changeEmail, changeEmailBody, resendVerification } from '../../flows/email/change.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { EmailField, PasswordField, passwordErrors } from '../field.tsx';
import { Actions, Button, Form } from '../form.tsx';
import { KnownUsername } from '../known-username.tsx';
import { Badge, Card, Notice, page, seeOther, statusAndTitle, withErrorHeaders } from '../layout.tsx';
import { Say, translatorOf, useTranslator } from '../translator.tsx';
import { MailboxHint } from '../verification-page.tsx';
import { VerifyByCode } from '../verify.tsx';
import { account } from './area.ts';

const PATH = '/dashboard/email';

const done = {
  emailed: 'account.email_sent',
  asked: 'account.email_change_asked',
  verified: 'account.email_verified',
} as const;

export const emailQuery = z.object({
  done: z.enum(['emailed', 'verified']).optional().catch(undefined),
});
/** Either resends the verification of the current email, or changes the email. */
export const emailForm = z.union([z.strictObject({ prove: z.literal('again') }), changeEmailBody]);

export const emailPage = (
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof emailQuery>>,
): RouteResponse => show(context, call, { action: call.query.done });

export async function addressSubmit(
  context: AppContext,
  call: SignedInCall<z.infer<typeof emailForm>>,
): Promise<RouteResponse> {
  const { body } = call;
  try {
    if ('prove' in body) {
      await resendVerification(context, { ...call, body: undefined });
      return seeOther(`${PATH}?done=emailed`);
    }
    const { otherCookies } = await changeEmail(context, { ...call, body });
    // The new email must not be in a URL, so this form does not redirect.
    return { ...show(context, call, { action: 'asked', email: body.email.trim() }), otherCookies };
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === 'invalid_token') throw error;
    return withErrorHeaders(
      error,
      show(context, call, { email: 'email' in body ? body.email : '', error: error }),
    );
  }
}

interface Shown {
  action?: keyof typeof done | undefined;
  email?: string;
  error?: HttpError;
}

function show(
  context: AppContext,
  call: SignedInCall<unknown, unknown>,
  { action, email = '', error }: Shown,
): RouteResponse {
  const { user } = call.activeSession;
  const errors = passwordErrors(error);
  const isEmailVerified = user.email_verified_at !== null;
  const t = translatorOf(context, call);
  const title = t('fields.email');
  return page(
    context,
    call,
    { ...statusAndTitle(title, error, t), area: account, at: '/dashboard/security', trail: [] },
    <>
      <h1>{title}</h1>
      <p class="lead">
        <bdi>{user.email}</bdi> <Verified isEmailVerified={isEmailVerified} />
      </p>
      {action && (
        <Notice kind="good">
          <p>{t(done[action])}</p>
          {action !== 'verified' && <MailboxHint context={context} />}
        </Notice>
      )}
      {error && errors.length === 0 && (
        <Notice kind="bad">
          <Say of={error.text} />
        </Notice>
      )}
      {action === 'asked' && <VerifyNewEmail context={context} email={email} />}
      {action !== 'asked' && !isEmailVerified && <VerifyEmail context={context} email={user.email} />}
      {action !== 'asked' && <ChangeEmail username={user.username} email={email} errors={errors} />}
    </>,
  );
}

function VerifyNewEmail({ context, email }: { context: AppContext; email: string }) {
  const t = useTranslator();
  return (
    <Card title={t('account.enter_code')}>
      <p class="lead">{t('account.code_sent_to', { email })}</p>
      <VerifyByCode context={context} given={{ email, code: '' }} errors={[]} isPart />
    </Card>
  );
}

function ChangeEmail({ username, email, errors }: { username: string; email: string; errors: FieldError[] }) {
  const t = useTranslator();
  return (
    <Card title={t('account.change_email')}>
      <p class="lead">{t('account.change_email_lead')}</p>
      <Form action={PATH}>
        <EmailField label={t('account.new_email')} value={email} errors={errors} />
        <KnownUsername username={username} />
        <PasswordField
          name="password"
          label={t('account.current_password')}
          autocomplete="current-password"
          errors={errors}
        />
        <Actions>
          <Button>{t('account.send_confirmation')}</Button>
        </Actions>
      </Form>
    </Card>
  );
}

function VerifyEmail({ context, email }: { context: AppContext; email: string }) {
  const t = useTranslator();
  return (
    <Card title={t('account.verify_email')}>
      <p class="lead">{t('account.verify_email_lead')}</p>
      <VerifyByCode context={context} given={{ email, code: '' }} errors={[]} isPart />
      <Form action={PATH} shape="inline" hidden={{ prove: 'again' }}>
        <p class="actions">
          <Button weight="plain">{t('account.send_verification')}</Button>
        </p>
      </Form>
    </Card>
  );
}

/** Whether the email is verified. */
export function Verified({ isEmailVerified }: { isEmailVerified: boolean }) {
  const t = useTranslator();
  return isEmailVerified ? (
    <Badge kind="good">{t('account.verified')}</Badge>
  ) : (
    <Badge kind="warn">{t('account.not_verified')}</Badge>
  );
}
