import type { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import { sendMail, type sendMailBody } from '../flows/recovery/send-mail.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { text } from '../languages/text.ts';
import { EmailField } from './field.tsx';
import { Actions, Button, Form } from './form.tsx';
import { Card, Notice, page, statusAndTitle, withErrorHeaders } from './layout.tsx';
import { ResetByCode } from './reset-password.tsx';
import { Say, translatorOf, useTranslator } from './translator.tsx';
import { CheckYourEmail } from './verification-page.tsx';

export const forgotPasswordPage = (context: AppContext, call: Call): RouteResponse =>
  page(
    context,
    call,
    { title: translatorOf(context, call)('forgot.title'), shape: 'centered' },
    <AskForEmail email="" />,
  );

/** Sends the email and shows the form for its code. */
export async function forgotPasswordSubmit(
  context: AppContext,
  call: Call<z.infer<typeof sendMailBody>>,
): Promise<RouteResponse> {
  const { email } = call.body;
  try {
    const { status, otherCookies } = await sendMail(context, call);
    const view = {
      status,
      title: translatorOf(context, call)('link.check_email'),
      shape: 'centered',
    } as const;
    return { ...page(context, call, view, <EmailSent context={context} email={email} />), otherCookies };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const form = <AskForEmail email={email} error={error} />;
    const t = translatorOf(context, call);
    const view = { ...statusAndTitle(t('forgot.title'), error, t), shape: 'centered' } as const;
    return withErrorHeaders(error, page(context, call, view, form));
  }
}

function AskForEmail({ email, error }: { email: string; error?: HttpError }) {
  const t = useTranslator();
  const errors: FieldError[] = error?.fields ?? [];
  return (
    <>
      <Card>
        <h1>{t('forgot.title')}</h1>
        <p class="lead">{t('forgot.lead')}</p>
        {error && !error.fields && (
          <Notice kind="bad">
            <Say of={error.text} />
          </Notice>
        )}
        <Form action="/forgot-password">
          <EmailField value={email} errors={errors} autofocus />
          <Actions>
            <Button>{t('forgot.send')}</Button>
          </Actions>
        </Form>
      </Card>
      <p class="aside">
        {t.rich('forgot.remember', { link: (children) => <a href="/sign-in">{children}</a> })}
      </p>
    </>
  );
}

/**
 * How long to wait before another email is asked for, in seconds. It keeps impatient people from using up their emails.
 * Nothing enforces it: a stranger could then keep the owner from asking (the rate limits have room for that).
 */
const SEND_AGAIN_AFTER = 60;

function EmailSent({ context, email }: { context: AppContext; email: string }) {
  const t = useTranslator();
  return (
    <>
      <CheckYourEmail context={context} message={text('forgot.sent')}>
        <ResetByCode context={context} email={email} errors={[]} />
      </CheckYourEmail>
      <div class="aside">
        <p>{t('forgot.wait', { seconds: SEND_AGAIN_AFTER })}</p>
        <Form action="/forgot-password" shape="inline" hidden={{ email }}>
          <Button
            weight="plain"
            small
            wait={{ seconds: SEND_AGAIN_AFTER, text: t('forgot.send_again_in', { seconds: '{seconds}' }) }}
          >
            {t('forgot.send_again')}
          </Button>
        </Form>
      </div>
    </>
  );
}
