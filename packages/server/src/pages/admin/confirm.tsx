import type { Child } from 'hono/jsx';
import type { AppContext } from '../../context.ts';
import type { FieldError, HttpError } from '../../errors.ts';
import { isRecentlyAuthenticated } from '../../http/reauthentication.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { PasswordField } from '../field.tsx';
import { Actions, Button, Cancel, Form } from '../form.tsx';
import { Card, Notice, page, statusAndTitle, withErrorHeaders } from '../layout.tsx';
import { Say } from '../translator.tsx';
import { adminArea } from './area.ts';

interface ConfirmProps {
  title: string;
  /** What the action does. */
  effects: readonly string[];
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
 */
export function confirmPage(
  context: AppContext,
  call: SignedInCall<unknown, unknown, unknown>,
  props: ConfirmProps,
  error?: HttpError,
): RouteResponse {
  const errors = error?.fields ?? [];
  const response = page(
    context,
    call,
    { ...statusAndTitle(props.title, error), area: adminArea, at: props.at, trail: props.trail },
    <>
      <h1>{props.title}</h1>
      {error && errors.length === 0 && (
        <Notice kind="bad">
          <Say of={error.text} />
        </Notice>
      )}
      <Notice kind="warn">
        {props.effects.length === 1 ? (
          <p>{props.effects[0]}</p>
        ) : (
          <ul>
            {props.effects.map((one) => (
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
              label="Your password"
              autocomplete="current-password"
              errors={errors}
              hint="Confirm it’s you. We won’t ask again for 5 minutes."
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
