import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import { checkVerifyLink, verifyEmail } from '../flows/email/verify.ts';
import { findSignedIn } from '../http/credential.ts';
import { readVerificationCookie } from '../http/other-cookies.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { text } from '../languages/text.ts';
import { NewPasswordField, UsernameField } from './field.tsx';
import { Actions, Button, ButtonLink, Form, FormErrors } from './form.tsx';
import { Card, seeOther, withErrorHeaders } from './layout.tsx';
import { CodeOrLink, LinkForm, linkBody, tokenOf } from './link-form.tsx';
import { withReturnTo } from './return-to.ts';
import { translatorOf, useTranslator } from './translator.tsx';
import {
  CodeFields,
  invalidLinkPage,
  SIGN_IN,
  verificationErrors,
  verificationPage,
  withoutSpaces,
} from './verification-page.tsx';

const PATH = '/verify';

/** Leads over the sign-in to the button that sends the email. */
const SEND_AGAIN = { href: '/dashboard/email', label: text('verify.send_again') };

const others = { username: z.string().optional(), password: z.string().optional() };
export const verifyForm = z.union([
  linkBody,
  z.strictObject({ token: z.string(), ...others }),
  z.strictObject({ email: z.string(), code: z.string(), ...others }),
]);
/** The input of the two forms that verify; opening a link verifies nothing yet. */
type VerifyForm = Exclude<z.infer<typeof verifyForm>, { link: string }>;

type Purpose = Awaited<ReturnType<typeof checkVerifyLink>>['purpose'];

/**
 * The form that takes a code or the link from an email. A signed-in user with a verified email who has requested nothing
 * in this browser has no code to enter, but can have opened a link, such as one to a new email.
 */
export async function verifyPage(context: AppContext, call: Call): Promise<RouteResponse> {
  const user = (await findSignedIn(context, call.headers))?.user;
  if (user && user.email_verified_at !== null && readVerificationCookie(context, call.headers) === undefined)
    return verificationPage(
      context,
      call,
      translatorOf(context, call)('verify.already'),
      <AlreadyVerified email={user.email} />,
    );
  const form = <ByCode context={context} given={{ email: '', code: '' }} errors={[]} />;
  return verificationPage(context, call, titleOf(context, call), form);
}

/**
 * The form behind the link from an email. Opening it changes nothing, so a scanner that opens every link does no harm.
 */
async function openLink(context: AppContext, call: Call<unknown>, token: string): Promise<RouteResponse> {
  try {
    const checked = await checkVerifyLink(context, call, token);
    const form = <ByLink context={context} {...checked} given={{ token }} errors={[]} />;
    return verificationPage(context, call, titleOf(context, call), form);
  } catch (error) {
    return invalidLinkPage(context, call, titleOf(context, call), error, {
      next: SEND_AGAIN,
      again: <LinkForm action={PATH} />,
    });
  }
}

/** Opens a link, or verifies the email from either form and continues at the account. */
export async function verifySubmit(
  context: AppContext,
  call: Call<z.infer<typeof verifyForm>>,
): Promise<RouteResponse> {
  const { body } = call;
  if ('link' in body) return openLink(context, call, tokenOf(body.link));
  try {
    const { status, cookie, otherCookies } = await verifyEmail(context, {
      ...call,
      body: withoutSpaces(body),
    });
    if (status === 201) return seeOther('/dashboard?done=welcome', { cookie, otherCookies });
    const activeSession = await findSignedIn(context, call.headers);
    return seeOther(activeSession ? '/dashboard/email?done=verified' : '/sign-in?done=verified', {
      otherCookies,
    });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return withErrorHeaders(error, await showAgain(context, { ...call, body }, error));
  }
}

async function showAgain(
  context: AppContext,
  call: Call<VerifyForm>,
  error: HttpError,
): Promise<RouteResponse> {
  const { body } = call;
  const needsPassword = error.code === 'password_required';
  const errors = needsPassword
    ? [{ field: 'password', code: error.code, message: error.text }]
    : verificationErrors(error);
  if ('code' in body)
    return verificationPage(
      context,
      call,
      titleOf(context, call),
      <ByCode context={context} given={body} errors={errors} />,
      error.status,
    );
  // The link is not in the URL of the sign-in, where logs would have its token: the user opens it again afterwards.
  if (error.code === 'unauthenticated')
    return invalidLinkPage(context, call, titleOf(context, call), error, {
      next: { ...SIGN_IN, href: withReturnTo('/sign-in', PATH) },
    });
  if (!error.fields && !needsPassword)
    return invalidLinkPage(context, call, titleOf(context, call), error, { next: SEND_AGAIN });
  const checked = await checkVerifyLink(context, call, body.token);
  const form = <ByLink context={context} {...checked} given={body} errors={errors} />;
  return verificationPage(context, call, titleOf(context, call), form, error.status);
}

const titleOf = (context: AppContext, call: Call<unknown>): string =>
  translatorOf(context, call)('verify.title');

const linkTexts = {
  sign_up: {
    heading: 'verify.sign_up',
    lead: 'verify.sign_up_lead',
    button: 'action.create_account',
  },
  verify_email: {
    heading: 'verify.title',
    lead: 'verify.email_lead',
    button: 'verify.email_button',
  },
  change_email: {
    heading: 'verify.change',
    lead: 'verify.change_lead',
    button: 'verify.change_button',
  },
} as const satisfies Record<Purpose, object>;

interface ByLinkProps {
  context: AppContext;
  purpose: Purpose;
  needsPassword: boolean;
  given: Extract<VerifyForm, { token: string }>;
  errors: FieldError[];
}

function ByLink({ context, purpose, needsPassword, given, errors }: ByLinkProps) {
  const t = useTranslator();
  const { heading, lead, button } = linkTexts[purpose];
  return (
    <Card>
      <h1>{t(heading)}</h1>
      <p class="lead">{t(needsPassword ? 'verify.other_browser' : lead)}</p>
      {needsPassword && (
        <p>
          {purpose === 'verify_email' && t('reset.all_devices')} {t('verify.keep_password')}
        </p>
      )}
      <FormErrors errors={errors} shown={['username', 'password']} />
      <Form action={PATH} hidden={{ token: given.token }}>
        <Username given={given} errors={errors} />
        {needsPassword && <NewPasswordField config={context.config} errors={errors} autofocus />}
        <Actions>
          <Button>{t(button)}</Button>
        </Actions>
      </Form>
    </Card>
  );
}

interface VerifyByCodeProps {
  context: AppContext;
  given: Extract<VerifyForm, { code: string }>;
  errors: FieldError[];
  /** Whether the form is one of several on a page: the email is known, and the form does not take the focus. */
  isPart?: boolean;
}

function ByCode(props: VerifyByCodeProps) {
  const t = useTranslator();
  return (
    <CodeOrLink action={PATH} title={t('verify.title')} lead={t('link.enter_code')}>
      <VerifyByCode {...props} />
    </CodeOrLink>
  );
}

function AlreadyVerified({ email }: { email: string }) {
  const t = useTranslator();
  return (
    <CodeOrLink
      action={PATH}
      title={t('verify.already')}
      lead={t('verify.already_lead', { email })}
      linkTitle={t('verify.confirm_new')}
    >
      <Actions>
        <ButtonLink href="/dashboard">{t('verify.to_account')}</ButtonLink>
      </Actions>
    </CodeOrLink>
  );
}

/** Fields for email and code, and for what else is required; also shown after an email was sent. */
export function VerifyByCode({ context, given, errors, isPart = false }: VerifyByCodeProps) {
  const t = useTranslator();
  const needsPassword = given.password !== undefined || errors.some(({ field }) => field === 'password');
  return (
    <>
      <FormErrors errors={errors} shown={['email', 'code', 'username', 'password']} />
      <Form action={PATH}>
        <CodeFields
          config={context.config}
          email={given.email}
          code={given.code}
          errors={errors}
          autofocus={!needsPassword && !isPart}
          isFixed={isPart}
        />
        <Username given={given} errors={errors} />
        {needsPassword && <NewPasswordField config={context.config} errors={errors} autofocus />}
        <Actions>
          <Button>{t('action.verify')}</Button>
        </Actions>
      </Form>
    </>
  );
}

/** Shown only if the username from the sign-up was taken in the meantime. */
function Username({ given: { username }, errors }: { given: VerifyForm; errors: FieldError[] }) {
  if (username === undefined && !errors.some(({ field }) => field === 'username')) return null;
  return <UsernameField value={username ?? ''} errors={errors} />;
}
