import type { World } from '../context.ts';
import type { Answer, SignedInCall } from '../edge/route.ts';
import type { FieldError, Refusal } from '../errors.ts';
import { getUser } from '../flows/accounts/change-account.ts';
import { console } from './admin/area.ts';
import { ROTATE } from './admin/keys.tsx';
import { actParams } from './admin/user.tsx';
import { actTitle } from './admin/user-acts.ts';
import { account } from './dashboard/area.ts';
import { PasswordField } from './field.tsx';
import { Actions, Button, ButtonLink, Form } from './form.tsx';
import { Card, Notice, page, refusing } from './layout.tsx';

const CONFIRM = 'Confirm it’s you';

/** Shown in place of an answer to a form that needs the password: the same form, with a field for it. Nothing was done yet. */
export async function confirmSignInPage(
  world: World,
  call: SignedInCall<unknown, unknown, unknown>,
  { path, refusal }: { path: string; refusal: Refusal },
): Promise<Answer> {
  const errors = errorsOf(refusal);
  const title = await titleOf(world, call, path);
  const answer = page(
    world,
    call,
    { status: refusal.status, title, ...placeOf(path) },
    <>
      <h1>{title}</h1>
      {errors.length === 0 && refusal.code !== 'fresh_sign_in_required' && (
        <Notice kind="bad">{refusal.message}</Notice>
      )}
      <Card>
        <p class="lead">{CONFIRM}: enter your password to continue. Nothing has changed yet.</p>
        <Form action={path} hidden={fieldsOf(call.body)}>
          <PasswordField
            name="password"
            label="Your password"
            autocomplete="current-password"
            errors={errors}
            hint="We won’t ask again for 5 minutes."
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

/** What was asked for, in the words of its own page. */
async function titleOf(
  { db }: Pick<World, 'db'>,
  { params, body }: SignedInCall<unknown, unknown, unknown>,
  path: string,
): Promise<string> {
  const act = actParams.safeParse(params).data;
  if (act && path.startsWith('/admin/users/')) return actTitle(act.act, await getUser(db, act.id));
  if (path === '/admin/keys/rotate') return ROTATE;
  const asked = fieldsOf(body);
  if (path === '/admin/mails') return asked['act'] === 'retry' ? 'Resend email' : 'Retry email now';
  if (path === '/dashboard/sessions') {
    if (asked['others']) return 'Sign out all other devices';
    return asked['device'] ? 'Remove known device' : 'Sign out device';
  }
  return CONFIRM;
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
  if (code === 'invalid_credentials') return [{ field: 'password', code, message: 'Incorrect password.' }];
  return [];
}
