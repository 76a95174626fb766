import type { Child } from 'hono/jsx';
import type { Config } from '../config.ts';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import type { RouteResponse } from '../http/route.ts';
import { type Text, text } from '../languages/text.ts';
import { EmailField, Field } from './field.tsx';
import { Actions, ButtonLink } from './form.tsx';
import { Card, Notice, page, type Viewer, withErrorHeaders } from './layout.tsx';
import { Say, translatorOf, useTranslator } from './translator.tsx';

/** The input of a form, without the spaces in its code that a mail program may copy along. */
export const withoutSpaces = <Body extends object>(body: Body | (Body & { code: string })): Body =>
  'code' in body ? { ...body, code: body.code.replace(/\s/g, '') } : body;

interface CodeFieldsProps {
  config: Pick<Config, 'codesDigits'>;
  email: string;
  code?: string | undefined;
  errors: FieldError[];
  autofocus?: boolean;
  /** Whether the email is known, so that the form has no field for it. */
  isFixed?: boolean | undefined;
}

/** The fields of a form that takes a code: the email that it was sent to, and the code. */
export function CodeFields({ config, email, code, errors, autofocus = false, isFixed }: CodeFieldsProps) {
  const t = useTranslator();
  return (
    <>
      {isFixed ? (
        <input type="hidden" name="email" value={email} />
      ) : (
        <EmailField
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
        // A mail program may copy spaces along: the script removes them, or the server.
        maxlength={2 * config.codesDigits}
        digits={config.codesDigits}
        look="code-input"
        errors={errors}
        autofocus={autofocus && email !== ''}
      />
    </>
  );
}

/** The errors of a rejected code or link by field; a wrong code is reported at the code field. */
export const verificationErrors = ({ code, text, fields }: HttpError): FieldError[] =>
  fields ?? [{ field: code === 'invalid_code' ? 'code' : '', code, message: text }];

/** Tells where the email is, if no mail server is set up. */
export function MailboxHint({ context }: { context: Pick<AppContext, 'hasMailbox'> }) {
  const t = useTranslator();
  if (!context.hasMailbox) return null;
  return <p>{t.rich('link.mailbox', { link: (children) => <a href="/mailbox">{children}</a> })}</p>;
}

interface CheckYourEmailProps {
  context: Pick<AppContext, 'hasMailbox'>;
  /** Tells the user about the email. */
  message: Text;
  /** The form that takes its code. */
  children: Child;
}

/** What a page shows after an email was sent. */
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

/** The page of a form that takes a code or link from an email, or of what is still wrong with its input. */
export const verificationPage = (
  context: AppContext,
  viewer: Viewer,
  title: string,
  form: Child,
  status = 200,
): RouteResponse =>
  page(
    context,
    viewer,
    {
      status,
      title: status < 400 ? title : translatorOf(context, viewer)('layout.error', { title }),
      shape: 'centered',
    },
    form,
  );

export const HOME = { href: '/', label: text('error_page.home') };
export const SIGN_IN = { href: '/sign-in', label: text('action.sign_in') };

/** What the page for an invalid link offers. */
interface NextStep {
  next: { href: string; label: Text };
  /** The form that takes the link again, if only a part of it was copied. */
  again?: Child;
}

/**
 * The page for an invalid link, with where to continue.
 *
 * @throws Any error that is not an HttpError.
 */
export function invalidLinkPage(
  context: AppContext,
  viewer: Viewer,
  title: string,
  error: unknown,
  { next, again }: NextStep,
): RouteResponse {
  if (!(error instanceof HttpError)) throw error;
  const content = (
    <Card>
      <h1>{title}</h1>
      <Notice kind="bad">
        <Say of={error.text} />
      </Notice>
      {again}
      <Actions>
        <ButtonLink href={next.href} weight={again === undefined ? 'primary' : 'plain'}>
          <Say of={next.label} />
        </ButtonLink>
      </Actions>
    </Card>
  );
  return withErrorHeaders(
    error,
    page(context, viewer, { status: error.status, title, shape: 'centered' }, content),
  );
}
