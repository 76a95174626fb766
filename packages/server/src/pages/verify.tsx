import { z } from 'zod';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { checkVerifyLink, type VerifyLink, verifyEmail } from '../flows/addresses/verify.ts';
import { Field, PasswordField, passwordHint } from './field.tsx';
import { Actions, Button, ButtonLink, Form, FormErrors } from './form.tsx';
import { Card, Notice, page, refusing, seeOther, type Viewer } from './layout.tsx';

const TITLE = 'Prove your address';

export const verifyQuery = z.object({ token: z.string().optional() });
const more = { username: z.string().optional(), password: z.string().optional() };
export const verifyForm = z.union([
  z.strictObject({ token: z.string(), ...more }),
  z.strictObject({ email: z.string(), code: z.string(), ...more }),
]);
type VerifyCall = Call<z.infer<typeof verifyForm>>;

/**
 * The form behind the link of a mail, or without one the form that takes its code. Opening it changes nothing, so a
 * scanner that opens every link does no harm.
 */
export async function verifyPage(
  world: World,
  call: Call<undefined, z.infer<typeof verifyQuery>>,
): Promise<Answer> {
  const { token } = call.query;
  if (token === undefined) return show(world, call, <VerifyByCode world={world} email="" errors={[]} />);
  try {
    const link = await checkVerifyLink(world, call, token);
    return show(world, call, <VerifyByLink {...{ world, link, token }} errors={[]} />);
  } catch (error) {
    return linkRefused(world, call, error);
  }
}

/** Proves the address from either form. Who signed up is signed in by it. */
export async function verifyAnswer(world: World, call: VerifyCall): Promise<Answer> {
  const { body } = call;
  try {
    // A mail program may copy a code with spaces.
    const given = 'code' in body ? { ...body, code: body.code.replace(/\s/g, '') } : body;
    const answer = await verifyEmail(world, { ...call, body: given });
    const { cookie, sideCookies } = answer;
    if (answer.status === 201) return seeOther('/dashboard?done=welcome', { cookie, sideCookies });
    return { ...show(world, call, <Proven />), sideCookies };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'link_invalid') return linkRefused(world, call, error);
    const form = await formAgain(world, call, errorsOf(error));
    return refusing(error, show(world, call, form, error.status));
  }
}

async function formAgain(world: World, call: VerifyCall, errors: FieldError[]) {
  const { body } = call;
  if (!('token' in body)) return <VerifyByCode {...{ world, errors }} {...body} />;
  const { token, username } = body;
  const link = await checkVerifyLink(world, call, token);
  return <VerifyByLink {...{ world, link, token, username, errors }} />;
}

const show = (world: World, viewer: Viewer, content: Parameters<typeof page>[3], status = 200): Answer =>
  page(world, viewer, { status, title: status < 400 ? TITLE : `Not yet: ${TITLE}`, shape: 'gate' }, content);

const fieldOf: Record<string, string> = { code_invalid: 'code', password_needed: 'password' };

/** What is refused as a whole is said at the field that it is about. */
const errorsOf = ({ code, message, fields }: Refusal): FieldError[] =>
  fields ?? [{ field: fieldOf[code] ?? '', code, message }];

function linkRefused(world: World, viewer: Viewer, error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error;
  const content = (
    <Card>
      <h1>{TITLE}</h1>
      <Notice kind="bad">{error.message}</Notice>
      <Actions>
        <ButtonLink href="/" weight="plain">
          Go to the start
        </ButtonLink>
      </Actions>
    </Card>
  );
  return refusing(error, show(world, viewer, content, error.status));
}

const questions: Record<VerifyLink['purpose'], { heading: string; button: string }> = {
  sign_up: { heading: 'Finish your sign-up', button: 'Finish the sign-up' },
  verify_email: { heading: 'Is this your address?', button: 'Yes, it is my address' },
  change_email: { heading: 'Is this your new address?', button: 'Yes, use this address' },
};

interface LinkProps extends MoreProps {
  link: VerifyLink;
  token: string;
}

function VerifyByLink({ link, token, ...more }: LinkProps) {
  const { heading, button } = questions[link.purpose];
  return (
    <Card>
      <h1>{heading}</h1>
      <FormErrors errors={more.errors} shown={['username', 'password']} />
      <Form action="/verify" hidden={{ token }}>
        <More {...more} needsPassword={link.needsPassword} />
        <Actions>
          <Button>{button}</Button>
        </Actions>
      </Form>
    </Card>
  );
}

interface CodeProps extends MoreProps {
  email: string;
  code?: string | undefined;
}

/** Address and code; also after a mail was sent. */
export function VerifyByCode({ email, code = '', ...more }: CodeProps) {
  const { errors, world } = more;
  return (
    <Card>
      <h1>Read your mail</h1>
      <p class="lead">Open the link of the mail that we sent, or type its code here.</p>
      {world.hasMailbox && (
        <Notice>
          This installation has no mail server: the mail is in <a href="/mailbox">the mailbox</a>.
        </Notice>
      )}
      <FormErrors errors={errors} shown={['email', 'code', 'username', 'password']} />
      <Form action="/verify">
        <Field
          name="email"
          label="E-mail address"
          type="email"
          value={email}
          autocomplete="email"
          errors={errors}
          autofocus={email === ''}
        />
        <Field
          name="code"
          label={`Code of ${world.config.codesDigits} digits`}
          value={code}
          autocomplete="one-time-code"
          inputmode="numeric"
          look="code-input"
          errors={errors}
          autofocus={email !== ''}
        />
        <More {...more} needsPassword={errors.some(({ field }) => field === 'password')} />
        <Actions>
          <Button>Go on</Button>
        </Actions>
      </Form>
    </Card>
  );
}

interface MoreProps {
  world: World;
  errors: FieldError[];
  /** Given when the one of the sign-up was taken meanwhile. */
  username?: string | undefined;
}

/** What is asked for only where it is needed: another name, or a password in another browser. */
function More({ world, errors, username, needsPassword }: MoreProps & { needsPassword: boolean }) {
  const asksName = username !== undefined || errors.some(({ field }) => field === 'username');
  return (
    <>
      {asksName && (
        <Field
          name="username"
          label="User name"
          value={username ?? ''}
          autocomplete="username"
          errors={errors}
        />
      )}
      {needsPassword && (
        <>
          <p>
            This is another browser than the one that signed up. Choose a password: it replaces the one that
            was given there.
          </p>
          <PasswordField
            name="password"
            label="New password"
            autocomplete="new-password"
            errors={errors}
            hint={passwordHint(world.config)}
            isNew
          />
        </>
      )}
    </>
  );
}

const Proven = () => (
  <Card>
    <h1>Your address is proven</h1>
    <Notice kind="good">From now on it can bring you back if you forget your password.</Notice>
    <Actions>
      <ButtonLink href="/dashboard">Go to your account</ButtonLink>
    </Actions>
  </Card>
);
