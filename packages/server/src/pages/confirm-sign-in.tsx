import type { Answer, SignedInCall } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import type { FieldError, Refusal } from '../errors.ts';
import { console } from './admin/area.ts';
import { account } from './dashboard/area.ts';
import { PasswordField } from './field.tsx';
import { Actions, Button, ButtonLink, Form } from './form.tsx';
import { Card, Notice, page, refusing } from './layout.tsx';

const TITLE = 'Confirm that it is you';

/** Shown in place of an answer to a form that needs the password: the same form, with a field for it. Nothing was done yet. */
export function confirmSignInPage(
  world: World,
  call: SignedInCall<unknown, unknown, unknown>,
  { path, refusal }: { path: string; refusal: Refusal },
): Answer {
  const errors = errorsOf(refusal);
  const answer = page(
    world,
    call,
    { status: refusal.status, title: TITLE, ...placeOf(path) },
    <>
      <h1>{TITLE}</h1>
      {errors.length === 0 && <Notice kind="bad">{refusal.message}</Notice>}
      <Card>
        <p class="lead">What you asked for has not been done yet. Enter your password to go on.</p>
        <Form action={path} hidden={fieldsOf(call.body)}>
          <PasswordField
            name="password"
            label="Your own password"
            autocomplete="current-password"
            errors={errors}
            hint="You will not be asked again for five minutes."
            autofocus
          />
          <Actions>
            <Button>Continue</Button>
            <ButtonLink href={path} weight="plain">
              Cancel
            </ButtonLink>
          </Actions>
        </Form>
      </Card>
    </>,
  );
  return refusing(refusal, answer);
}

/** Where the form belongs in the menu. */
function placeOf(path: string) {
  const area = path.startsWith('/admin') ? console : account;
  const at = area.items.findLast(({ href }) => path.startsWith(href))?.href ?? path;
  return { area, at };
}

/** What was sent, to be sent again. */
const fieldsOf = (body: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries(body ?? {}).filter((field): field is [string, string] => typeof field[1] === 'string'),
  );

function errorsOf({ code }: Refusal): FieldError[] {
  if (code === 'fresh_sign_in_required')
    return [{ field: 'password', code, message: 'Enter your password.' }];
  if (code === 'invalid_credentials')
    return [{ field: 'password', code, message: 'This is not your password.' }];
  return [];
}
