import { z } from 'zod';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { type FieldError, Refusal } from '../../errors.ts';
import { changePassword, type changePasswordBody } from '../../flows/account/password.ts';
import { PasswordField, passwordHint } from '../field.tsx';
import { Actions, Button, ButtonLink, Form } from '../form.tsx';
import { Card, Notice, page, refusing, seeOther } from '../layout.tsx';
import { Proven } from './address.tsx';
import { account } from './area.ts';

const PATH = '/dashboard/security';

export const securityQuery = z.object({ done: z.literal('password').optional().catch(undefined) });

export const securityPage = (
  world: World,
  call: SignedInCall<undefined, z.infer<typeof securityQuery>>,
): Answer => show(world, call, { isChanged: call.query.done === 'password' });

/** Changes the password; this browser goes on with a new session, all others have ended. */
export async function securityAnswer(
  world: World,
  call: SignedInCall<z.infer<typeof changePasswordBody>>,
): Promise<Answer> {
  try {
    const { cookie, sideCookies } = await changePassword(world, call);
    return seeOther(`${PATH}?done=password`, { cookie, sideCookies });
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'invalid_token') throw error;
    return refusing(error, show(world, call, { refusal: error }));
  }
}

interface Shown {
  isChanged?: boolean;
  refusal?: Refusal;
}

function show(world: World, call: SignedInCall<unknown, unknown>, { isChanged, refusal }: Shown): Answer {
  const { user } = call.live;
  const errors = refusal ? errorsOf(refusal) : [];
  const title = refusal ? 'Not changed: Security' : 'Security';
  return page(
    world,
    call,
    { status: refusal?.status ?? 200, title, area: account, at: PATH },
    <>
      <h1>Security</h1>
      <p class="lead">What keeps others out of your account.</p>
      {isChanged && (
        <Notice kind="good">
          Your password is changed. Every other session of yours has ended, and this is your only known
          browser.
        </Notice>
      )}
      {refusal && errors.length === 0 && <Notice kind="bad">{refusal.message}</Notice>}
      <Card title="Password">
        <p class="lead">A change signs out everybody else who is signed in to your account.</p>
        <Form action={PATH}>
          <PasswordField
            name="current_password"
            label="Current password"
            autocomplete="current-password"
            errors={errors}
          />
          <PasswordField
            name="new_password"
            label="New password"
            autocomplete="new-password"
            errors={errors}
            hint={passwordHint(world.config)}
            isNew
          />
          <Actions>
            <Button>Change the password</Button>
          </Actions>
        </Form>
      </Card>
      <Card title="E-mail address">
        <p>
          {user.email} <Proven isProven={user.email_verified_at !== null} />
        </p>
        <p class="note">If you forget your password, the way back in goes to this address.</p>
        <Actions>
          <ButtonLink href="/dashboard/address" weight="plain">
            {user.email_verified_at === null ? 'Prove or change it' : 'Change it'}
          </ButtonLink>
        </Actions>
      </Card>
    </>,
  );
}

/** A wrong current password is said at its field. */
function errorsOf({ code, fields }: Refusal): FieldError[] {
  if (code === 'invalid_credentials')
    return [{ field: 'current_password', code, message: 'This is not your password.' }];
  return fields ?? [];
}
