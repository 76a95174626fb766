import { z } from 'zod';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkVerifyLink, verifyEmail } from '../flows/addresses/verify.ts';
import { Field } from './field.tsx';
import { page } from './layout.tsx';

const TITLE = 'Your address';

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
    return page(200, TITLE, <VerifyForm {...checked} token={token} errors={[]} />);
  } catch (error) {
    return refused(error);
  }
}

/** Proves the address from that form. */
export async function verifyAnswer(world: World, call: Call<VerifyForm>): Promise<Answer> {
  const { token, username } = call.body;
  try {
    const { status, cookie, sideCookies } = await verifyEmail(world, call);
    const content = <Done isNew={status === 201} />;
    return {
      ...page(200, 'Your address is proven', content),
      ...(cookie ? { cookie } : {}),
      ...(sideCookies ? { sideCookies } : {}),
    };
  } catch (error) {
    const isMended = error instanceof Refusal && (error.fields || error.code === 'password_needed');
    if (!isMended) return refused(error);
    const errors = error.fields ?? [{ field: 'password', code: error.code, message: error.message }];
    const checked = await checkVerifyLink(world, call, token);
    return page(error.status, TITLE, <VerifyForm {...checked} {...{ token, username, errors }} />);
  }
}

function refused(error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error;
  return page(
    error.status,
    TITLE,
    <>
      <h1>{TITLE}</h1>
      <p role="alert">{error.message}</p>
    </>,
  );
}

const questions: Record<Checked['purpose'], { heading: string; button: string }> = {
  sign_up: { heading: 'Finish your sign-up', button: 'Finish the sign-up' },
  verify_email: { heading: 'Is this your address?', button: 'Yes, it is my address' },
  change_email: { heading: 'Is this your new address?', button: 'Yes, use this address' },
};

interface FormProps extends Checked {
  token: string;
  /** Given when the one of the sign-up was taken meanwhile. */
  username?: string | undefined;
  errors: FieldError[];
}

function VerifyForm({ purpose, needsPassword, token, username, errors }: FormProps) {
  const { heading, button } = questions[purpose];
  const asksName = username !== undefined || errors.some(({ field }) => field === 'username');
  return (
    <>
      <h1>{heading}</h1>
      <form method="post" action="/verify">
        <input type="hidden" name="token" value={token} />
        {asksName && (
          <Field
            name="username"
            label="Username"
            type="text"
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
            <Field
              name="password"
              label="New password"
              type="password"
              value=""
              autocomplete="new-password"
              errors={errors}
            />
          </>
        )}
        <button type="submit">{button}</button>
      </form>
    </>
  );
}

function Done({ isNew }: { isNew: boolean }) {
  return (
    <>
      <h1>{isNew ? 'Your account is ready' : 'Your address is proven'}</h1>
      <p>{isNew ? 'You are signed in.' : 'From now on it can bring you back if you forget your password.'}</p>
    </>
  );
}
