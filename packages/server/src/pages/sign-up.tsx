import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import { SIGN_UP_EMAIL_SENT, signUp, signUpBody } from '../flows/sign-up/sign-up.ts';
import { findSignedIn } from '../http/credential.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { Field, PasswordField, passwordHint } from './field.tsx';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, Notice, page, refusing, seeOther } from './layout.tsx';
import { mayLeadOut, readReturnTo, withReturnTo } from './return-to.ts';
import { MailboxHint } from './verification-page.tsx';
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
      const view = { status, title: 'Check your email', shape: 'gate' } as const;
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
    const view = { status: error.status, title: `Error: ${TITLE}`, shape: 'gate' } as const;
    return mayLeadOut(context, refusing(error, page(context, call, view, form)));
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
          <Field
            name="username"
            label="Username"
            value={username}
            autocomplete="username"
            errors={errors}
            hint="How you’ll appear here. You can change it later."
            autofocus
          />
          <Field
            name="email"
            label="Email"
            type="email"
            value={email}
            autocomplete="email"
            errors={errors}
            hint="We’ll use it to verify your account and reset your password."
          />
          <PasswordField
            name="password"
            label="Password"
            autocomplete="new-password"
            errors={errors}
            hint={passwordHint(config)}
            isNew
          />
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
    <Card>
      <h1>Check your email</h1>
      <Notice>
        <p>{SIGN_UP_EMAIL_SENT}</p>
        <MailboxHint context={context} />
      </Notice>
      <VerifyByCode context={context} given={{ email, code: '' }} errors={[]} />
    </Card>
  );
}
