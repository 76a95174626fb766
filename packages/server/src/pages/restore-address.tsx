import { z } from 'zod';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkRestoreLink, restoreEmail } from '../flows/addresses/restore.ts';
import { PasswordField, passwordHint } from './field.tsx';
import { Actions, Button, ButtonLink, Form } from './form.tsx';
import { Card, Notice, page, refusing, type Viewer } from './layout.tsx';

const TITLE = 'Take the change back';

export const restoreQuery = z.object({ token: z.string() });
export const restoreFormBody = z.strictObject({ token: z.string(), password: z.string() });

/** The form behind the link that the old address got. Opening it changes nothing. */
export async function restorePage(world: World, call: Call<undefined, { token: string }>): Promise<Answer> {
  const { token } = call.query;
  try {
    await checkRestoreLink(world, call, token);
  } catch (error) {
    return refused(world, call, error);
  }
  return show(world, call, <RestoreForm world={world} token={token} errors={[]} />);
}

/** Puts the address back from that form. */
export async function restoreAnswer(
  world: World,
  call: Call<z.infer<typeof restoreFormBody>>,
): Promise<Answer> {
  try {
    const { sideCookies } = await restoreEmail(world, call);
    const done = page(world, call, { title: 'Your address is back', shape: 'gate' }, <Done />);
    return { ...done, ...(sideCookies ? { sideCookies } : {}) };
  } catch (error) {
    if (!(error instanceof Refusal && error.fields)) return refused(world, call, error);
    const form = <RestoreForm world={world} token={call.body.token} errors={error.fields} />;
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

function RestoreForm({ world, token, errors }: { world: World; token: string; errors: FieldError[] }) {
  return (
    <Card>
      <h1>{TITLE}</h1>
      <p>
        Your account gets its old address back, and everybody who is signed in to it is signed out. Whoever
        asked for the change knew your password, so choose another one.
      </p>
      <Form action="/restore-address" hidden={{ token }}>
        <PasswordField
          name="password"
          label="New password"
          autocomplete="new-password"
          errors={errors}
          hint={passwordHint(world.config)}
          isNew
        />
        <Actions>
          <Button>Take the change back</Button>
        </Actions>
      </Form>
    </Card>
  );
}

function Done() {
  return (
    <Card>
      <h1>Your address is back</h1>
      <p>Every session has ended. Sign in with the new password.</p>
      <Actions>
        <ButtonLink href="/sign-in">Sign in</ButtonLink>
      </Actions>
    </Card>
  );
}
