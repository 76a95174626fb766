import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import { checkResetLink, resetPassword } from '../flows/recovery/reset-password.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { NewPasswordField } from './field.tsx';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, refusing, seeOther } from './layout.tsx';
import {
  LinkForm,
  linkBody,
  PasteWithoutScripts,
  PasteWithScripts,
  tokenOf,
} from './link-form.tsx';
import { translatorOf, useTranslator } from './translator.tsx';
import { answerErrors, answerPage, CodeFields, linkRefused, withoutSpaces } from './verification-page.tsx';

export const resetForm = z.union([
  linkBody,
  z.strictObject({ token: z.string(), password: z.string() }),
  z.strictObject({ email: z.string(), code: z.string(), password: z.string() }),
]);

/** The form that takes a code or the link from an email. */
export const resetPage = (context: AppContext, call: Call): RouteResponse =>
  answerPage(context, call, titleOf(context, call), <ByCode context={context} email="" errors={[]} />);

/**
 * The form behind the link from an email. Opening it changes nothing, so a scanner that opens every link does no harm.
 */
async function openLink(context: AppContext, call: Call<unknown>, token: string): Promise<RouteResponse> {
  try {
    await checkResetLink(context, call, token);
  } catch (error) {
    return linkRefused(context, call, titleOf(context, call), error, { next: anotherEmail(context, call), again: <PasteAgain /> });
  }
  return answerPage(context, call, titleOf(context, call), <ByLink context={context} token={token} errors={[]} />);
}

/** Opens a link, or resets the password from either form. It signs no one in: the next step is to sign in. */
export async function resetSubmit(
  context: AppContext,
  call: Call<z.infer<typeof resetForm>>,
): Promise<RouteResponse> {
  const { body } = call;
  if ('link' in body) return openLink(context, call, tokenOf(body.link));
  try {
    const { otherCookies } = await resetPassword(context, { ...call, body: withoutSpaces(body) });
    return seeOther('/sign-in?done=reset', { otherCookies });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    if (error.code === 'invalid_link')
      return linkRefused(context, call, titleOf(context, call), error, { next: anotherEmail(context, call) });
    const errors = answerErrors(error);
    const form =
      'code' in body ? (
        <ByCode context={context} email={body.email} code={body.code} errors={errors} />
      ) : (
        <ByLink context={context} token={body.token} errors={errors} />
      );
    return refusing(error, answerPage(context, call, titleOf(context, call), form, error.status));
  }
}

const titleOf = (context: AppContext, call: Call<unknown>): string =>
  translatorOf(context, call)('reset.title');

const anotherEmail = (context: AppContext, call: Call<unknown>) => ({
  href: '/forgot-password',
  label: translatorOf(context, call)('reset.new_link'),
});

function ByLink({ context, token, errors }: { context: AppContext; token: string; errors: FieldError[] }) {
  const t = useTranslator();
  return (
    <Card>
      <h1>{t('reset.title')}</h1>
      <p class="lead">{t('reset.all_devices')}</p>
      <FormErrors errors={errors} shown={['password']} />
      <Form action="/reset-password" hidden={{ token }}>
        <NewPasswordField config={context.config} errors={errors} autofocus />
        <Actions>
          <Button>{t('action.reset_password')}</Button>
        </Actions>
      </Form>
    </Card>
  );
}

const PasteAgain = () => <LinkForm action="/reset-password" />;

function ByCode(props: ResetByCodeProps) {
  const t = useTranslator();
  return (
    <>
      <PasteWithoutScripts action="/reset-password" />
      <Card>
        <h1>{t('reset.title')}</h1>
        <p class="lead">
          {t('link.enter_code')} {t('reset.all_devices')}
        </p>
        <ResetByCode {...props} />
      </Card>
      <PasteWithScripts action="/reset-password" />
      <p class="aside">
        {t.rich('reset.no_code', { link: (children) => <a href="/forgot-password">{children}</a> })}
      </p>
    </>
  );
}

interface ResetByCodeProps {
  context: AppContext;
  email: string;
  code?: string | undefined;
  errors: FieldError[];
}

/** Fields for email, code and new password; also shown after an email was sent. */
export function ResetByCode({ context, email, code, errors }: ResetByCodeProps) {
  const t = useTranslator();
  return (
    <>
      <FormErrors errors={errors} shown={['email', 'code', 'password']} />
      <Form action="/reset-password">
        <CodeFields config={context.config} email={email} code={code} errors={errors} autofocus />
        <NewPasswordField config={context.config} errors={errors} />
        <Actions>
          <Button>{t('action.reset_password')}</Button>
        </Actions>
      </Form>
    </>
  );
}
