import { z } from 'zod';
import type { Config } from '../config.ts';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkResetLink, resetPassword } from '../flows/recovery/reset-password.ts';
import { Field, PasswordField, passwordHint } from './field.tsx';
import { Actions, Button, ButtonLink, Form, FormErrors } from './form.tsx';
import { Card, Notice, page, refusing, seeOther, type Viewer } from './layout.tsx';

const TITLE = 'Set a new password';

export const resetPageQuery = z.object({ token: z.string().optional() });
export const resetForm = z.union([
  z.strictObject({ token: z.string(), password: z.string() }),
  z.strictObject({ email: z.string(), code: z.string(), password: z.string() }),
]);
type ResetCall = Call<z.infer<typeof resetForm>>;

/**
 * The form behind the link of a mail, or without one the form that takes a code. Opening it changes nothing, so a scanner
 * that opens every link does no harm.
 */
export async function resetPage(
  world: World,
  call: Call<undefined, z.infer<typeof resetPageQuery>>,
): Promise<Answer> {
  const { token } = call.query;
  if (token === undefined) return show(world, call, <ByCode world={world} email="" errors={[]} />);
  try {
    await checkResetLink(world, call, token);
  } catch (error) {
    return linkRefused(world, call, error);
  }
  return show(world, call, <ByLink world={world} token={token} errors={[]} />);
}

/** Sets the password from either form. Nobody is signed in by it: the next step is to sign in. */
export async function resetAnswer(world: World, call: ResetCall): Promise<Answer> {
  const { body } = call;
  try {
    // A mail program may copy a code with spaces.
    const given = 'code' in body ? { ...body, code: body.code.replace(/\s/g, '') } : body;
    const { sideCookies } = await resetPassword(world, { ...call, body: given });
    return seeOther('/sign-in?done=reset', { sideCookies });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'link_invalid') return linkRefused(world, call, error);
    const errors = errorsOf(error);
    const form =
      'code' in body ? (
        <ByCode world={world} email={body.email} code={body.code} errors={errors} />
      ) : (
        <ByLink world={world} token={body.token} errors={errors} />
      );
    return refusing(error, show(world, call, form, error.status));
  }
}

const show = (world: World, viewer: Viewer, form: Parameters<typeof page>[3], status = 200): Answer =>
  page(world, viewer, { status, title: status < 400 ? TITLE : `Not yet: ${TITLE}`, shape: 'gate' }, form);

/** A refused code is said at its field; what is wrong with the password comes with it. */
function errorsOf({ code, message, fields }: Refusal): FieldError[] {
  return fields ?? [{ field: code === 'code_invalid' ? 'code' : '', code, message }];
}

function linkRefused(world: World, viewer: Viewer, error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error;
  return refusing(
    error,
    show(
      world,
      viewer,
      <Card>
        <h1>{TITLE}</h1>
        <Notice kind="bad">{error.message}</Notice>
        <Actions>
          <ButtonLink href="/forgot-password">Ask for a new mail</ButtonLink>
        </Actions>
      </Card>,
      error.status,
    ),
  );
}

const EVERYBODY_OUT = 'Everybody who is signed in to the account, on any device, is signed out.';

function ByLink({ world, token, errors }: { world: World; token: string; errors: FieldError[] }) {
  return (
    <Card>
      <h1>{TITLE}</h1>
      <p class="lead">{EVERYBODY_OUT}</p>
      <FormErrors errors={errors} shown={['password']} />
      <Form action="/reset-password" hidden={{ token }}>
        <NewPassword config={world.config} errors={errors} autofocus />
        <Actions>
          <Button>Set the password</Button>
        </Actions>
      </Form>
    </Card>
  );
}

function ByCode({ world, email, code, errors }: Omit<CodeFormProps, 'autofocus'>) {
  return (
    <>
      <Card>
        <h1>{TITLE}</h1>
        <p class="lead">With the code of the mail that we sent. {EVERYBODY_OUT}</p>
        <CodeForm
          world={world}
          email={email}
          code={code}
          errors={errors}
          autofocus={email === '' ? 'email' : 'code'}
        />
      </Card>
      <p class="aside">
        No code? <a href="/forgot-password">Ask for a mail</a>
      </p>
    </>
  );
}

interface CodeFormProps {
  world: World;
  email: string;
  code?: string | undefined;
  errors: FieldError[];
  autofocus: 'email' | 'code';
}

/** Address, code and new password; also after a mail was sent. */
export function CodeForm({ world, email, code = '', errors, autofocus }: CodeFormProps) {
  const { config } = world;
  return (
    <>
      <FormErrors errors={errors} shown={['email', 'code', 'password']} />
      <Form action="/reset-password">
        <Field
          name="email"
          label="E-mail address of the account"
          type="email"
          value={email}
          autocomplete="username"
          errors={errors}
          autofocus={autofocus === 'email'}
        />
        <Field
          name="code"
          label={`Code of ${config.codesDigits} digits`}
          value={code}
          autocomplete="one-time-code"
          inputmode="numeric"
          look="code-input"
          errors={errors}
          autofocus={autofocus === 'code'}
        />
        <NewPassword config={config} errors={errors} />
        <Actions>
          <Button>Set the password</Button>
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

const NewPassword = ({ config, errors, autofocus }: NewPasswordProps) => (
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
