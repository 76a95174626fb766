import { z } from 'zod';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkRestoreLink, restoreEmail } from '../flows/addresses/restore.ts';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, refusing, seeOther } from './layout.tsx';
import { answerPage, linkRefused } from './mail-answer.tsx';
import { NewPassword } from './reset-password.tsx';

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
    return linkRefused(world, call, TITLE, error);
  }
  const form = <Restore world={world} token={token} errors={[]} />;
  return answerPage(world, call, TITLE, form);
}

/** Puts the address back from that form. Nobody is signed in by it: the next step is to sign in. */
export async function restoreAnswer(world: World, call: Call<z.infer<typeof restoreForm>>): Promise<Answer> {
  try {
    const { sideCookies } = await restoreEmail(world, call);
    return seeOther('/sign-in?done=restored', { sideCookies });
  } catch (error) {
    if (!(error instanceof Refusal && error.fields)) return linkRefused(world, call, TITLE, error);
    const form = <Restore world={world} token={call.body.token} errors={error.fields} />;
    return refusing(error, answerPage(world, call, TITLE, form, error.status));
  }
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
        <NewPassword config={world.config} errors={errors} autofocus />
        <Actions>
          <Button>Take the change back</Button>
        </Actions>
      </Form>
    </Card>
  );
}
