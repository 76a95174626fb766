import { z } from 'zod';
import type { World } from '../context.ts';
import type { Answer, Call } from '../edge/route.ts';
import { type FieldError, Refusal } from '../errors.ts';
import {
  firstAdminBody,
  makeFirstAdmin,
  openSetUpLink,
  refuseSetUpDone,
} from '../flows/setup/first-admin.ts';
import { Field, PasswordField, passwordHint } from './field.tsx';
import { Actions, Button, ButtonLink, Form } from './form.tsx';
import { Card, page, type Viewer } from './layout.tsx';
import { LinkForm, linkBody, tokenOf } from './link-form.tsx';
import { linkRefused } from './mail-answer.tsx';

const titleOf = ({ config }: World): string => `Set up ${config.serviceName}`;
const DONE = 'Setup complete';

/** Nothing: a secret in an address would be in the log of every proxy. */
export const setUpQuery = z.strictObject({});
export const setUpForm = z.union([linkBody, firstAdminBody]);

/** Asks for the link that a start prints. */
export async function setUpPage(
  world: World,
  call: Call<undefined, z.infer<typeof setUpQuery>>,
): Promise<Answer> {
  try {
    await refuseSetUpDone(world);
  } catch (error) {
    return refused(world, call, error);
  }
  const form = (
    <Card>
      <h1>{titleOf(world)}</h1>
      <p class="lead">Use the setup link that the server printed when it started.</p>
      <PasteLink />
    </Card>
  );
  return page(world, call, { title: titleOf(world), shape: 'gate' }, form);
}

/** The form behind that link. */
async function openLink(world: World, call: Call<unknown>, token: string): Promise<Answer> {
  try {
    await openSetUpLink(world, token, call);
  } catch (error) {
    return refused(world, call, error);
  }
  const form = <SetUpForm world={world} token={token} username="" email="" errors={[]} />;
  return page(world, call, { title: titleOf(world), shape: 'gate' }, form);
}

/** Opens the link, or makes the first administrator from its form; a refused form keeps what was typed, but for the password. */
export async function setUpAnswer(world: World, call: Call<z.infer<typeof setUpForm>>): Promise<Answer> {
  const { body } = call;
  if ('link' in body) return openLink(world, call, tokenOf(body.link));
  try {
    const cookies = await makeFirstAdmin(world, { ...call, body });
    const view = { status: 201, title: DONE, shape: 'gate' } as const;
    return { ...page(world, call, view, <Done world={world} username={body.username.trim()} />), ...cookies };
  } catch (error) {
    if (!(error instanceof Refusal && error.fields)) return refused(world, call, error);
    const { token, username, email } = body;
    const form = (
      <SetUpForm world={world} token={token} username={username} email={email} errors={error.fields} />
    );
    return page(world, call, { status: error.status, title: titleOf(world), shape: 'gate' }, form);
  }
}

const PasteLink = () => <LinkForm action="/setup" label="Paste the link" autofocus />;

/** After the set-up there is an administrator, who signs in; before it the link can be pasted again. */
function refused(world: World, viewer: Viewer, error: unknown): Answer {
  const isDone = error instanceof Refusal && error.code === 'setup_done';
  const on = isDone ? { next: { href: '/sign-in', label: 'Sign in' } } : { again: <PasteLink /> };
  return linkRefused(world, viewer, titleOf(world), error, on);
}

interface SetUpFormProps {
  world: World;
  token: string;
  username: string;
  email: string;
  errors: FieldError[];
}

function SetUpForm({ world, token, username, email, errors }: SetUpFormProps) {
  return (
    <Card>
      <h1>{titleOf(world)}</h1>
      <p class="lead">Create the first administrator account. This link works once.</p>
      <Form action="/setup" hidden={{ token }}>
        <Field
          name="username"
          label="Username"
          value={username}
          autocomplete="username"
          errors={errors}
          autofocus
        />
        <Field name="email" label="Email" type="email" value={email} autocomplete="email" errors={errors} />
        <PasswordField
          name="password"
          label="Password"
          autocomplete="new-password"
          errors={errors}
          hint={passwordHint(world.config)}
          isNew
        />
        <Actions>
          <Button>Create administrator</Button>
        </Actions>
      </Form>
    </Card>
  );
}

function Done({ world, username }: { world: World; username: string }) {
  const application = world.application();
  return (
    <Card>
      <h1>{DONE}</h1>
      <p>You’re signed in as {username}, the first administrator. Next:</p>
      <ul>
        {application && (
          <li>
            Open the application: <a href={application.path}>{application.name}</a>
          </li>
        )}
        <li>
          Send users to <a href="/sign-in">/sign-in</a>
        </li>
        <li>
          Read the <a href="/docs">API reference</a>
        </li>
      </ul>
      <Actions>
        <ButtonLink href="/admin">Open admin console</ButtonLink>
        <ButtonLink href="/dashboard" weight="plain">
          Your account
        </ButtonLink>
      </Actions>
    </Card>
  );
}
