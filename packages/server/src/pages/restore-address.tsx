import { z } from 'zod';
import type { World } from '../context.ts';
import type { Answer, Call } from '../edge/route.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkRestoreLink, restoreEmail } from '../flows/addresses/restore.ts';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, refusing, seeOther } from './layout.tsx';
import { FROM_EMAIL, LinkForm, linkBody, tokenOf } from './link-form.tsx';
import { answerPage, linkRefused } from './mail-answer.tsx';
import { NewPassword } from './reset-password.tsx';

const TITLE = 'Undo email change';

export const restoreForm = z.union([linkBody, z.strictObject({ token: z.string(), password: z.string() })]);

/** Asks for the link that the old address got. */
export const restorePage = (world: World, call: Call): Answer =>
  answerPage(
    world,
    call,
    TITLE,
    <Card>
      <h1>{TITLE}</h1>
      <p class="lead">Use the link in the email we sent to your previous address.</p>
      <PasteAgain />
    </Card>,
  );

const PasteAgain = () => <LinkForm action="/restore-address" label={FROM_EMAIL} autofocus />;

/** The form behind the link that the old address got. Opening it changes nothing. */
async function openLink(world: World, call: Call<unknown>, token: string): Promise<Answer> {
  try {
    await checkRestoreLink(world, call, token);
  } catch (error) {
    return linkRefused(world, call, TITLE, error, { again: <PasteAgain /> });
  }
  return answerPage(world, call, TITLE, <Restore world={world} token={token} errors={[]} />);
}

/** Opens the link, or puts the address back from its form. Nobody is signed in by it: the next step is to sign in. */
export async function restoreAnswer(world: World, call: Call<z.infer<typeof restoreForm>>): Promise<Answer> {
  const { body } = call;
  if ('link' in body) return openLink(world, call, tokenOf(body.link));
  try {
    const { sideCookies } = await restoreEmail(world, { ...call, body });
    return seeOther('/sign-in?done=restored', { sideCookies });
  } catch (error) {
    if (!(error instanceof Refusal && error.fields)) return linkRefused(world, call, TITLE, error);
    const form = <Restore world={world} token={body.token} errors={error.fields} />;
    return refusing(error, answerPage(world, call, TITLE, form, error.status));
  }
}

function Restore({ world, token, errors }: { world: World; token: string; errors: FieldError[] }) {
  return (
    <Card>
      <h1>{TITLE}</h1>
      <p class="lead">
        We’ll restore your previous email and sign out all devices. Whoever made this change knew your
        password, so choose a new one.
      </p>
      <FormErrors errors={errors} shown={['password']} />
      <Form action="/restore-address" hidden={{ token }}>
        <NewPassword config={world.config} errors={errors} autofocus />
        <Actions>
          <Button>{TITLE}</Button>
        </Actions>
      </Form>
    </Card>
  );
}
