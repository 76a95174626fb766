import { z } from 'zod';
import { findSignedIn } from '../edge/credential.ts';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkVerifyLink, verifyEmail } from '../flows/addresses/verify.ts';
import { Field } from './field.tsx';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, refusing, seeOther } from './layout.tsx';
import {
  answerErrors,
  answerPage,
  CodeFields,
  linkRefused,
  type mailQuery,
  withoutSpaces,
} from './mail-answer.tsx';
import { NewPassword } from './reset-password.tsx';
import { withReturnTo } from './return-to.ts';

const TITLE = 'Your address';

const others = { username: z.string().optional(), password: z.string().optional() };
export const verifyForm = z.union([
  z.strictObject({ token: z.string(), ...others }),
  z.strictObject({ email: z.string(), code: z.string(), ...others }),
]);
type VerifyForm = z.infer<typeof verifyForm>;

type Purpose = Awaited<ReturnType<typeof checkVerifyLink>>['purpose'];

/**
 * The form behind the link of a mail, or without one the form that takes a code. Opening it changes nothing, so a scanner
 * that opens every link does no harm.
 */
export async function verifyPage(
  world: World,
  call: Call<undefined, z.infer<typeof mailQuery>>,
): Promise<Answer> {
  const { token } = call.query;
  if (token === undefined)
    return answerPage(
      world,
      call,
      TITLE,
      <ByCode world={world} given={{ email: '', code: '' }} errors={[]} />,
    );
  try {
    const checked = await checkVerifyLink(world, call, token);
    return answerPage(
      world,
      call,
      TITLE,
      <ByLink world={world} {...checked} given={{ token }} errors={[]} />,
    );
  } catch (error) {
    return linkRefused(world, call, TITLE, error);
  }
}

/** Proves the address from either form, and goes on to the account. */
export async function verifyAnswer(world: World, call: Call<VerifyForm>): Promise<Answer> {
  const { body } = call;
  try {
    const given = 'code' in body ? { ...body, code: withoutSpaces(body.code) } : body;
    const { status, cookie, sideCookies } = await verifyEmail(world, { ...call, body: given });
    if (status === 201) return seeOther('/dashboard?done=welcome', { cookie, sideCookies });
    const live = await findSignedIn(world, call.headers);
    return seeOther(live ? '/dashboard/address?done=proven' : '/sign-in?done=proven', { sideCookies });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refusing(error, await askAgain(world, call, error));
  }
}

async function askAgain(world: World, call: Call<VerifyForm>, refusal: Refusal): Promise<Answer> {
  const { body } = call;
  const asksPassword = refusal.code === 'password_needed';
  const errors = asksPassword
    ? [{ field: 'password', code: refusal.code, message: refusal.message }]
    : answerErrors(refusal);
  if ('code' in body)
    return answerPage(
      world,
      call,
      TITLE,
      <ByCode world={world} given={body} errors={errors} />,
      refusal.status,
    );
  if (refusal.code === 'unauthenticated') {
    const back = `/verify?${new URLSearchParams({ token: body.token })}`;
    return linkRefused(world, call, TITLE, refusal, {
      href: withReturnTo('/sign-in', back),
      label: 'Sign in',
    });
  }
  if (!refusal.fields && !asksPassword) return linkRefused(world, call, TITLE, refusal);
  const checked = await checkVerifyLink(world, call, body.token);
  const form = <ByLink world={world} {...checked} given={body} errors={errors} />;
  return answerPage(world, call, TITLE, form, refusal.status);
}

const questions: Record<Purpose, { heading: string; lead: string; button: string }> = {
  sign_up: {
    heading: 'Finish your sign-up',
    lead: 'One step, and the account is yours.',
    button: 'Finish the sign-up',
  },
  verify_email: {
    heading: 'Is this your address?',
    lead: 'Then it can bring you back, should you forget your password.',
    button: 'Yes, it is my address',
  },
  change_email: {
    heading: 'Is this your new address?',
    lead: 'Then your account has it from now on.',
    button: 'Yes, use this address',
  },
};

interface ByLinkProps {
  world: World;
  purpose: Purpose;
  needsPassword: boolean;
  given: Extract<VerifyForm, { token: string }>;
  errors: FieldError[];
}

function ByLink({ world, purpose, needsPassword, given, errors }: ByLinkProps) {
  const { heading, lead, button } = questions[purpose];
  return (
    <Card>
      <h1>{heading}</h1>
      <p class="lead">
        {needsPassword
          ? 'This is another browser than the one that signed up. Choose a password: it replaces the one that was given there.'
          : lead}
      </p>
      <FormErrors errors={errors} shown={['username', 'password']} />
      <Form action="/verify" hidden={{ token: given.token }}>
        <Username given={given} errors={errors} />
        {needsPassword && <NewPassword config={world.config} errors={errors} autofocus />}
        <Actions>
          <Button>{button}</Button>
        </Actions>
      </Form>
    </Card>
  );
}

interface VerifyByCodeProps {
  world: World;
  given: Extract<VerifyForm, { code: string }>;
  errors: FieldError[];
  /** Where it is one of several things on a page: the address is known, and the cursor stays where it is. */
  isPart?: boolean;
}

function ByCode(props: VerifyByCodeProps) {
  return (
    <Card>
      <h1>Prove your address</h1>
      <p class="lead">With the code of the mail that we sent to it.</p>
      <VerifyByCode {...props} />
    </Card>
  );
}

/** Address and code, and what else was found to be needed; also after a mail was sent. */
export function VerifyByCode({ world, given, errors, isPart = false }: VerifyByCodeProps) {
  const asksPassword = given.password !== undefined || errors.some(({ field }) => field === 'password');
  return (
    <>
      <FormErrors errors={errors} shown={['email', 'code', 'username', 'password']} />
      <Form action="/verify">
        <CodeFields
          config={world.config}
          email={given.email}
          code={given.code}
          errors={errors}
          autofocus={!asksPassword && !isPart}
          isFixed={isPart}
        />
        <Username given={given} errors={errors} />
        {asksPassword && <NewPassword config={world.config} errors={errors} autofocus />}
        <Actions>
          <Button>Prove it</Button>
        </Actions>
      </Form>
    </>
  );
}

/** Only when the one of the sign-up was taken meanwhile. */
function Username({ given: { username }, errors }: { given: VerifyForm; errors: FieldError[] }) {
  if (username === undefined && !errors.some(({ field }) => field === 'username')) return null;
  return (
    <Field name="username" label="User name" value={username ?? ''} autocomplete="username" errors={errors} />
  );
}
