import type { z } from 'zod';
import type { World } from '../context.ts';
import type { Answer, Call } from '../edge/route.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { MAIL_ON_ITS_WAY, sendMail, type sendMailBody } from '../flows/recovery/send-mail.ts';
import { Field } from './field.tsx';
import { Actions, Button, Form } from './form.tsx';
import { Card, Notice, page, refusing } from './layout.tsx';
import { MailboxHint } from './mail-answer.tsx';
import { ResetByCode } from './reset-password.tsx';

const TITLE = 'Forgot your password?';

export const forgotPasswordPage = (world: World, call: Call): Answer =>
  page(world, call, { title: TITLE, shape: 'gate' }, <AskForMail email="" />);

/** Sends the mail, and goes on with the form that takes its code. */
export async function forgotPasswordAnswer(
  world: World,
  call: Call<z.infer<typeof sendMailBody>>,
): Promise<Answer> {
  const { email } = call.body;
  try {
    const { status, sideCookies } = await sendMail(world, call);
    const view = { status, title: 'Check your email', shape: 'gate' } as const;
    return { ...page(world, call, view, <MailSent world={world} email={email} />), sideCookies };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const form = <AskForMail email={email} refusal={error} />;
    const view = { status: error.status, title: `Error: ${TITLE}`, shape: 'gate' } as const;
    return refusing(error, page(world, call, view, form));
  }
}

function AskForMail({ email, refusal }: { email: string; refusal?: Refusal }) {
  const errors: FieldError[] = refusal?.fields ?? [];
  return (
    <>
      <Card>
        <h1>{TITLE}</h1>
        <p class="lead">Enter your email, and we’ll send you a link and a code to reset your password.</p>
        {refusal && !refusal.fields && <Notice kind="bad">{refusal.message}</Notice>}
        <Form action="/forgot-password">
          <Field
            name="email"
            label="Email"
            type="email"
            value={email}
            autocomplete="email"
            errors={errors}
            autofocus
          />
          <Actions>
            <Button>Send reset email</Button>
          </Actions>
        </Form>
      </Card>
      <p class="aside">
        Remember your password? <a href="/sign-in">Sign in</a>
      </p>
    </>
  );
}

function MailSent({ world, email }: { world: World; email: string }) {
  return (
    <>
      <Card>
        <h1>Check your email</h1>
        <Notice>
          <p>{MAIL_ON_ITS_WAY} Open the link in the email, or enter the code below.</p>
          <MailboxHint world={world} />
        </Notice>
        <ResetByCode world={world} email={email} errors={[]} />
      </Card>
      <p class="aside">
        Didn’t get it? Check your spam folder, or <a href="/forgot-password">send it again</a>.
      </p>
    </>
  );
}
