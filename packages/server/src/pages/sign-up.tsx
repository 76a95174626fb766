import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import { SIGN_UP_EMAIL_SENT, signUp, signUpBody } from '../flows/sign-up/sign-up.ts';
import { findSignedIn } from '../http/credential.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { EmailField, NewPasswordField, UsernameField } from './field.tsx';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, Notice, page, seeOther, statusAndTitle, withErrorHeaders } from './layout.tsx';
import { mayLeadOut, readReturnTo, withReturnTo } from './return-to.ts';
import { CHECK_YOUR_EMAIL, CheckYourEmail } from './verification-page.tsx';
import { VerifyByCode } from './verify.tsx';

const TITLE = 'Create your account';

export const signUpQuery = z.object({ return_to: z.string().optional() });
export const signUpForm = signUpBody.extend({ return_to: z.string().optional() });

export async function signUpPage(
  context: AppContext,
  call: Call<undefined, z.infer<typeof signUpQuery>>,
): Promise<RouteResponse> {
  const returnTo = readReturnTo(context, call.query.return_to);
  if (await findSignedIn(context, call.headers)) return seeOther(returnTo ?? '/dashboard');
  if (context.config.signup === 'closed') throw new HttpError('signup_disabled');
  const form = <SignUp context={context} username="" email="" returnTo={returnTo} />;
  return mayLeadOut(context, page(context, call, { title: TITLE, shape: 'gate' }, form));
}

export async function signUpSubmit(
  context: AppContext,
  call: Call<z.infer<typeof signUpForm>>,
): Promise<RouteResponse> {
  const { return_to, ...body } = call.body;
  const returnTo = readReturnTo(context, return_to);
  try {
    const { status, cookie, otherCookies } = await signUp(context, { ...call, body });
    if (status === 202) {
      const view = { status, title: CHECK_YOUR_EMAIL, shape: 'gate' } as const;
      return {
        ...page(context, call, view, <EmailSent context={context} email={body.email} />),
        otherCookies,
      };
    }
    return seeOther(returnTo ?? '/dashboard?done=welcome', { cookie, otherCookies });
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === 'signup_disabled') throw error;
    const { username, email } = body;
    const form = (
      <SignUp context={context} username={username} email={email} returnTo={returnTo} error={error} />
    );
    const view = { ...statusAndTitle(TITLE, error), shape: 'gate' } as const;
    return mayLeadOut(context, withErrorHeaders(error, page(context, call, view, form)));
  }
}

interface SignUpProps {
  context: AppContext;
  username: string;
  email: string;
  returnTo: string | undefined;
  error?: HttpError;
}

function SignUp({ context: { config }, username, email, returnTo, error }: SignUpProps) {
  const errors: FieldError[] = error?.fields ?? [];
  return (
    <>
      <Card>
        <h1>{TITLE}</h1>
        {error && !error.fields && <Notice kind="bad">{error.message}</Notice>}
        <FormErrors errors={errors} shown={['username', 'email', 'password']} />
        <Form action="/sign-up" hidden={returnTo === undefined ? {} : { return_to: returnTo }}>
          <UsernameField
            value={username}
            errors={errors}
            hint="How you’ll appear here. You can change it later."
            autofocus
          />
          <EmailField
            value={email}
            errors={errors}
            hint="We’ll use it to verify your account and reset your password."
          />
          <NewPasswordField config={config} label="Password" errors={errors} />
          <Actions>
            <Button>Create account</Button>
          </Actions>
        </Form>
      </Card>
      <p class="aside">
        Already have an account? <a href={withReturnTo('/sign-in', returnTo)}>Sign in</a>
      </p>
    </>
  );
}

/**
 * Shown when sign-up requires a verified email: the same page if the email already has an account, against enumeration.
 */
function EmailSent({ context, email }: { context: AppContext; email: string }) {
  return (
    <CheckYourEmail context={context} message={SIGN_UP_EMAIL_SENT}>
      <VerifyByCode context={context} given={{ email, code: '' }} errors={[]} />
    </CheckYourEmail>
  );
}
