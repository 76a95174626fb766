import { z } from 'zod';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkResetLink, resetPassword } from '../flows/recovery/reset-password.ts';
import { Field } from './field.tsx';
import { page } from './layout.tsx';

const TITLE = 'Set a new password';

export const resetPageQuery = z.strictObject({ token: z.string() });
export const resetFormBody = z.strictObject({ token: z.string(), password: z.string() });

/** The form behind the link of a mail. Opening it changes nothing, so a scanner that opens every link does no harm. */
export async function resetPage(
  world: World,
  call: Call<undefined, z.infer<typeof resetPageQuery>>,
): Promise<Answer> {
  const { token } = call.query;
  try {
    await checkResetLink(world, call, token);
  } catch (error) {
    return refused(error);
  }
  return page(200, TITLE, <ResetForm token={token} errors={[]} />);
}

/** Sets the password from that form. */
export async function resetAnswer(world: World, call: Call<z.infer<typeof resetFormBody>>): Promise<Answer> {
  try {
    const { sideCookies } = await resetPassword(world, call);
    return { ...page(200, 'Your password is changed', <Done />), ...(sideCookies ? { sideCookies } : {}) };
  } catch (error) {
    if (!(error instanceof Refusal && error.fields)) return refused(error);
    return page(error.status, TITLE, <ResetForm token={call.body.token} errors={error.fields} />);
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

function ResetForm({ token, errors }: { token: string; errors: FieldError[] }) {
  return (
    <>
      <h1>{TITLE}</h1>
      <p>Everybody who is signed in to the account, on any device, is signed out.</p>
      <form method="post" action="/reset-password">
        <input type="hidden" name="token" value={token} />
        <Field
          name="password"
          label="New password"
          type="password"
          value=""
          autocomplete="new-password"
          errors={errors}
        />
        <button type="submit">Set the password</button>
      </form>
    </>
  );
}

function Done() {
  return (
    <>
      <h1>Your password is changed</h1>
      <p>Every session has ended. Sign in with the new password.</p>
    </>
  );
}
