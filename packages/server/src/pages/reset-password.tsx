import { z } from 'zod';
import type { Config } from '../config.ts';
import type { World } from '../context.ts';
import type { Answer, Call } from '../edge/route.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkResetLink, resetPassword } from '../flows/recovery/reset-password.ts';
import { PasswordField, passwordHint } from './field.tsx';
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

const TITLE = 'Reset your password';

export const resetForm = z.union([
  linkBody,
  z.strictObject({ token: z.string(), password: z.string() }),
  z.strictObject({ email: z.string(), code: z.string(), password: z.string() }),
]);

/** The form that takes a code, or the link of a mail. */
export const resetPage = (world: World, call: Call): Answer =>
  answerPage(world, call, TITLE, <ByCode world={world} email="" errors={[]} />);

/** The form behind the link of a mail. Opening it changes nothing, so a scanner that opens every link does no harm. */
async function openLink(world: World, call: Call<unknown>, token: string): Promise<Answer> {
  try {
    await checkResetLink(world, call, token);
  } catch (error) {
    return linkRefused(world, call, TITLE, error, { next: anotherMail, again: <PasteAgain /> });
  }
  return answerPage(world, call, TITLE, <ByLink world={world} token={token} errors={[]} />);
}

/** Opens a link, or sets the password from either form. Nobody is signed in by it: the next step is to sign in. */
export async function resetAnswer(world: World, call: Call<z.infer<typeof resetForm>>): Promise<Answer> {
  const { body } = call;
  if ('link' in body) return openLink(world, call, tokenOf(body.link));
  try {
    const given = 'code' in body ? { ...body, code: withoutSpaces(body.code) } : body;
    const { sideCookies } = await resetPassword(world, { ...call, body: given });
    return seeOther('/sign-in?done=reset', { sideCookies });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'link_invalid') return linkRefused(world, call, TITLE, error, { next: anotherMail });
    const errors = answerErrors(error);
    const form =
      'code' in body ? (
        <ByCode world={world} email={body.email} code={body.code} errors={errors} />
      ) : (
        <ByLink world={world} token={body.token} errors={errors} />
      );
    return refusing(error, answerPage(world, call, TITLE, form, error.status));
  }
}

const anotherMail = { href: '/forgot-password', label: 'Request a new link' };

export const EVERYBODY_OUT = 'You’ll be signed out on all devices.';

function ByLink({ world, token, errors }: { world: World; token: string; errors: FieldError[] }) {
  return (
    <Card>
      <h1>{TITLE}</h1>
      <p class="lead">{EVERYBODY_OUT}</p>
      <FormErrors errors={errors} shown={['password']} />
      <Form action="/reset-password" hidden={{ token }}>
        <NewPassword config={world.config} errors={errors} autofocus />
        <Actions>
          <Button>Reset password</Button>
        </Actions>
      </Form>
    </Card>
  );
}

const PasteAgain = () => <LinkForm action="/reset-password" label={FROM_EMAIL} />;

function ByCode(props: ResetByCodeProps) {
  return (
    <>
      <PasteWithoutScripts action="/reset-password" />
      <Card>
        <h1>{TITLE}</h1>
        <p class="lead">Enter the code from the email we sent you. {EVERYBODY_OUT}</p>
        <ResetByCode {...props} />
      </Card>
      <PasteWithScripts action="/reset-password" />
      <p class="aside">
        Don’t have a code? <a href="/forgot-password">Request a reset email</a>
      </p>
    </>
  );
}

interface ResetByCodeProps {
  world: World;
  email: string;
  code?: string | undefined;
  errors: FieldError[];
}

/** Address, code and new password; also after a mail was sent. */
export function ResetByCode({ world, email, code, errors }: ResetByCodeProps) {
  return (
    <>
      <FormErrors errors={errors} shown={['email', 'code', 'password']} />
      <Form action="/reset-password">
        <CodeFields config={world.config} email={email} code={code} errors={errors} autofocus />
        <NewPassword config={world.config} errors={errors} />
        <Actions>
          <Button>Reset password</Button>
        </Actions>
      </Form>
    </>
  );
}

interface NewPasswordProps {
  config: Config;
  errors: FieldError[];
  autofocus?: boolean;
}

/** The password that is chosen behind the link of a mail. */
export const NewPassword = ({ config, errors, autofocus }: NewPasswordProps) => (
  <PasswordField
    name="password"
    label="New password"
    autocomplete="new-password"
    errors={errors}
    hint={passwordHint(config)}
    autofocus={autofocus}
    isNew
  />
);
