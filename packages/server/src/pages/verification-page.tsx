import type { Child } from 'hono/jsx';
import type { Config } from '../config.ts';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import type { RouteResponse } from '../http/route.ts';
import { EmailField, Field } from './field.tsx';
import { Actions, ButtonLink } from './form.tsx';
import { Card, Notice, page, refusing, type Viewer } from './layout.tsx';
import { Say, translatorOf, useTranslator } from './translator.tsx';
import type { Text } from '../languages/text.ts';

/** A form as it was sent, but for spaces in its code: a mail program may copy them along. */
export const withoutSpaces = <Body extends object>(body: Body | (Body & { code: string })): Body =>
  'code' in body ? { ...body, code: body.code.replace(/\s/g, '') } : body;

interface CodeFieldsProps {
  config: Pick<Config, 'codesDigits'>;
  /** The label of the email field, if the account has two. */
  emailLabel?: string | undefined;
  email: string;
  code?: string | undefined;
  errors: FieldError[];
  autofocus?: boolean;
  /** Whether the email is known and not asked for. */
  isFixed?: boolean | undefined;
}

/** Fields for when the link cannot be opened: the email address and its code. */
export function CodeFields({
  config,
  emailLabel,
  email,
  code,
  errors,
  autofocus = false,
  isFixed,
}: CodeFieldsProps) {
  const t = useTranslator();
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
        label={t('fields.code', { digits: config.codesDigits })}
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

/** The errors by field; a wrong code is reported at the code field. */
export const answerErrors = ({ code, text, fields }: HttpError): FieldError[] =>
  fields ?? [{ field: code === 'invalid_code' ? 'code' : '', code, message: text }];

/** Says that the email may be in the mailbox, if no mail server is set up. */
export function MailboxHint({ context }: { context: Pick<AppContext, 'hasMailbox'> }) {
  const t = useTranslator();
  if (!context.hasMailbox) return null;
  return (
    <p>{t.rich('link.mailbox', { link: (children) => <a href="/mailbox">{children}</a> })}</p>
  );
}

interface CheckYourEmailProps {
  context: Pick<AppContext, 'hasMailbox'>;
  /** What is said of the email. */
  message: Text;
  /** The form that takes its code. */
  children: Child;
}

/** What a page shows after it had an email sent. */
export function CheckYourEmail({ context, message, children }: CheckYourEmailProps) {
  const t = useTranslator();
  return (
    <Card>
      <h1>{t('link.check_email')}</h1>
      <Notice>
        <p>{t(message)}</p>
        <MailboxHint context={context} />
      </Notice>
      {children}
    </Card>
  );
}

/** The page of a form that answers an email, or of what is still wrong with it. */
export const answerPage = (
  context: AppContext,
  viewer: Viewer,
  title: string,
  form: Child,
  status = 200,
): RouteResponse =>
  page(context, viewer, { status, title: status < 400 ? title : translatorOf(context, viewer)('layout.error', { title }), shape: 'gate' }, form);

/** Where a page continues that cannot use a link. */
interface GoOn {
  next?: { href: string; label: string };
  /** The form that takes the link again, if only a part of it was copied. */
  again?: Child;
}

/**
 * The page for an invalid link, with where to continue.
 *
 * @throws Any error that is not an HttpError.
 */
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
      <Notice kind="bad">
        <Say of={error.text} />
      </Notice>
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
