import type { Child } from 'hono/jsx';
import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { HttpError } from '../../errors.ts';
import { changePassword, changePasswordBody } from '../../flows/account/password.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { NewPasswordField, PasswordField, passwordErrors } from '../field.tsx';
import { Actions, Button, ButtonLink, Form } from '../form.tsx';
import { KnownUsername } from '../known-username.tsx';
import { Card, Notice, page, seeOther, statusAndTitle, withErrorHeaders } from '../layout.tsx';
import { allowFormRedirects, readReturnTo } from '../return-to.ts';
import { Say, translatorOf, useTranslator } from '../translator.tsx';
import { account } from './area.ts';
import { Verified } from './email.tsx';

const PATH = '/dashboard/security';

export const securityQuery = z.object({
  done: z.literal('password').optional().catch(undefined),
  return_to: z.string().optional(),
});
export const securityForm = changePasswordBody.extend({ return_to: z.string().optional() });

export const securityPage = (
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof securityQuery>>,
): RouteResponse =>
  show(context, call, {
    isChanged: call.query.done === 'password',
    returnTo: readReturnTo(context, call.query.return_to),
  });

/** Where password managers send people who want to change their password (the W3C's well-known URL for it). */
export const wellKnownChangePassword = (): RouteResponse => seeOther(PATH);

/** Changes the password. This browser continues with a new session; all others are revoked. */
export async function securitySubmit(
  context: AppContext,
  call: SignedInCall<z.infer<typeof securityForm>>,
): Promise<RouteResponse> {
  const { return_to, ...body } = call.body;
  const returnTo = readReturnTo(context, return_to);
  try {
    const { cookie, otherCookies } = await changePassword(context, { ...call, body });
    return seeOther(returnTo ?? `${PATH}?done=password`, { cookie, otherCookies });
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === 'invalid_token') throw error;
    return withErrorHeaders(error, show(context, call, { error: error, returnTo }));
  }
}

interface Shown {
  isChanged?: boolean;
  error?: HttpError | undefined;
  returnTo: string | undefined;
}

function show(context: AppContext, call: SignedInCall<unknown, unknown>, shown: Shown): RouteResponse {
  const { error, returnTo } = shown;
  const { user } = call.activeSession;
  const t = translatorOf(context, call);
  const form = <PasswordForm context={context} user={user} error={error} returnTo={returnTo} />;
  if (user.password_change_required_at !== null) {
    const view = {
      ...statusAndTitle(t('title.password_change_required'), error, t),
      shape: 'centered',
    } as const;
    return allowFormRedirects(context, page(context, call, view, <ChangeRequired form={form} />));
  }
  const view = { ...statusAndTitle(t('account.nav_security'), error, t), area: account, at: PATH };
  return page(context, call, view, <Security user={user} isChanged={shown.isChanged} form={form} />);
}

/** Until the user chooses a new password, no other page opens. */
function ChangeRequired({ form }: { form: Child }) {
  const t = useTranslator();
  return (
    <Card>
      <h1>{t('title.password_change_required')}</h1>
      <p class="lead">{t('account.password_not_private')}</p>
      {form}
    </Card>
  );
}

interface SecurityProps {
  user: SignedInCall['activeSession']['user'];
  isChanged: boolean | undefined;
  form: Child;
}

function Security({ user, isChanged, form }: SecurityProps) {
  const t = useTranslator();
  const isEmailVerified = user.email_verified_at !== null;
  return (
    <>
      <h1>{t('account.nav_security')}</h1>
      <p class="lead">{t('account.security_lead')}</p>
      {isChanged && <Notice kind="good">{t('account.password_changed')}</Notice>}
      <Card title={t('fields.password')}>
        <p class="lead">{t('account.password_lead')}</p>
        {form}
      </Card>
      <Card title={t('fields.email')}>
        <p>
          <bdi>{user.email}</bdi> <Verified isEmailVerified={isEmailVerified} />
        </p>
        <p class="note">{t('account.email_use')}</p>
        <Actions>
          <ButtonLink href="/dashboard/email" weight="plain">
            {t(isEmailVerified ? 'account.change_email' : 'account.verify_or_change_email')}
          </ButtonLink>
        </Actions>
      </Card>
    </>
  );
}

interface PasswordFormProps extends Omit<Shown, 'isChanged'> {
  context: AppContext;
  user: SecurityProps['user'];
}

function PasswordForm({ context, user, error, returnTo }: PasswordFormProps) {
  const t = useTranslator();
  const errors = passwordErrors(error, 'current_password');
  return (
    <>
      {error && errors.length === 0 && (
        <Notice kind="bad">
          <Say of={error.text} />
        </Notice>
      )}
      <Form action={PATH} hidden={returnTo === undefined ? {} : { return_to: returnTo }}>
        <KnownUsername username={user.username} />
        <PasswordField
          name="current_password"
          label={t('account.current_password')}
          autocomplete="current-password"
          errors={errors}
        />
        <NewPasswordField config={context.config} name="new_password" errors={errors} />
        <Actions>
          <Button>{t('account.change_password')}</Button>
        </Actions>
      </Form>
    </>
  );
}
