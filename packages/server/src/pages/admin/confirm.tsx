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
  /** What it means if it is done. */
  means: readonly string[];
  /** Where the answer goes, and where one gets who does not mean it. */
  action: string;
  back: string;
  at: string;
  label: string;
  isDangerous: boolean;
  /** What else is asked, with what is wrong with it. */
  more?: (errors: FieldError[]) => Child;
}

/** Says what is about to happen before it does, and asks for the password unless it was given just now. */
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
      title: refusal ? `Not done: ${asked.title}` : asked.title,
      area: console,
      at: asked.at,
    },
    <>
      <h1>{asked.title}</h1>
      {refusal && errors.length === 0 && <Notice kind="bad">{refusal.message}</Notice>}
      <Notice kind="warn">
        <p>What this means:</p>
        <ul>
          {asked.means.map((one) => (
            <li>{one}</li>
          ))}
        </ul>
      </Notice>
      <Card>
        <Form action={asked.action}>
          {asked.more?.(errors)}
          {!isFresh(world, call.live) && (
            <PasswordField
              name="password"
              label="Your own password"
              autocomplete="current-password"
              errors={errors}
              hint="To show that it is you. It is not asked for again in the next five minutes."
              autofocus
            />
          )}
          <Actions>
            <Button weight={asked.isDangerous ? 'danger' : 'primary'}>{asked.label}</Button>
            <ButtonLink href={asked.back} weight="plain">
              Leave it as it is
            </ButtonLink>
          </Actions>
        </Form>
      </Card>
    </>,
  );
  return refusal ? refusing(refusal, answer) : answer;
}
