import { z } from 'zod';
import { findSignedIn } from '../edge/credential.ts';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { Refusal } from '../errors.ts';
import { signIn } from '../flows/sign-in/password.ts';
import { Field, PasswordField } from './field.tsx';
import { Actions, Button, Form } from './form.tsx';
import { Card, Notice, page, refusing, seeOther } from './layout.tsx';
import { mayLeadOut, nextPage, readReturnTo, withReturnTo } from './return-to.ts';

const TITLE = 'Sign in';

/** What was done a moment ago, on another page. */
const done = {
  'signed-out': 'You are signed out.',
  proven: 'Your address is proven. Sign in to go on.',
  restored: 'Your account has its old address and a new password. Sign in with it.',
  reset: 'Your new password is set, and everybody who was signed in to the account is signed out.',
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
  world: World,
  call: Call<undefined, z.infer<typeof signInQuery>>,
): Promise<Answer> {
  const returnTo = readReturnTo(world, call.query.return_to);
  const live = await findSignedIn(world, call.headers);
  if (live) return seeOther(nextPage(live.user.password_change_required_at !== null, returnTo));
  const form = <SignIn world={world} name="" returnTo={returnTo} done={call.query.done} />;
  return mayLeadOut(world, page(world, call, { title: TITLE, shape: 'gate' }, form));
}

export async function signInAnswer(world: World, call: Call<z.infer<typeof signInForm>>): Promise<Answer> {
  const { name, password, return_to } = call.body;
  const returnTo = readReturnTo(world, return_to);
  try {
    const { user, cookie, sideCookies } = await signIn(world, {
      ...call,
      body: { login: name, password },
    });
    return seeOther(nextPage(user.password_change_required_at !== null, returnTo), { cookie, sideCookies });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const form = <SignIn world={world} name={name} returnTo={returnTo} refusal={error} />;
    const view = { status: error.status, title: `Not signed in: ${TITLE}`, shape: 'gate' } as const;
    return mayLeadOut(world, refusing(error, page(world, call, view, form)));
  }
}

interface SignInProps {
  world: World;
  name: string;
  returnTo: string | undefined;
  done?: keyof typeof done | undefined;
  refusal?: Refusal;
}

function SignIn({ world: { config }, name, returnTo, done: act, refusal }: SignInProps) {
  return (
    <>
      <Card>
        <h1>{TITLE}</h1>
        {act && <Notice kind="good">{done[act]}</Notice>}
        {refusal && <WhyNot refusal={refusal} />}
        {returnTo !== undefined && !act && !refusal && <p class="lead">Then you go on where you were.</p>}
        <Form action="/sign-in" hidden={returnTo === undefined ? {} : { return_to: returnTo }}>
          <Field
            name="name"
            label="User name or e-mail address"
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
            aside={<a href="/forgot-password">Forgot it?</a>}
          />
          <Actions>
            <Button>Sign in</Button>
          </Actions>
        </Form>
      </Card>
      {config.signup !== 'closed' && (
        <p class="aside">
          New here? <a href={withReturnTo('/sign-up', returnTo)}>Make an account</a>
        </p>
      )}
    </>
  );
}

/** The same words for everybody: they tell nothing of whether there is such an account, or a limit. */
function WhyNot({ refusal }: { refusal: Refusal }) {
  if (refusal.code !== 'invalid_credentials') return <Notice kind="bad">{refusal.message}</Notice>;
  return (
    <Notice kind="bad">
      <p>This name and this password do not belong together.</p>
      <p>
        Check both. After several wrong passwords even the right one is refused for a while. “Forgot it?” lets
        you in at once.
      </p>
    </Notice>
  );
}
