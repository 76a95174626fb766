import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import { checkResetLink, resetPassword } from '../flows/recovery/reset-password.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { NewPasswordField } from './field.tsx';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, refusing, seeOther } from './layout.tsx';
import {
  FROM_EMAIL,
  LinkForm,
  linkBody,
  PasteWithoutScripts,
  PasteWithScripts,
  tokenOf,
} from './link-form.tsx';
import { answerErrors, answerPage, CodeFields, linkRefused, withoutSpaces } from './verification-page.tsx';

const TITLE = 'Reset your password';

export const resetForm = z.union([
  linkBody,
  z.strictObject({ token: z.string(), password: z.string() }),
  z.strictObject({ email: z.string(), code: z.string(), password: z.string() }),
]);

/** The form that takes a code or the link from an email. */
export const resetPage = (context: AppContext, call: Call): RouteResponse =>
  answerPage(context, call, TITLE, <ByCode context={context} email="" errors={[]} />);

/**
 * The form behind the link from an email. Opening it changes nothing, so a scanner that opens every link does no harm.
 */
async function openLink(context: AppContext, call: Call<unknown>, token: string): Promise<RouteResponse> {
  try {
    await checkResetLink(context, call, token);
  } catch (error) {
    return linkRefused(context, call, TITLE, error, { next: anotherEmail, again: <PasteAgain /> });
  }
  return answerPage(context, call, TITLE, <ByLink context={context} token={token} errors={[]} />);
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
      return linkRefused(context, call, TITLE, error, { next: anotherEmail });
    const errors = answerErrors(error);
    const form =
      'code' in body ? (
        <ByCode context={context} email={body.email} code={body.code} errors={errors} />
      ) : (
        <ByLink context={context} token={body.token} errors={errors} />
      );
    return refusing(error, answerPage(context, call, TITLE, form, error.status));
  }
}

const anotherEmail = { href: '/forgot-password', label: 'Request a new link' };

export const EVERYBODY_OUT = 'You’ll be signed out on all devices.';

function ByLink({ context, token, errors }: { context: AppContext; token: string; errors: FieldError[] }) {
  return (
    <Card>
      <h1>{TITLE}</h1>
      <p class="lead">{EVERYBODY_OUT}</p>
      <FormErrors errors={errors} shown={['password']} />
      <Form action="/reset-password" hidden={{ token }}>
        <NewPasswordField config={context.config} errors={errors} autofocus />
        <Actions>
          <Button>Reset password</Button>
        </Actions>
      </Form>
    </Card>
  );
}

const PasteAgain = () => <LinkForm action="/reset-password" label={FROM_EMAIL} />;

function ByCode(props: ResetByCodeProps) {
  return (
    <>
      <PasteWithoutScripts action="/reset-password" />
      <Card>
        <h1>{TITLE}</h1>
        <p class="lead">Enter the code from the email we sent you. {EVERYBODY_OUT}</p>
        <ResetByCode {...props} />
      </Card>
      <PasteWithScripts action="/reset-password" />
      <p class="aside">
        Don’t have a code? <a href="/forgot-password">Request a reset email</a>
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
  return (
    <>
      <FormErrors errors={errors} shown={['email', 'code', 'password']} />
      <Form action="/reset-password">
        <CodeFields config={context.config} email={email} code={code} errors={errors} autofocus />
        <NewPasswordField config={context.config} errors={errors} />
        <Actions>
          <Button>Reset password</Button>
        </Actions>
      </Form>
    </>
  );
}
