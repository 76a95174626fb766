import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import { checkRestoreLink, restoreEmail } from '../flows/email/restore.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { Card, seeOther, withErrorHeaders } from './layout.tsx';
import { LinkForm, linkBody, tokenOf } from './link-form.tsx';
import { SetPasswordByLink } from './set-password-by-link.tsx';
import { translatorOf, useTranslator } from './translator.tsx';
import { invalidLinkPage, SIGN_IN, verificationPage } from './verification-page.tsx';

const PATH = '/restore-email';

export const restoreForm = z.union([linkBody, z.strictObject({ token: z.string(), password: z.string() })]);

/** The form that takes the link from the email that was sent to the old address. */
export const restorePage = (context: AppContext, call: Call): RouteResponse =>
  verificationPage(context, call, titleOf(context, call), <AskForLink />);

const titleOf = (context: AppContext, call: Call<unknown>): string =>
  translatorOf(context, call)('restore.title');

function AskForLink() {
  const t = useTranslator();
  return (
    <Card>
      <h1>{t('restore.title')}</h1>
      <p class="lead">{t('restore.lead')}</p>
      <PasteLink />
    </Card>
  );
}

const PasteLink = () => <LinkForm action={PATH} autofocus />;

/** The form behind that link. Opening it changes nothing. */
async function openLink(context: AppContext, call: Call<unknown>, token: string): Promise<RouteResponse> {
  try {
    await checkRestoreLink(context, call, token);
  } catch (error) {
    return invalidLinkPage(context, call, titleOf(context, call), error, {
      next: SIGN_IN,
      again: <PasteLink />,
    });
  }
  return verificationPage(
    context,
    call,
    titleOf(context, call),
    <Restore context={context} token={token} errors={[]} />,
  );
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
      return invalidLinkPage(context, call, titleOf(context, call), error, { next: SIGN_IN });
    const form = <Restore context={context} token={body.token} errors={error.fields} />;
    return withErrorHeaders(
      error,
      verificationPage(context, call, titleOf(context, call), form, error.status),
    );
  }
}

function Restore(props: { context: AppContext; token: string; errors: FieldError[] }) {
  const t = useTranslator();
  const title = t('restore.title');
  return (
    <SetPasswordByLink {...props} action={PATH} title={title} lead={t('restore.explain')} button={title} />
  );
}
