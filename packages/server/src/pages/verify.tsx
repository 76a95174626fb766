import { z } from 'zod';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkVerifyLink, verifyEmail } from '../flows/addresses/verify.ts';
import { Field, PasswordField, passwordHint } from './field.tsx';
import { Actions, Button, ButtonLink, Form } from './form.tsx';
import { Card, Notice, page, refusing, type Viewer } from './layout.tsx';

const TITLE = 'Your address';

export const verifyQuery = z.object({ token: z.string() });

export const verifyFormBody = z.strictObject({
  token: z.string(),
  username: z.string().optional(),
  password: z.string().optional(),
});
type VerifyForm = z.infer<typeof verifyFormBody>;

type Checked = Awaited<ReturnType<typeof checkVerifyLink>>;

/** The form behind the link of a mail. Opening it changes nothing, so a scanner that opens every link does no harm. */
export async function verifyPage(world: World, call: Call<undefined, { token: string }>): Promise<Answer> {
  const { token } = call.query;
  try {
    const checked = await checkVerifyLink(world, call, token);
    return show(world, call, <VerifyForm {...checked} world={world} token={token} errors={[]} />);
  } catch (error) {
    return refused(world, call, error);
  }
}

/** Proves the address from that form. */
export async function verifyAnswer(world: World, call: Call<VerifyForm>): Promise<Answer> {
  const { token, username } = call.body;
  try {
    const { status, cookie, sideCookies } = await verifyEmail(world, call);
    const content = <Done isNew={status === 201} />;
    return {
      ...page(world, call, { title: 'Your address is proven', shape: 'gate' }, content),
      ...(cookie ? { cookie } : {}),
      ...(sideCookies ? { sideCookies } : {}),
    };
  } catch (error) {
    const isMended = error instanceof Refusal && (error.fields || error.code === 'password_needed');
    if (!isMended) return refused(world, call, error);
    const errors = error.fields ?? [{ field: 'password', code: error.code, message: error.message }];
    const checked = await checkVerifyLink(world, call, token);
    const form = <VerifyForm {...checked} {...{ world, token, username, errors }} />;
    return refusing(error, show(world, call, form, error.status));
  }
}

const show = (world: World, viewer: Viewer, form: Parameters<typeof page>[3], status = 200): Answer =>
  page(world, viewer, { status, title: status < 400 ? TITLE : `Not yet: ${TITLE}`, shape: 'gate' }, form);

function refused(world: World, viewer: Viewer, error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error;
  const content = (
    <Card>
      <h1>{TITLE}</h1>
      <Notice kind="bad">{error.message}</Notice>
    </Card>
  );
  return refusing(error, show(world, viewer, content, error.status));
}

const questions: Record<Checked['purpose'], { heading: string; button: string }> = {
  sign_up: { heading: 'Finish your sign-up', button: 'Finish the sign-up' },
  verify_email: { heading: 'Is this your address?', button: 'Yes, it is my address' },
  change_email: { heading: 'Is this your new address?', button: 'Yes, use this address' },
};

interface VerifyFormProps extends Checked {
  world: World;
  token: string;
  /** Given when the one of the sign-up was taken meanwhile. */
  username?: string | undefined;
  errors: FieldError[];
}

function VerifyForm({ world, purpose, needsPassword, token, username, errors }: VerifyFormProps) {
  const { heading, button } = questions[purpose];
  const asksName = username !== undefined || errors.some(({ field }) => field === 'username');
  return (
    <Card>
      <h1>{heading}</h1>
      <Form action="/verify" hidden={{ token }}>
        {asksName && (
          <Field
            name="username"
            label="Username"
            value={username ?? ''}
            autocomplete="username"
            errors={errors}
          />
        )}
        {needsPassword && (
          <>
            <p>
              This is another browser than the one that signed up. Choose a password: it replaces the one that
              was given there.
            </p>
            <PasswordField
              name="password"
              label="New password"
              autocomplete="new-password"
              errors={errors}
              hint={passwordHint(world.config)}
              isNew
            />
          </>
        )}
        <Actions>
          <Button>{button}</Button>
        </Actions>
      </Form>
    </Card>
  );
}

function Done({ isNew }: { isNew: boolean }) {
  return (
    <Card>
      <h1>{isNew ? 'Your account is ready' : 'Your address is proven'}</h1>
      <p>{isNew ? 'You are signed in.' : 'From now on it can bring you back if you forget your password.'}</p>
      <Actions>
        <ButtonLink href="/dashboard">Go on</ButtonLink>
      </Actions>
    </Card>
  );
}
