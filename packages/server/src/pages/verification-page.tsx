import type { Child } from 'hono/jsx';
import type { Config } from '../config.ts';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import type { RouteResponse } from '../http/route.ts';
import { EmailField, Field } from './field.tsx';
import { Actions, ButtonLink } from './form.tsx';
import { Card, Notice, page, refusing, type Viewer } from './layout.tsx';

/** A form as it was sent, but for spaces in its code: a mail program may copy them along. */
export const withoutSpaces = <Body extends object>(body: Body | (Body & { code: string })): Body =>
  'code' in body ? { ...body, code: body.code.replace(/\s/g, '') } : body;

interface CodeFieldsProps {
  config: Pick<Config, 'codesDigits'>;
  /** What its field is called, where an account has two of them. */
  emailLabel?: string | undefined;
  email: string;
  code?: string | undefined;
  errors: FieldError[];
  autofocus?: boolean;
  /** The address is known, and not asked for. */
  isFixed?: boolean | undefined;
}

/** What answers an email where its link cannot be opened: the address it went to, and its code. */
export function CodeFields({
  config,
  emailLabel = 'Email',
  email,
  code,
  errors,
  autofocus = false,
  isFixed,
}: CodeFieldsProps) {
  return (
    <>
      {isFixed ? (
        <input type="hidden" name="email" value={email} />
      ) : (
        <EmailField
          label={emailLabel}
          value={email}
          autocomplete="username"
          errors={errors}
          autofocus={autofocus && email === ''}
        />
      )}
      <Field
        name="code"
        label={`${config.codesDigits}-digit code`}
        value={code}
        autocomplete="one-time-code"
        inputmode="numeric"
        look="code-input"
        errors={errors}
        autofocus={autofocus && email !== ''}
      />
    </>
  );
}

/** What is wrong, field by field; a refused code is said at the code. */
export const answerErrors = ({ code, message, fields }: HttpError): FieldError[] =>
  fields ?? [{ field: code === 'invalid_code' ? 'code' : '', code, message }];

/** Says that an email can be in the mailbox, where there is no server to send it. */
export function MailboxHint({ context }: { context: Pick<AppContext, 'hasMailbox'> }) {
  if (!context.hasMailbox) return null;
  return (
    <p>
      No mail server is set up. Open the email in <a href="/mailbox">the development mailbox</a>.
    </p>
  );
}

export const CHECK_YOUR_EMAIL = 'Check your email';

interface CheckYourEmailProps {
  context: Pick<AppContext, 'hasMailbox'>;
  /** What is said of the email. */
  message: string;
  /** The form that takes its code. */
  children: Child;
}

/** What a page shows after it had an email sent. */
export const CheckYourEmail = ({ context, message, children }: CheckYourEmailProps) => (
  <Card>
    <h1>{CHECK_YOUR_EMAIL}</h1>
    <Notice>
      <p>{message}</p>
      <MailboxHint context={context} />
    </Notice>
    {children}
  </Card>
);

/** The page of a form that answers an email, or of what is still wrong with it. */
export const answerPage = (
  context: AppContext,
  viewer: Viewer,
  title: string,
  form: Child,
  status = 200,
): RouteResponse =>
  page(context, viewer, { status, title: status < 400 ? title : `Error: ${title}`, shape: 'gate' }, form);

/** How a page goes on that can do nothing for a link. */
interface GoOn {
  next?: { href: string; label: string };
  /** The form that takes the link, for whoever copied only a part of it. */
  again?: Child;
}

/** A page that can do nothing for the link that opened it, and says where to go on. Throws what is no refusal. */
export function linkRefused(
  context: AppContext,
  viewer: Viewer,
  title: string,
  error: unknown,
  { next, again }: GoOn = {},
): RouteResponse {
  if (!(error instanceof HttpError)) throw error;
  const content = (
    <Card>
      <h1>{title}</h1>
      <Notice kind="bad">{error.message}</Notice>
      {again}
      {next && (
        <Actions>
          <ButtonLink href={next.href}>{next.label}</ButtonLink>
        </Actions>
      )}
    </Card>
  );
  return refusing(error, page(context, viewer, { status: error.status, title, shape: 'gate' }, content));
}
