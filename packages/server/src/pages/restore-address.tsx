import { z } from 'zod';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkRestoreLink, restoreEmail } from '../flows/addresses/restore.ts';
import { PasswordField, passwordHint } from './field.tsx';
import { Actions, Button, ButtonLink, Form, FormErrors } from './form.tsx';
import { Card, Notice, page, refusing, seeOther, type Viewer } from './layout.tsx';

const TITLE = 'Take the change back';

export const restoreQuery = z.object({ token: z.string() });
export const restoreForm = z.strictObject({ token: z.string(), password: z.string() });

/** The form behind the link that the old address got. Opening it changes nothing. */
export async function restorePage(
  world: World,
  call: Call<undefined, z.infer<typeof restoreQuery>>,
): Promise<Answer> {
  const { token } = call.query;
  try {
    await checkRestoreLink(world, call, token);
  } catch (error) {
    return linkRefused(world, call, error);
  }
  return show(world, call, <Restore {...{ world, token }} errors={[]} />);
}

/** Puts the address back from that form. */
export async function restoreAnswer(world: World, call: Call<z.infer<typeof restoreForm>>): Promise<Answer> {
  try {
    const { sideCookies } = await restoreEmail(world, call);
    return seeOther('/sign-in?done=restored', { sideCookies });
  } catch (error) {
    if (!(error instanceof Refusal && error.fields)) return linkRefused(world, call, error);
    const form = <Restore world={world} token={call.body.token} errors={error.fields} />;
    return refusing(error, show(world, call, form, error.status));
  }
}

const show = (world: World, viewer: Viewer, content: Parameters<typeof page>[3], status = 200): Answer =>
  page(world, viewer, { status, title: status < 400 ? TITLE : `Not yet: ${TITLE}`, shape: 'gate' }, content);

function linkRefused(world: World, viewer: Viewer, error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error;
  const content = (
    <Card>
      <h1>{TITLE}</h1>
      <Notice kind="bad">{error.message}</Notice>
      <Actions>
        <ButtonLink href="/forgot-password">Set a new password</ButtonLink>
      </Actions>
    </Card>
  );
  return refusing(error, show(world, viewer, content, error.status));
}

function Restore({ world, token, errors }: { world: World; token: string; errors: FieldError[] }) {
  return (
    <Card>
      <h1>{TITLE}</h1>
      <p class="lead">
        Your account gets its old address back, and everybody who is signed in to it is signed out. Whoever
        asked for the change knew your password, so choose another one.
      </p>
      <FormErrors errors={errors} shown={['password']} />
      <Form action="/restore-address" hidden={{ token }}>
        <PasswordField
          name="password"
          label="New password"
          autocomplete="new-password"
          errors={errors}
          hint={passwordHint(world.config)}
          isNew
          autofocus
        />
        <Actions>
          <Button>Take the change back</Button>
        </Actions>
      </Form>
    </Card>
  );
}
