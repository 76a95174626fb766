import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { HttpError } from '../errors.ts';
import { signIn } from '../flows/sign-in/password.ts';
import { findSignedIn } from '../http/credential.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { Field, PasswordField } from './field.tsx';
import { Actions, Button, Form } from './form.tsx';
import { Card, Notice, page, seeOther, statusAndTitle, withErrorHeaders } from './layout.tsx';
import { mayLeadOut, nextPage, readReturnTo, withReturnTo } from './return-to.ts';

const TITLE = 'Sign in';

/** Notices about an action that was just completed on another page. */
const done = {
  'signed-out': 'You’ve signed out.',
  verified: 'Your email is verified. Sign in to continue.',
  restored: 'Your previous email is restored. Sign in with your new password.',
  reset: 'Your password has been reset, and all devices are signed out. Sign in with your new password.',
};

export const signInQuery = z.object({
  return_to: z.string().optional(),
  done: z
    .enum(Object.keys(done) as (keyof typeof done)[])
    .optional()
    .catch(undefined),
});
export const signInForm = z.strictObject({
  name: z.string(),
  password: z.string(),
  return_to: z.string().optional(),
});

export async function signInPage(
  context: AppContext,
  call: Call<undefined, z.infer<typeof signInQuery>>,
): Promise<RouteResponse> {
  const returnTo = readReturnTo(context, call.query.return_to);
  const activeSession = await findSignedIn(context, call.headers);
  if (activeSession)
    return seeOther(nextPage(activeSession.user.password_change_required_at !== null, returnTo));
  const form = <SignIn context={context} name="" returnTo={returnTo} done={call.query.done} />;
  return mayLeadOut(context, page(context, call, { title: TITLE, shape: 'gate' }, form));
}

export async function signInSubmit(
  context: AppContext,
  call: Call<z.infer<typeof signInForm>>,
): Promise<RouteResponse> {
  const { name, password, return_to } = call.body;
  const returnTo = readReturnTo(context, return_to);
  try {
    const { user, cookie, otherCookies } = await signIn(context, {
      ...call,
      body: { login: name, password },
    });
    return seeOther(nextPage(user.password_change_required_at !== null, returnTo), { cookie, otherCookies });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const form = <SignIn context={context} name={name} returnTo={returnTo} error={error} />;
    const view = { ...statusAndTitle(TITLE, error), shape: 'gate' } as const;
    return mayLeadOut(context, withErrorHeaders(error, page(context, call, view, form)));
  }
}

interface SignInProps {
  context: AppContext;
  name: string;
  returnTo: string | undefined;
  done?: keyof typeof done | undefined;
  error?: HttpError;
}

function SignIn({ context: { config }, name, returnTo, done: act, error }: SignInProps) {
  return (
    <>
      <Card>
        <h1>{TITLE}</h1>
        {act && <Notice kind="good">{done[act]}</Notice>}
        {error && <WhyNot error={error} />}
        {returnTo !== undefined && !act && !error && <p class="lead">Sign in to continue.</p>}
        <Form action="/sign-in" hidden={returnTo === undefined ? {} : { return_to: returnTo }}>
          <Field
            name="name"
            label="Username or email"
            value={name}
            autocomplete="username"
            errors={[]}
            autofocus={name === ''}
          />
          <PasswordField
            name="password"
            label="Password"
            autocomplete="current-password"
            errors={[]}
            autofocus={name !== ''}
            aside={<a href="/forgot-password">Forgot password?</a>}
          />
          <Actions>
            <Button>Sign in</Button>
          </Actions>
        </Form>
      </Card>
      {config.signup !== 'closed' && (
        <p class="aside">
          Don’t have an account? <a href={withReturnTo('/sign-up', returnTo)}>Sign up</a>
        </p>
      )}
    </>
  );
}

/** The same text for everyone: it does not reveal whether the account exists or is rate limited. */
function WhyNot({ error }: { error: HttpError }) {
  if (error.code !== 'invalid_credentials') return <Notice kind="bad">{error.message}</Notice>;
  return (
    <Notice kind="bad">
      <p>Incorrect username, email or password.</p>
      <p>
        Check what you entered and try again. After several failed attempts, sign-in is paused for a while,
        even with the correct password. <a href="/forgot-password">Reset your password</a> to sign in now.
      </p>
    </Notice>
  );
}
