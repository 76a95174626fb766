import { z } from 'zod';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkRestoreLink, restoreEmail } from '../flows/addresses/restore.ts';
import { Field } from './field.tsx';
import { page } from './layout.tsx';

const TITLE = 'Take the change back';

export const restoreFormBody = z.strictObject({ token: z.string(), password: z.string() });

/** The form behind the link that the old address got. Opening it changes nothing. */
export async function restorePage(world: World, call: Call<undefined, { token: string }>): Promise<Answer> {
  const { token } = call.query;
  try {
    await checkRestoreLink(world, call, token);
  } catch (error) {
    return refused(error);
  }
  return page(200, TITLE, <RestoreForm token={token} errors={[]} />);
}

/** Puts the address back from that form. */
export async function restoreAnswer(
  world: World,
  call: Call<z.infer<typeof restoreFormBody>>,
): Promise<Answer> {
  try {
    const { sideCookies } = await restoreEmail(world, call);
    return { ...page(200, 'Your address is back', <Done />), ...(sideCookies ? { sideCookies } : {}) };
  } catch (error) {
    if (!(error instanceof Refusal && error.fields)) return refused(error);
    return page(error.status, TITLE, <RestoreForm token={call.body.token} errors={error.fields} />);
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

function RestoreForm({ token, errors }: { token: string; errors: FieldError[] }) {
  return (
    <>
      <h1>{TITLE}</h1>
      <p>
        Your account gets its old address back, and everybody who is signed in to it is signed out. Whoever
        asked for the change knew your password, so choose another one.
      </p>
      <form method="post" action="/restore-address">
        <input type="hidden" name="token" value={token} />
        <Field
          name="password"
          label="New password"
          type="password"
          value=""
          autocomplete="new-password"
          errors={errors}
        />
        <button type="submit">Take the change back</button>
      </form>
    </>
  );
}

function Done() {
  return (
    <>
      <h1>Your address is back</h1>
      <p>Every session has ended. Sign in with the new password.</p>
    </>
  );
}
