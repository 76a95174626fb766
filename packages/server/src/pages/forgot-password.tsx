import type { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import { RECOVERY_EMAIL_SENT, sendMail, type sendMailBody } from '../flows/recovery/send-mail.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { EmailField } from './field.tsx';
import { Actions, Button, Form } from './form.tsx';
import { Card, Notice, page, statusAndTitle, withErrorHeaders } from './layout.tsx';
import { ResetByCode } from './reset-password.tsx';
import { CHECK_YOUR_EMAIL, CheckYourEmail } from './verification-page.tsx';

const TITLE = 'Forgot your password?';

export const forgotPasswordPage = (context: AppContext, call: Call): RouteResponse =>
  page(context, call, { title: TITLE, shape: 'gate' }, <AskForEmail email="" />);

/** Sends the email and shows the form for its code. */
export async function forgotPasswordSubmit(
  context: AppContext,
  call: Call<z.infer<typeof sendMailBody>>,
): Promise<RouteResponse> {
  const { email } = call.body;
  try {
    const { status, otherCookies } = await sendMail(context, call);
    const view = { status, title: CHECK_YOUR_EMAIL, shape: 'gate' } as const;
    return { ...page(context, call, view, <EmailSent context={context} email={email} />), otherCookies };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const form = <AskForEmail email={email} error={error} />;
    const view = { ...statusAndTitle(TITLE, error), shape: 'gate' } as const;
    return withErrorHeaders(error, page(context, call, view, form));
  }
}

function AskForEmail({ email, error }: { email: string; error?: HttpError }) {
  const errors: FieldError[] = error?.fields ?? [];
  return (
    <>
      <Card>
        <h1>{TITLE}</h1>
        <p class="lead">Enter your email, and we’ll send you a link and a code to reset your password.</p>
        {error && !error.fields && <Notice kind="bad">{error.message}</Notice>}
        <Form action="/forgot-password">
          <EmailField value={email} errors={errors} autofocus />
          <Actions>
            <Button>Send reset email</Button>
          </Actions>
        </Form>
      </Card>
      <p class="aside">
        Remember your password? <a href="/sign-in">Sign in</a>
      </p>
    </>
  );
}

function EmailSent({ context, email }: { context: AppContext; email: string }) {
  return (
    <>
      <CheckYourEmail
        context={context}
        message={`${RECOVERY_EMAIL_SENT} Open the link in the email, or enter the code below.`}
      >
        <ResetByCode context={context} email={email} errors={[]} />
      </CheckYourEmail>
      <p class="aside">
        Didn’t get it? Check your spam folder, or <a href="/forgot-password">send it again</a>.
      </p>
    </>
  );
}
