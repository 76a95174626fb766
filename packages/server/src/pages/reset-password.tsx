import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import { checkResetCode, checkResetLink, resetPassword } from '../flows/recovery/reset-password.ts';
import { nameCookie } from '../http/other-cookies.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { text } from '../languages/text.ts';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { seeOther, withErrorHeaders } from './layout.tsx';
import { CodeOrLink, LinkForm, linkBody, tokenOf } from './link-form.tsx';
import { SetPasswordByLink } from './set-password-by-link.tsx';
import { translatorOf, useTranslator } from './translator.tsx';
import {
  CodeFields,
  invalidLinkPage,
  verificationErrors,
  verificationPage,
  withoutSpaces,
} from './verification-page.tsx';

const PATH = '/reset-password';

export const resetForm = z.union([
  linkBody,
  z.strictObject({ token: z.string(), password: z.string() }),
  z.strictObject({ email: z.string(), code: z.string() }),
]);

/** The form that takes a code or the link from an email. */
export const resetPage = (context: AppContext, call: Call): RouteResponse =>
  verificationPage(context, call, titleOf(context, call), <ByCode context={context} email="" errors={[]} />);

/**
 * The form behind the link from an email. Opening it changes nothing, so a scanner that opens every link does no harm.
 */
async function openLink(context: AppContext, call: Call<unknown>, token: string): Promise<RouteResponse> {
  try {
    await checkResetLink(context, call, token);
  } catch (error) {
    const again = <LinkForm action={PATH} />;
    return invalidLinkPage(context, call, titleOf(context, call), error, {
      next: ANOTHER_EMAIL,
      again,
    });
  }
  return verificationPage(
    context,
    call,
    titleOf(context, call),
    <ByLink context={context} token={token} errors={[]} />,
  );
}

/** Checks a code, then asks for the new password: a wrong code is told before one thinks of a password. */
async function checkCode(
  context: AppContext,
  call: Call<unknown>,
  given: { email: string; code: string },
): Promise<RouteResponse> {
  const title = titleOf(context, call);
  try {
    const token = await checkResetCode(context, call, withoutSpaces(given));
    const form = <ByLink context={context} token={token} errors={[]} />;
    return verificationPage(context, call, title, form);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const form = <ByCode context={context} {...given} errors={verificationErrors(error)} />;
    return withErrorHeaders(error, verificationPage(context, call, title, form, error.status));
  }
}

/** Opens a link, checks a code, or resets the password. It signs no one in: the next step is to sign in. */
export async function resetSubmit(
  context: AppContext,
  call: Call<z.infer<typeof resetForm>>,
): Promise<RouteResponse> {
  const { body } = call;
  if ('link' in body) return openLink(context, call, tokenOf(body.link));
  if ('code' in body) return checkCode(context, call, body);
  try {
    const { user, otherCookies } = await resetPassword(context, { ...call, body });
    return seeOther('/sign-in?done=reset', {
      otherCookies: { ...otherCookies, ...nameCookie(user.username) },
    });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    if (error.code === 'invalid_link')
      return invalidLinkPage(context, call, titleOf(context, call), error, {
        next: ANOTHER_EMAIL,
      });
    const form = <ByLink context={context} token={body.token} errors={verificationErrors(error)} />;
    return withErrorHeaders(
      error,
      verificationPage(context, call, titleOf(context, call), form, error.status),
    );
  }
}

const titleOf = (context: AppContext, call: Call<unknown>): string =>
  translatorOf(context, call)('reset.title');

const ANOTHER_EMAIL = { href: '/forgot-password', label: text('reset.new_link') };

function ByLink(props: { context: AppContext; token: string; errors: FieldError[] }) {
  const t = useTranslator();
  const texts = {
    title: t('reset.title'),
    lead: t('reset.all_devices'),
    button: t('action.reset_password'),
  };
  return <SetPasswordByLink {...props} {...texts} action={PATH} />;
}

function ByCode(props: ResetByCodeProps) {
  const t = useTranslator();
  const lead = `${t('link.enter_code')} ${t('reset.all_devices')}`;
  return (
    <>
      <CodeOrLink action={PATH} title={t('reset.title')} lead={lead}>
        <ResetByCode {...props} />
      </CodeOrLink>
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

/** Fields for email and code; also shown after an email was sent. */
export function ResetByCode({ context, email, code, errors }: ResetByCodeProps) {
  const t = useTranslator();
  return (
    <>
      <FormErrors errors={errors} shown={['email', 'code']} />
      <Form action={PATH}>
        <CodeFields config={context.config} email={email} code={code} errors={errors} autofocus />
        <Actions>
          <Button>{t('action.continue')}</Button>
        </Actions>
      </Form>
    </>
  );
}
