import { z } from 'zod';
import type { World } from '../context.ts';
import { findSignedIn } from '../edge/credential.ts';
import type { Answer, Call } from '../edge/route.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { SIGN_UP_MAILED, signUp, signUpBody } from '../flows/sign-up/sign-up.ts';
import { Field, PasswordField, passwordHint } from './field.tsx';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, Notice, page, refusing, seeOther } from './layout.tsx';
import { MailboxHint } from './mail-answer.tsx';
import { mayLeadOut, readReturnTo, withReturnTo } from './return-to.ts';
import { VerifyByCode } from './verify.tsx';

const TITLE = 'Create your account';

export const signUpQuery = z.object({ return_to: z.string().optional() });
export const signUpForm = signUpBody.extend({ return_to: z.string().optional() });

export async function signUpPage(
  world: World,
  call: Call<undefined, z.infer<typeof signUpQuery>>,
): Promise<Answer> {
  const returnTo = readReturnTo(world, call.query.return_to);
  if (await findSignedIn(world, call.headers)) return seeOther(returnTo ?? '/dashboard');
  if (world.config.signup === 'closed') throw new Refusal('signup_closed');
  const form = <SignUp world={world} username="" email="" returnTo={returnTo} />;
  return mayLeadOut(world, page(world, call, { title: TITLE, shape: 'gate' }, form));
}

export async function signUpAnswer(world: World, call: Call<z.infer<typeof signUpForm>>): Promise<Answer> {
  const { return_to, ...body } = call.body;
  const returnTo = readReturnTo(world, return_to);
  try {
    const { status, cookie, sideCookies } = await signUp(world, { ...call, body });
    if (status === 202) {
      const view = { status, title: 'Check your email', shape: 'gate' } as const;
      return { ...page(world, call, view, <MailSent world={world} email={body.email} />), sideCookies };
    }
    return seeOther(returnTo ?? '/dashboard?done=welcome', { cookie, sideCookies });
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'signup_closed') throw error;
    const { username, email } = body;
    const form = (
      <SignUp world={world} username={username} email={email} returnTo={returnTo} refusal={error} />
    );
    const view = { status: error.status, title: `Error: ${TITLE}`, shape: 'gate' } as const;
    return mayLeadOut(world, refusing(error, page(world, call, view, form)));
  }
}

interface SignUpProps {
  world: World;
  username: string;
  email: string;
  returnTo: string | undefined;
  refusal?: Refusal;
}

function SignUp({ world: { config }, username, email, returnTo, refusal }: SignUpProps) {
  const errors: FieldError[] = refusal?.fields ?? [];
  return (
    <>
      <Card>
        <h1>{TITLE}</h1>
        {refusal && !refusal.fields && <Notice kind="bad">{refusal.message}</Notice>}
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

/** Where an address is proven before there is an account: the same page for an address that has one. */
function MailSent({ world, email }: { world: World; email: string }) {
  return (
    <Card>
      <h1>Check your email</h1>
      <Notice>
        <p>{SIGN_UP_MAILED}</p>
        <MailboxHint world={world} />
      </Notice>
      <VerifyByCode world={world} given={{ email, code: '' }} errors={[]} />
    </Card>
  );
}
