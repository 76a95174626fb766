import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { HttpError } from '../errors.ts';
import { signIn } from '../flows/sign-in/password.ts';
import { findSignedIn } from '../http/credential.ts';
import { readNameCookie } from '../http/other-cookies.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { Checkbox, Field, PasswordField } from './field.tsx';
import { Actions, Button, Form } from './form.tsx';
import { Card, Notice, page, seeOther, statusAndTitle, withErrorHeaders } from './layout.tsx';
import { allowFormRedirects, nextPage, readReturnTo, withReturnTo } from './return-to.ts';
import { Say, translatorOf, useTranslator } from './translator.tsx';

/** Notices about an action that was just completed on another page. */
const done = {
  'signed-out': 'sign_in.signed_out',
  verified: 'sign_in.verified',
  restored: 'sign_in.restored',
  reset: 'sign_in.reset',
} as const;

export const signInQuery = z.object({
  return_to: z.string().optional(),
  done: z
    .enum(Object.keys(done) as (keyof typeof done)[])
    .optional()
    .catch(undefined),
});
export const signInForm = z.strictObject({
  name: z.string(),
  password: z.string(),
  keep_signed_in: z.literal('on').optional(),
  return_to: z.string().optional(),
});

export async function signInPage(
  context: AppContext,
  call: Call<undefined, z.infer<typeof signInQuery>>,
): Promise<RouteResponse> {
  const returnTo = readReturnTo(context, call.query.return_to);
  const activeSession = await findSignedIn(context, call.headers);
  if (activeSession)
    return seeOther(nextPage(activeSession.user.password_change_required_at !== null, returnTo));
  const name = readNameCookie(context, call.headers);
  const form = <SignIn context={context} name={name ?? ''} returnTo={returnTo} done={call.query.done} />;
  const view = { title: translatorOf(context, call)('sign_in.title'), shape: 'centered' } as const;
  const response = allowFormRedirects(context, page(context, call, view, form));
  return name === undefined ? response : { ...response, otherCookies: { name: 'unset' } };
}

export async function signInSubmit(
  context: AppContext,
  call: Call<z.infer<typeof signInForm>>,
): Promise<RouteResponse> {
  const { name, password, return_to } = call.body;
  const keep = call.body.keep_signed_in !== undefined;
  const returnTo = readReturnTo(context, return_to);
  try {
    const { user, cookie, otherCookies } = await signIn(context, {
      ...call,
      body: { login: name, password, keep_signed_in: keep },
    });
    return seeOther(nextPage(user.password_change_required_at !== null, returnTo), { cookie, otherCookies });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const form = <SignIn context={context} name={name} keep={keep} returnTo={returnTo} error={error} />;
    const t = translatorOf(context, call);
    const view = { ...statusAndTitle(t('sign_in.title'), error, t), shape: 'centered' } as const;
    return allowFormRedirects(context, withErrorHeaders(error, page(context, call, view, form)));
  }
}

interface SignInProps {
  context: AppContext;
  name: string;
  /** Whether to stay signed in. */
  keep?: boolean;
  returnTo: string | undefined;
  done?: keyof typeof done | undefined;
  error?: HttpError;
}

function SignIn({ context: { config }, name, keep = false, returnTo, done: act, error }: SignInProps) {
  const t = useTranslator();
  return (
    <>
      <Card>
        <h1>{t('sign_in.title')}</h1>
        {act && <Notice kind="good">{t(done[act])}</Notice>}
        {error && <SignInError error={error} />}
        {returnTo !== undefined && !act && !error && <p class="lead">{t('sign_in.to_continue')}</p>}
        <Form action="/sign-in" hidden={returnTo === undefined ? {} : { return_to: returnTo }}>
          <Field
            name="name"
            label={t('fields.username_or_email')}
            value={name}
            autocomplete="username"
            errors={[]}
            autofocus={name === ''}
          />
          <PasswordField
            name="password"
            label={t('fields.password')}
            autocomplete="current-password"
            errors={[]}
            autofocus={name !== ''}
          />
          {config.keepSignedIn !== 'off' && (
            <Checkbox name="keep_signed_in" label={t('sign_in.keep')} checked={keep} />
          )}
          <Actions>
            <Button>{t('action.sign_in')}</Button>
          </Actions>
        </Form>
        <p class="aside">
          <a href="/forgot-password">{t('sign_in.forgot')}</a>
        </p>
      </Card>
      {config.signup !== 'closed' && (
        <p class="aside">
          {t.rich('sign_in.no_account', {
            link: (children) => <a href={withReturnTo('/sign-up', returnTo)}>{children}</a>,
          })}
        </p>
      )}
    </>
  );
}

/** The same text for everyone: it does not reveal whether the account exists or is rate limited. */
function SignInError({ error }: { error: HttpError }) {
  const t = useTranslator();
  if (error.code !== 'invalid_credentials')
    return (
      <Notice kind="bad">
        <Say of={error.text} />
      </Notice>
    );
  return (
    <Notice kind="bad">
      <p>{t('sign_in.failed')}</p>
      <p>
        {t.rich('sign_in.failed_help', { link: (children) => <a href="/forgot-password">{children}</a> })}
      </p>
    </Notice>
  );
}
