import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import { signUp, signUpBody } from '../flows/sign-up/sign-up.ts';
import { findSignedIn } from '../http/credential.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { text } from '../languages/text.ts';
import { EmailField, NewPasswordField, UsernameField } from './field.tsx';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, Notice, page, seeOther, statusAndTitle, withErrorHeaders } from './layout.tsx';
import { allowFormRedirects, readReturnTo, withReturnTo } from './return-to.ts';
import { Say, translatorOf, useTranslator } from './translator.tsx';
import { CheckYourEmail } from './verification-page.tsx';
import { VerifyByCode } from './verify.tsx';

export const signUpQuery = z.object({ return_to: z.string().optional() });
export const signUpForm = signUpBody.extend({ return_to: z.string().optional() });

export async function signUpPage(
  context: AppContext,
  call: Call<undefined, z.infer<typeof signUpQuery>>,
): Promise<RouteResponse> {
  const returnTo = readReturnTo(context, call.query.return_to);
  if (await findSignedIn(context, call.headers)) return seeOther(returnTo ?? '/dashboard');
  if (context.config.signup === 'closed') throw new HttpError('signup_disabled');
  const form = <SignUp context={context} username="" email="" returnTo={returnTo} />;
  return allowFormRedirects(
    context,
    page(context, call, { title: translatorOf(context, call)('sign_up.title'), shape: 'centered' }, form),
  );
}

export async function signUpSubmit(
  context: AppContext,
  call: Call<z.infer<typeof signUpForm>>,
): Promise<RouteResponse> {
  const { return_to, ...body } = call.body;
  const returnTo = readReturnTo(context, return_to);
  try {
    const { status, cookie, otherCookies } = await signUp(context, { ...call, body });
    if (status === 202) {
      const view = {
        status,
        title: translatorOf(context, call)('link.check_email'),
        shape: 'centered',
      } as const;
      return {
        ...page(context, call, view, <EmailSent context={context} email={body.email} />),
        otherCookies,
      };
    }
    return seeOther(returnTo ?? '/dashboard?done=welcome', { cookie, otherCookies });
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === 'signup_disabled') throw error;
    const { username, email } = body;
    const form = (
      <SignUp context={context} username={username} email={email} returnTo={returnTo} error={error} />
    );
    const t = translatorOf(context, call);
    const view = { ...statusAndTitle(t('sign_up.title'), error, t), shape: 'centered' } as const;
    return allowFormRedirects(context, withErrorHeaders(error, page(context, call, view, form)));
  }
}

interface SignUpProps {
  context: AppContext;
  username: string;
  email: string;
  returnTo: string | undefined;
  error?: HttpError;
}

function SignUp({ context: { config }, username, email, returnTo, error }: SignUpProps) {
  const t = useTranslator();
  const errors: FieldError[] = error?.fields ?? [];
  return (
    <>
      <Card>
        <h1>{t('sign_up.title')}</h1>
        {error && !error.fields && (
          <Notice kind="bad">
            <Say of={error.text} />
          </Notice>
        )}
        <FormErrors errors={errors} shown={['username', 'email', 'password']} />
        {error?.code === 'user_exists' && (
          <Notice>
            <p>
              {t.rich('sign_up.exists', {
                link: (children) => <a href={withReturnTo('/sign-in', returnTo)}>{children}</a>,
              })}
            </p>
          </Notice>
        )}
        <Form action="/sign-up" hidden={returnTo === undefined ? {} : { return_to: returnTo }}>
          <UsernameField value={username} errors={errors} hint={t('sign_up.username_hint')} autofocus />
          <EmailField value={email} errors={errors} hint={t('sign_up.email_hint')} />
          <NewPasswordField config={config} label={t('fields.password')} errors={errors} />
          <Actions>
            <Button>{t('action.create_account')}</Button>
          </Actions>
        </Form>
      </Card>
      <p class="aside">
        {t.rich('sign_up.have_account', {
          link: (children) => <a href={withReturnTo('/sign-in', returnTo)}>{children}</a>,
        })}
      </p>
    </>
  );
}

/**
 * Shown when sign-up requires a verified email: the same page if the email already has an account, against enumeration.
 */
function EmailSent({ context, email }: { context: AppContext; email: string }) {
  return (
    <CheckYourEmail context={context} message={text('sign_up.sent')}>
      <VerifyByCode context={context} given={{ email, code: '' }} errors={[]} />
    </CheckYourEmail>
  );
}
