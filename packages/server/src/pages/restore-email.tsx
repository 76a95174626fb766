import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import { checkRestoreLink, restoreEmail } from '../flows/email/restore.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { NewPasswordField } from './field.tsx';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, refusing, seeOther } from './layout.tsx';
import { LinkForm, linkBody, tokenOf } from './link-form.tsx';
import { translatorOf, useTranslator } from './translator.tsx';
import { answerPage, linkRefused } from './verification-page.tsx';

export const restoreForm = z.union([linkBody, z.strictObject({ token: z.string(), password: z.string() })]);

const titleOf = (context: AppContext, call: Call<unknown>): string =>
  translatorOf(context, call)('restore.title');

/** Asks for the link that was sent to the old email. */
export const restorePage = (context: AppContext, call: Call): RouteResponse =>
  answerPage(context, call, titleOf(context, call), <AskForLink />);

function AskForLink() {
  const t = useTranslator();
  return (
    <Card>
      <h1>{t('restore.title')}</h1>
      <p class="lead">{t('restore.lead')}</p>
      <PasteAgain />
    </Card>
  );
}

const PasteAgain = () => <LinkForm action="/restore-email" autofocus />;

/** The form behind the link that was sent to the old email. Opening it changes nothing. */
async function openLink(context: AppContext, call: Call<unknown>, token: string): Promise<RouteResponse> {
  try {
    await checkRestoreLink(context, call, token);
  } catch (error) {
    return linkRefused(context, call, titleOf(context, call), error, { again: <PasteAgain /> });
  }
  return answerPage(context, call, titleOf(context, call), <Restore context={context} token={token} errors={[]} />);
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
    if (!(error instanceof HttpError && error.fields)) return linkRefused(context, call, titleOf(context, call), error);
    const form = <Restore context={context} token={body.token} errors={error.fields} />;
    return refusing(error, answerPage(context, call, titleOf(context, call), form, error.status));
  }
}

function Restore({ context, token, errors }: { context: AppContext; token: string; errors: FieldError[] }) {
  const t = useTranslator();
  return (
    <Card>
      <h1>{t('restore.title')}</h1>
      <p class="lead">
        {t('restore.explain')}
      </p>
      <FormErrors errors={errors} shown={['password']} />
      <Form action="/restore-email" hidden={{ token }}>
        <NewPasswordField config={context.config} errors={errors} autofocus />
        <Actions>
          <Button>{t('restore.title')}</Button>
        </Actions>
      </Form>
    </Card>
  );
}
