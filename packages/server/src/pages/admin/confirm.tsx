import type { Child } from 'hono/jsx';
import type { World } from '../../context.ts';
import { isFresh } from '../../edge/fresh-sign-in.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import type { FieldError, Refusal } from '../../errors.ts';
import { PasswordField } from '../field.tsx';
import { Actions, Button, ButtonLink, Form } from '../form.tsx';
import { Card, Notice, page, refusing } from '../layout.tsx';
import { console } from './area.ts';

interface Asked {
  title: string;
  /** What the action does. */
  means: readonly string[];
  /** Where the form is sent, and where "Cancel" leads. */
  action: string;
  back: string;
  at: string;
  label: string;
  isDangerous: boolean;
  /** More fields, with their errors. */
  more?: (errors: FieldError[]) => Child;
}

/** Explains an action before it is performed, and asks for the password unless it was entered in the last five minutes. */
export function confirmPage(
  world: World,
  call: SignedInCall<unknown, unknown, unknown>,
  asked: Asked,
  refusal?: Refusal,
): Answer {
  const errors = refusal?.fields ?? [];
  const answer = page(
    world,
    call,
    {
      status: refusal?.status ?? 200,
      title: refusal ? `Error: ${asked.title}` : asked.title,
      area: console,
      at: asked.at,
    },
    <>
      <h1>{asked.title}</h1>
      {refusal && errors.length === 0 && <Notice kind="bad">{refusal.message}</Notice>}
      <Notice kind="warn">
        {asked.means.length === 1 ? (
          <p>{asked.means[0]}</p>
        ) : (
          <ul>
            {asked.means.map((one) => (
              <li>{one}</li>
            ))}
          </ul>
        )}
      </Notice>
      <Card>
        <Form action={asked.action}>
          {asked.more?.(errors)}
          {!isFresh(world, call.live) && (
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
            <Button weight={asked.isDangerous ? 'danger' : 'primary'}>{asked.label}</Button>
            <ButtonLink href={asked.back} weight="plain">
              Cancel
            </ButtonLink>
          </Actions>
        </Form>
      </Card>
    </>,
  );
  return refusal ? refusing(refusal, answer) : answer;
}
