import type { Child } from 'hono/jsx';
import { z } from 'zod';
import type { World } from '../../context.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { type FieldError, Refusal } from '../../errors.ts';
import { changePassword, changePasswordBody } from '../../flows/account/password.ts';
import { PasswordField, passwordHint } from '../field.tsx';
import { Actions, Button, ButtonLink, Form } from '../form.tsx';
import { Card, Notice, page, refusing, seeOther } from '../layout.tsx';
import { mayLeadOut, readReturnTo } from '../return-to.ts';
import { Proven } from './address.tsx';
import { account } from './area.ts';

const PATH = '/dashboard/security';
const REQUIRED = 'Choose a new password';

export const securityQuery = z.object({
  done: z.literal('password').optional().catch(undefined),
  return_to: z.string().optional(),
});
export const securityForm = changePasswordBody.extend({ return_to: z.string().optional() });

export const securityPage = (
  world: World,
  call: SignedInCall<undefined, z.infer<typeof securityQuery>>,
): Answer =>
  show(world, call, {
    isChanged: call.query.done === 'password',
    returnTo: readReturnTo(world, call.query.return_to),
  });

/** Changes the password; this browser goes on with a new session, all others have ended. */
export async function securityAnswer(
  world: World,
  call: SignedInCall<z.infer<typeof securityForm>>,
): Promise<Answer> {
  const { return_to, ...body } = call.body;
  const returnTo = readReturnTo(world, return_to);
  try {
    const { cookie, sideCookies } = await changePassword(world, { ...call, body });
    return seeOther(returnTo ?? `${PATH}?done=password`, { cookie, sideCookies });
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'invalid_token') throw error;
    return refusing(error, show(world, call, { refusal: error, returnTo }));
  }
}

interface Shown {
  isChanged?: boolean;
  refusal?: Refusal | undefined;
  returnTo: string | undefined;
}

function show(world: World, call: SignedInCall<unknown, unknown>, shown: Shown): Answer {
  const { refusal, returnTo } = shown;
  const { user } = call.live;
  const status = refusal?.status ?? 200;
  const form = <PasswordForm world={world} refusal={refusal} returnTo={returnTo} />;
  if (user.password_change_required_at !== null) {
    const title = refusal ? `Error: ${REQUIRED}` : REQUIRED;
    const view = { status, title, shape: 'gate' } as const;
    return mayLeadOut(world, page(world, call, view, <ChangeRequired form={form} />));
  }
  const title = refusal ? 'Error: Security' : 'Security';
  const view = { status, title, area: account, at: PATH };
  return page(world, call, view, <Security user={user} isChanged={shown.isChanged} form={form} />);
}

/** Until there is a new password, no other page opens. */
const ChangeRequired = ({ form }: { form: Child }) => (
  <Card>
    <h1>{REQUIRED}</h1>
    <p class="lead">
      Your current password was generated or set by someone else. Replace it with one that only you know.
    </p>
    {form}
  </Card>
);

interface SecurityProps {
  user: SignedInCall['live']['user'];
  isChanged: boolean | undefined;
  form: Child;
}

const Security = ({ user, isChanged, form }: SecurityProps) => (
  <>
    <h1>Security</h1>
    <p class="lead">Manage your password and sign-in email.</p>
    {isChanged && <Notice kind="good">Password changed. You’ve been signed out on all other devices.</Notice>}
    <Card title="Password">
      <p class="lead">Changing your password signs you out on all other devices.</p>
      {form}
    </Card>
    <Card title="Email">
      <p>
        {user.email} <Proven isProven={user.email_verified_at !== null} />
      </p>
      <p class="note">We send password resets and security alerts here.</p>
      <Actions>
        <ButtonLink href="/dashboard/address" weight="plain">
          {user.email_verified_at === null ? 'Verify or change email' : 'Change email'}
        </ButtonLink>
      </Actions>
    </Card>
  </>
);

function PasswordForm({ world, refusal, returnTo }: Omit<Shown, 'isChanged'> & { world: World }) {
  const errors = refusal ? errorsOf(refusal) : [];
  return (
    <>
      {refusal && errors.length === 0 && <Notice kind="bad">{refusal.message}</Notice>}
      <Form action={PATH} hidden={returnTo === undefined ? {} : { return_to: returnTo }}>
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
          <Button>Change password</Button>
        </Actions>
      </Form>
    </>
  );
}

/** A wrong current password is said at its field. */
function errorsOf({ code, fields }: Refusal): FieldError[] {
  if (code === 'invalid_credentials')
    return [{ field: 'current_password', code, message: 'Incorrect password.' }];
  return fields ?? [];
}
