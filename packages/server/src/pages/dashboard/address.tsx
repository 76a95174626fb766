import { z } from 'zod';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { type FieldError, Refusal } from '../../errors.ts';
import { changeEmail, mailProof } from '../../flows/addresses/change.ts';
import { Field, PasswordField } from '../field.tsx';
import { Actions, Button, Form, FormErrors } from '../form.tsx';
import { Badge, Card, Notice, page, refusing } from '../layout.tsx';
import { VerifyByCode } from '../verify.tsx';
import { account } from './area.ts';

type User = SignedInCall['live']['user'];

/** An address, and whether it is known that mails to it are read by the owner of the account. */
export function Address({ user }: { user: User }) {
  return (
    <>
      {user.email}{' '}
      {user.email_verified_at === null ? <Badge>not proven yet</Badge> : <Badge kind="good">proven</Badge>}
    </>
  );
}

export const changeAddressForm = z.strictObject({ email: z.string(), password: z.string() });

/** Asks for the mail to the new address, and goes on with the form that takes its code. */
export async function changeAddressAnswer(
  world: World,
  call: SignedInCall<z.infer<typeof changeAddressForm>>,
): Promise<Answer> {
  const { email } = call.body;
  try {
    const { sideCookies } = await changeEmail(world, call);
    return { ...readYourMail(world, call, email), sideCookies };
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'invalid_token') throw error;
    const view = {
      status: error.status,
      title: 'Not changed: Address',
      area: account,
      at: SECURITY,
    } as const;
    return refusing(
      error,
      page(world, call, view, <AddressCard user={call.live.user} email={email} refusal={error} />),
    );
  }
}

/** Asks for another mail to an address that is not proven yet. */
export async function proveAddressAnswer(world: World, call: SignedInCall): Promise<Answer> {
  await mailProof(world, call);
  return readYourMail(world, call, call.live.user.email);
}

const SECURITY = '/dashboard/security';

const readYourMail = (world: World, call: SignedInCall<unknown>, email: string): Answer =>
  page(
    world,
    call,
    { status: 202, title: 'Read your mail', shape: 'gate' },
    <VerifyByCode world={world} email={email} errors={[]} />,
  );

interface AddressCardProps {
  user: User;
  /** What was asked for and refused. */
  email?: string;
  refusal?: Refusal;
}

/** The address of the account, and what can be done with it. */
export function AddressCard({ user, email = '', refusal }: AddressCardProps) {
  const errors = refusal ? errorsOf(refusal) : [];
  return (
    <Card title="E-mail address">
      <p>
        <Address user={user} />
      </p>
      <p class="note">If you forget your password, the way back in goes to this address.</p>
      {user.email_verified_at === null && (
        <Form action="/dashboard/address/prove">
          <Actions>
            <Button weight="plain">Send a mail to prove it</Button>
          </Actions>
        </Form>
      )}
      {refusal && errors.length === 0 && <Notice kind="bad">{refusal.message}</Notice>}
      <FormErrors errors={errors} shown={['email', 'password']} />
      <Form action="/dashboard/address">
        <Field
          name="email"
          label="New address"
          type="email"
          value={email}
          autocomplete="email"
          errors={errors}
          hint="It counts once you have answered a mail. Mails to the old one say how to take the change back."
        />
        <PasswordField
          name="password"
          label="Your password"
          autocomplete="current-password"
          errors={errors}
        />
        <Actions>
          <Button weight="plain">Change the address</Button>
        </Actions>
      </Form>
    </Card>
  );
}

/** A wrong password is said at its field. */
function errorsOf({ code, fields }: Refusal): FieldError[] {
  if (code === 'invalid_credentials')
    return [{ field: 'password', code, message: 'This is not your password.' }];
  return fields ?? [];
}
