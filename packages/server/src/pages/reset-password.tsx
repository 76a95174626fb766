import { z } from 'zod';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { openResetLink, resetPassword } from '../flows/recovery/reset-password.ts';
import { Field } from './field.tsx';
import { Actions, Button, Form } from './form.tsx';
import { Card, Notice, page, type Viewer } from './layout.tsx';

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
    await openResetLink(world, call, token);
  } catch (error) {
    return refused(world, call, error);
  }
  return page(world, call, { title: TITLE, shape: 'gate' }, <ResetForm token={token} errors={[]} />);
}

/** Sets the password from that form. */
export async function resetAnswer(world: World, call: Call<z.infer<typeof resetFormBody>>): Promise<Answer> {
  try {
    const { sideCookies } = await resetPassword(world, call);
    const done = page(world, call, { title: 'Your password is changed', shape: 'gate' }, <Done />);
    return { ...done, ...(sideCookies ? { sideCookies } : {}) };
  } catch (error) {
    if (!(error instanceof Refusal && error.fields)) return refused(world, call, error);
    const form = <ResetForm token={call.body.token} errors={error.fields} />;
    return page(world, call, { status: error.status, title: TITLE, shape: 'gate' }, form);
  }
}

function refused(world: World, call: Viewer, error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error;
  return page(
    world,
    call,
    { status: error.status, title: TITLE, shape: 'gate' },
    <Card>
      <h1>{TITLE}</h1>
      <Notice kind="bad">{error.message}</Notice>
    </Card>,
  );
}

function ResetForm({ token, errors }: { token: string; errors: FieldError[] }) {
  return (
    <Card>
      <h1>{TITLE}</h1>
      <p class="lead">Everybody who is signed in to the account, on any device, is signed out.</p>
      <Form action="/reset-password" hidden={{ token }}>
        <Field
          name="password"
          label="New password"
          type="password"
          autocomplete="new-password"
          errors={errors}
          autofocus
        />
        <Actions>
          <Button>Set the password</Button>
        </Actions>
      </Form>
    </Card>
  );
}

function Done() {
  return (
    <Card>
      <h1>Your password is changed</h1>
      <p>Every session has ended. Sign in with the new password.</p>
    </Card>
  );
}
