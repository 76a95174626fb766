import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { type FieldError, HttpError } from '../../errors.ts';
import {
  changeEmail,
  changeEmailBody,
  EMAIL_CHANGE_REQUESTED,
  resendVerification,
  VERIFICATION_EMAIL_SENT,
} from '../../flows/email/change.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { EmailField, PasswordField, passwordErrors } from '../field.tsx';
import { Actions, Button, Form } from '../form.tsx';
import { Badge, Card, Notice, page, seeOther, statusAndTitle, withErrorHeaders } from '../layout.tsx';
import { Say } from '../translator.tsx';
import { MailboxHint } from '../verification-page.tsx';
import { VerifyByCode } from '../verify.tsx';
import { account } from './area.ts';

const PATH = '/dashboard/email';

const done = {
  emailed: VERIFICATION_EMAIL_SENT,
  asked: EMAIL_CHANGE_REQUESTED,
  verified: 'Email verified.',
};

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
  const title = 'Email';
  return page(
    context,
    call,
    { ...statusAndTitle(title, error), area: account, at: '/dashboard/security', trail: [] },
    <>
      <h1>{title}</h1>
      <p class="lead">
        {user.email} <Verified isEmailVerified={isEmailVerified} />
      </p>
      {action && (
        <Notice kind="good">
          <p>{done[action]}</p>
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
      {action !== 'asked' && <ChangeEmail email={email} errors={errors} />}
    </>,
  );
}

const VerifyNewEmail = ({ context, email }: { context: AppContext; email: string }) => (
  <Card title="Enter your verification code">
    <p class="lead">We sent it to {email}.</p>
    <VerifyByCode context={context} given={{ email, code: '' }} errors={[]} isPart />
  </Card>
);

const ChangeEmail = ({ email, errors }: { email: string; errors: FieldError[] }) => (
  <Card title="Change email">
    <p class="lead">We’ll email the new address to confirm it, and notify your current address.</p>
    <Form action={PATH}>
      <EmailField label="New email" value={email} errors={errors} />
      <PasswordField
        name="password"
        label="Current password"
        autocomplete="current-password"
        errors={errors}
      />
      <Actions>
        <Button>Send confirmation</Button>
      </Actions>
    </Form>
  </Card>
);

function VerifyEmail({ context, email }: { context: AppContext; email: string }) {
  return (
    <Card title="Verify your email">
      <p class="lead">
        If you have a verification email from us, enter its code or open its link. Otherwise, send one.
      </p>
      <VerifyByCode context={context} given={{ email, code: '' }} errors={[]} isPart />
      <Form action={PATH} shape="inline" hidden={{ prove: 'again' }}>
        <p class="actions">
          <Button weight="plain">Send verification email</Button>
        </p>
      </Form>
    </Card>
  );
}

/** Whether the email is verified. */
export function Verified({ isEmailVerified }: { isEmailVerified: boolean }) {
  return isEmailVerified ? <Badge kind="good">Verified</Badge> : <Badge kind="warn">Not verified</Badge>;
}
