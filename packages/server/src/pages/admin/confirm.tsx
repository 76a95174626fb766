import type { Child } from 'hono/jsx';
import type { AppContext } from '../../context.ts';
import type { FieldError, HttpError } from '../../errors.ts';
import { isRecentlyAuthenticated } from '../../http/reauthentication.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { PasswordField, passwordErrors } from '../field.tsx';
import { Actions, Button, Cancel, Form } from '../form.tsx';
import { Card, Notice, page, statusAndTitle, withErrorHeaders } from '../layout.tsx';
import { Say, translatorOf } from '../translator.tsx';
import { adminArea } from './area.ts';

interface ConfirmProps {
  title: string;
  /** What the action does. */
  means: readonly string[];
  /** Where the form is sent, and where "Cancel" leads. */
  action: string;
  back: string;
  at: string;
  /** The pages between the one of the navigation and this one. */
  trail: readonly { href: string; label: string }[];
  label: string;
  isDangerous: boolean;
  /** More fields, with their errors. */
  more?: (errors: FieldError[]) => Child;
}

/**
 * Explains an action before it is performed, and asks for the password unless it was entered in the last five minutes.
 * After a wrong password, it is the same page with the error.
 */
export function confirmPage(
  context: AppContext,
  call: SignedInCall<unknown, unknown, unknown>,
  props: ConfirmProps,
  error?: HttpError,
): RouteResponse {
  const t = translatorOf(context, call);
  const errors = passwordErrors(error);
  const hasNotice = error && errors.length === 0 && error.code !== 'reauthentication_required';
  const response = page(
    context,
    call,
    { ...statusAndTitle(props.title, error, t), area: adminArea, at: props.at, trail: props.trail },
    <>
      <h1>{props.title}</h1>
      {hasNotice && (
        <Notice kind="bad">
          <Say of={error.text} />
        </Notice>
      )}
      <Notice kind="warn">
        {props.means.length === 1 ? (
          <p>{props.means[0]}</p>
        ) : (
          <ul>
            {props.means.map((one) => (
              <li>{one}</li>
            ))}
          </ul>
        )}
      </Notice>
      <Card>
        <Form action={props.action}>
          {props.more?.(errors)}
          {!isRecentlyAuthenticated(context, call.activeSession) && (
            <PasswordField
              name="password"
              label={t('fields.your_password')}
              autocomplete="current-password"
              errors={errors}
              hint={t('admin.confirm_hint')}
              autofocus
            />
          )}
          <Actions>
            <Button weight={props.isDangerous ? 'final' : 'primary'}>{props.label}</Button>
            <Cancel href={props.back} />
          </Actions>
        </Form>
      </Card>
    </>,
  );
  return error ? withErrorHeaders(error, response) : response;
}
