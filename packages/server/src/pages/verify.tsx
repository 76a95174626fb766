import { z } from 'zod';
import type { World } from '../context.ts';
import { findSignedIn } from '../edge/credential.ts';
import type { Answer, Call } from '../edge/route.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkVerifyLink, verifyEmail } from '../flows/addresses/verify.ts';
import { Field } from './field.tsx';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, refusing, seeOther } from './layout.tsx';
import {
  FROM_EMAIL,
  LinkForm,
  linkBody,
  PasteWithoutScripts,
  PasteWithScripts,
  tokenOf,
} from './link-form.tsx';
import { answerErrors, answerPage, CodeFields, linkRefused, withoutSpaces } from './mail-answer.tsx';
import { EVERYBODY_OUT, NewPassword } from './reset-password.tsx';
import { withReturnTo } from './return-to.ts';

const TITLE = 'Verify your email';

const others = { username: z.string().optional(), password: z.string().optional() };
export const verifyForm = z.union([
  linkBody,
  z.strictObject({ token: z.string(), ...others }),
  z.strictObject({ email: z.string(), code: z.string(), ...others }),
]);
/** An answer to a mail; a link that is only opened is none. */
type VerifyForm = Exclude<z.infer<typeof verifyForm>, { link: string }>;

type Purpose = Awaited<ReturnType<typeof checkVerifyLink>>['purpose'];

/** The form that takes a code, or the link of a mail. */
export const verifyPage = (world: World, call: Call): Answer =>
  answerPage(world, call, TITLE, <ByCode world={world} given={{ email: '', code: '' }} errors={[]} />);

/** The form behind the link of a mail. Opening it changes nothing, so a scanner that opens every link does no harm. */
async function openLink(world: World, call: Call<unknown>, token: string): Promise<Answer> {
  try {
    const checked = await checkVerifyLink(world, call, token);
    const form = <ByLink world={world} {...checked} given={{ token }} errors={[]} />;
    return answerPage(world, call, TITLE, form);
  } catch (error) {
    return linkRefused(world, call, TITLE, error, { again: <PasteAgain /> });
  }
}

/** Opens a link, or proves the address from either form and goes on to the account. */
export async function verifyAnswer(world: World, call: Call<z.infer<typeof verifyForm>>): Promise<Answer> {
  const { body } = call;
  if ('link' in body) return openLink(world, call, tokenOf(body.link));
  try {
    const given = 'code' in body ? { ...body, code: withoutSpaces(body.code) } : body;
    const { status, cookie, sideCookies } = await verifyEmail(world, { ...call, body: given });
    if (status === 201) return seeOther('/dashboard?done=welcome', { cookie, sideCookies });
    const live = await findSignedIn(world, call.headers);
    return seeOther(live ? '/dashboard/address?done=proven' : '/sign-in?done=proven', { sideCookies });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refusing(error, await askAgain(world, { ...call, body }, error));
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
  // The link is opened again then: its secret would be in the address of the sign-in.
  if (refusal.code === 'unauthenticated')
    return linkRefused(world, call, TITLE, refusal, {
      next: { href: withReturnTo('/sign-in', '/verify'), label: 'Sign in' },
    });
  if (!refusal.fields && !asksPassword) return linkRefused(world, call, TITLE, refusal);
  const checked = await checkVerifyLink(world, call, body.token);
  const form = <ByLink world={world} {...checked} given={body} errors={errors} />;
  return answerPage(world, call, TITLE, form, refusal.status);
}

const questions: Record<Purpose, { heading: string; lead: string; button: string }> = {
  sign_up: {
    heading: 'Finish signing up',
    lead: 'Confirm your email to create your account.',
    button: 'Create account',
  },
  verify_email: {
    heading: 'Verify your email',
    lead: 'A verified email lets you recover your account if you forget your password.',
    button: 'Verify email',
  },
  change_email: {
    heading: 'Confirm your new email',
    lead: 'Your account will use this email from now on.',
    button: 'Confirm new email',
  },
};

const ANOTHER_BROWSER =
  'You started signing up in a different browser. Choose a new password to finish here. It replaces the one chosen at sign-up.';

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
      <p class="lead">{needsPassword ? ANOTHER_BROWSER : lead}</p>
      {needsPassword && (
        <p>
          {purpose === 'verify_email' && EVERYBODY_OUT} To keep the first password, enter the code from the
          email in the browser where you signed up.
        </p>
      )}
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
  emailLabel?: string;
  /** Where it is one of several things on a page: the address is known, and the cursor stays where it is. */
  isPart?: boolean;
}

const PasteAgain = () => <LinkForm action="/verify" label={FROM_EMAIL} />;

function ByCode(props: VerifyByCodeProps) {
  return (
    <>
      <PasteWithoutScripts action="/verify" />
      <Card>
        <h1>{TITLE}</h1>
        <p class="lead">Enter the code from the email we sent you.</p>
        <VerifyByCode {...props} />
      </Card>
      <PasteWithScripts action="/verify" />
    </>
  );
}

/** Address and code, and what else was found to be needed; also after a mail was sent. */
export function VerifyByCode({ world, given, errors, emailLabel, isPart = false }: VerifyByCodeProps) {
  const asksPassword = given.password !== undefined || errors.some(({ field }) => field === 'password');
  return (
    <>
      <FormErrors errors={errors} shown={['email', 'code', 'username', 'password']} />
      <Form action="/verify">
        <CodeFields
          config={world.config}
          emailLabel={emailLabel}
          email={given.email}
          code={given.code}
          errors={errors}
          autofocus={!asksPassword && !isPart}
          isFixed={isPart}
        />
        <Username given={given} errors={errors} />
        {asksPassword && <NewPassword config={world.config} errors={errors} autofocus />}
        <Actions>
          <Button>Verify</Button>
        </Actions>
      </Form>
    </>
  );
}

/** Only when the one of the sign-up was taken meanwhile. */
function Username({ given: { username }, errors }: { given: VerifyForm; errors: FieldError[] }) {
  if (username === undefined && !errors.some(({ field }) => field === 'username')) return null;
  return (
    <Field name="username" label="Username" value={username ?? ''} autocomplete="username" errors={errors} />
  );
}
