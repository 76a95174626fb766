import type { Child } from 'hono/jsx';
import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { HttpError } from '../../errors.ts';
import { changePassword, changePasswordBody } from '../../flows/account/password.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { NewPasswordField, PasswordField, passwordErrors } from '../field.tsx';
import { Actions, Button, ButtonLink, Form } from '../form.tsx';
import { Card, Notice, page, seeOther, statusAndTitle, withErrorHeaders } from '../layout.tsx';
import { allowFormRedirects, readReturnTo } from '../return-to.ts';
import { Say } from '../translator.tsx';
import { account } from './area.ts';
import { Verified } from './email.tsx';

const PATH = '/dashboard/security';
const REQUIRED = 'Choose a new password';

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
  const form = <PasswordForm context={context} error={error} returnTo={returnTo} />;
  if (user.password_change_required_at !== null) {
    const view = { ...statusAndTitle(REQUIRED, error), shape: 'centered' } as const;
    return allowFormRedirects(context, page(context, call, view, <ChangeRequired form={form} />));
  }
  const view = { ...statusAndTitle('Security', error), area: account, at: PATH };
  return page(context, call, view, <Security user={user} isChanged={shown.isChanged} form={form} />);
}

/** Until the user chooses a new password, no other page opens. */
const ChangeRequired = ({ form }: { form: Child }) => (
  <Card>
    <h1>{REQUIRED}</h1>
    <p class="lead">
      Your current password was generated or set by someone else. Replace it with one that only you know.
    </p>
    {form}
  </Card>
);

interface SecurityProps {
  user: SignedInCall['activeSession']['user'];
  isChanged: boolean | undefined;
  form: Child;
}

const Security = ({ user, isChanged, form }: SecurityProps) => (
  <>
    <h1>Security</h1>
    <p class="lead">Manage your password and sign-in email.</p>
    {isChanged && <Notice kind="good">Password changed. You’ve been signed out on all other devices.</Notice>}
    <Card title="Password">
      <p class="lead">Changing your password signs you out on all other devices.</p>
      {form}
    </Card>
    <Card title="Email">
      <p>
        {user.email} <Verified isEmailVerified={user.email_verified_at !== null} />
      </p>
      <p class="note">We send password resets and security alerts here.</p>
      <Actions>
        <ButtonLink href="/dashboard/email" weight="plain">
          {user.email_verified_at === null ? 'Verify or change email' : 'Change email'}
        </ButtonLink>
      </Actions>
    </Card>
  </>
);

function PasswordForm({ context, error, returnTo }: Omit<Shown, 'isChanged'> & { context: AppContext }) {
  const errors = passwordErrors(error, 'current_password');
  return (
    <>
      {error && errors.length === 0 && (
        <Notice kind="bad">
          <Say of={error.text} />
        </Notice>
      )}
      <Form action={PATH} hidden={returnTo === undefined ? {} : { return_to: returnTo }}>
        <PasswordField
          name="current_password"
          label="Current password"
          autocomplete="current-password"
          errors={errors}
        />
        <NewPasswordField config={context.config} name="new_password" errors={errors} />
        <Actions>
          <Button>Change password</Button>
        </Actions>
      </Form>
    </>
  );
}
