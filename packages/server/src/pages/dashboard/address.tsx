import { z } from 'zod';
import type { World } from '../../context.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { type FieldError, Refusal } from '../../errors.ts';
import {
  CHANGE_MAILED,
  changeEmail,
  changeEmailBody,
  mailProof,
  PROOF_MAILED,
} from '../../flows/addresses/change.ts';
import { Field, PasswordField } from '../field.tsx';
import { Actions, Button, Form } from '../form.tsx';
import { Badge, Card, Notice, page, refusing, seeOther } from '../layout.tsx';
import { MailboxHint } from '../mail-answer.tsx';
import { VerifyByCode } from '../verify.tsx';
import { account } from './area.ts';

const PATH = '/dashboard/address';
const NEW_EMAIL = 'New email';

const done = {
  mailed: PROOF_MAILED,
  asked: CHANGE_MAILED,
  proven: 'Email verified.',
};

export const addressQuery = z.object({
  done: z
    .enum(Object.keys(done) as (keyof typeof done)[])
    .optional()
    .catch(undefined),
});
/** Either another mail for the address that there is, or another address. */
export const addressForm = z.union([z.strictObject({ prove: z.literal('again') }), changeEmailBody]);

export const addressPage = (
  world: World,
  call: SignedInCall<undefined, z.infer<typeof addressQuery>>,
): Answer => show(world, call, { act: call.query.done });

export async function addressAnswer(
  world: World,
  call: SignedInCall<z.infer<typeof addressForm>>,
): Promise<Answer> {
  const { body } = call;
  try {
    if ('prove' in body) {
      await mailProof(world, { ...call, body: undefined });
      return seeOther(`${PATH}?done=mailed`);
    }
    const { sideCookies } = await changeEmail(world, { ...call, body });
    return seeOther(`${PATH}?done=asked`, { sideCookies });
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'invalid_token') throw error;
    return refusing(error, show(world, call, { email: 'email' in body ? body.email : '', refusal: error }));
  }
}

interface Shown {
  act?: keyof typeof done | undefined;
  email?: string;
  refusal?: Refusal;
}

function show(
  world: World,
  call: SignedInCall<unknown, unknown>,
  { act, email = '', refusal }: Shown,
): Answer {
  const { user } = call.live;
  const errors = refusal ? errorsOf(refusal) : [];
  const isProven = user.email_verified_at !== null;
  const title = 'Email';
  return page(
    world,
    call,
    {
      status: refusal?.status ?? 200,
      title: refusal ? `Error: ${title}` : title,
      area: account,
      at: '/dashboard/security',
    },
    <>
      <h1>{title}</h1>
      <p class="lead">
        {user.email} <Proven isProven={isProven} />
      </p>
      {act && (
        <Notice kind="good">
          <p>{done[act]}</p>
          {act !== 'proven' && <MailboxHint world={world} />}
        </Notice>
      )}
      {refusal && errors.length === 0 && <Notice kind="bad">{refusal.message}</Notice>}
      {act === 'asked' && (
        <Card title="Enter your verification code">
          <VerifyByCode world={world} given={{ email: '', code: '' }} errors={[]} emailLabel={NEW_EMAIL} />
        </Card>
      )}
      {act !== 'asked' && !isProven && <Prove world={world} email={user.email} />}
      {act !== 'asked' && (
        <Card title="Change email">
          <p class="lead">We’ll email the new address to confirm it, and notify your current address.</p>
          <Form action={PATH}>
            <Field
              name="email"
              label={NEW_EMAIL}
              type="email"
              value={email}
              autocomplete="email"
              errors={errors}
            />
            <PasswordField
              name="password"
              label="Current password"
              autocomplete="current-password"
              errors={errors}
            />
            <Actions>
              <Button>Send confirmation</Button>
            </Actions>
          </Form>
        </Card>
      )}
    </>,
  );
}

function Prove({ world, email }: { world: World; email: string }) {
  return (
    <Card title="Verify your email">
      <p class="lead">
        Enter the code from our verification email, or open the link in it. If you don’t have it, send a new
        one.
      </p>
      <VerifyByCode world={world} given={{ email, code: '' }} errors={[]} isPart />
      <Form action={PATH} shape="inline" hidden={{ prove: 'again' }}>
        <p class="actions">
          <Button weight="plain">Send verification email</Button>
        </p>
      </Form>
    </Card>
  );
}

/** Whether it is known that mails to the address are read by the owner of the account. */
export function Proven({ isProven }: { isProven: boolean }) {
  return isProven ? <Badge kind="good">Verified</Badge> : <Badge kind="warn">Not verified</Badge>;
}

function errorsOf({ code, fields }: Refusal): FieldError[] {
  if (code === 'invalid_credentials') return [{ field: 'password', code, message: 'Incorrect password.' }];
  return fields ?? [];
}
