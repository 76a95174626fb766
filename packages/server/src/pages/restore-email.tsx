import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import { checkRestoreLink, restoreEmail } from '../flows/email/restore.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { NewPasswordField } from './field.tsx';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, refusing, seeOther } from './layout.tsx';
import { FROM_EMAIL, LinkForm, linkBody, tokenOf } from './link-form.tsx';
import { answerPage, linkRefused, SIGN_IN } from './verification-page.tsx';

const TITLE = 'Undo email change';

export const restoreForm = z.union([linkBody, z.strictObject({ token: z.string(), password: z.string() })]);

/** Asks for the link that was sent to the old email. */
export const restorePage = (context: AppContext, call: Call): RouteResponse =>
  answerPage(
    context,
    call,
    TITLE,
    <Card>
      <h1>{TITLE}</h1>
      <p class="lead">Use the link in the email we sent to your previous address.</p>
      <PasteAgain />
    </Card>,
  );

const PasteAgain = () => <LinkForm action="/restore-email" label={FROM_EMAIL} autofocus />;

/** The form behind the link that was sent to the old email. Opening it changes nothing. */
async function openLink(context: AppContext, call: Call<unknown>, token: string): Promise<RouteResponse> {
  try {
    await checkRestoreLink(context, call, token);
  } catch (error) {
    return linkRefused(context, call, TITLE, error, { next: SIGN_IN, again: <PasteAgain /> });
  }
  return answerPage(context, call, TITLE, <Restore context={context} token={token} errors={[]} />);
}

/** Opens the link, or restores the email from its form. It signs no one in: the next step is to sign in. */
export async function restoreSubmit(
  context: AppContext,
  call: Call<z.infer<typeof restoreForm>>,
): Promise<RouteResponse> {
  const { body } = call;
  if ('link' in body) return openLink(context, call, tokenOf(body.link));
  try {
    const { otherCookies } = await restoreEmail(context, { ...call, body });
    return seeOther('/sign-in?done=restored', { otherCookies });
  } catch (error) {
    if (!(error instanceof HttpError && error.fields))
      return linkRefused(context, call, TITLE, error, { next: SIGN_IN });
    const form = <Restore context={context} token={body.token} errors={error.fields} />;
    return refusing(error, answerPage(context, call, TITLE, form, error.status));
  }
}

function Restore({ context, token, errors }: { context: AppContext; token: string; errors: FieldError[] }) {
  return (
    <Card>
      <h1>{TITLE}</h1>
      <p class="lead">
        We’ll restore your previous email and sign out all devices. Whoever made this change knew your
        password, so choose a new one.
      </p>
      <FormErrors errors={errors} shown={['password']} />
      <Form action="/restore-email" hidden={{ token }}>
        <NewPasswordField config={context.config} errors={errors} autofocus />
        <Actions>
          <Button>{TITLE}</Button>
        </Actions>
      </Form>
    </Card>
  );
}
