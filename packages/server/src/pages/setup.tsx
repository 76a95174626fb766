import { z } from 'zod';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { type firstAdminBody, makeFirstAdmin, openSetUpLink } from '../flows/setup/first-admin.ts';
import { Field } from './field.tsx';
import { Actions, Button, Form } from './form.tsx';
import { Card, page } from './layout.tsx';
import { linkRefused } from './mail-answer.tsx';

const TITLE = 'Set up Usher';

export const setUpQuery = z.strictObject({ token: z.string() });

/** The form behind the link that the first start prints. */
export async function setUpPage(
  world: World,
  call: Call<undefined, z.infer<typeof setUpQuery>>,
): Promise<Answer> {
  try {
    await openSetUpLink(world, call.query.token, call);
  } catch (error) {
    return linkRefused(world, call, TITLE, error);
  }
  const form = <SetUpForm token={call.query.token} username="" email="" errors={[]} />;
  return page(world, call, { title: TITLE, shape: 'gate' }, form);
}

/** Makes the first administrator from that form; a refused form keeps what was typed, but for the password. */
export async function setUpAnswer(world: World, call: Call<z.infer<typeof firstAdminBody>>): Promise<Answer> {
  try {
    const cookie = await makeFirstAdmin(world, call);
    const view = { status: 201, title: 'Usher is set up', shape: 'gate' } as const;
    return { ...page(world, call, view, <Done username={call.body.username.trim()} />), cookie };
  } catch (error) {
    if (!(error instanceof Refusal && error.fields)) return linkRefused(world, call, TITLE, error);
    const { token, username, email } = call.body;
    const form = <SetUpForm token={token} username={username} email={email} errors={error.fields} />;
    return page(world, call, { status: error.status, title: TITLE, shape: 'gate' }, form);
  }
}

interface SetUpFormProps {
  token: string;
  username: string;
  email: string;
  errors: FieldError[];
}

function SetUpForm({ token, username, email, errors }: SetUpFormProps) {
  return (
    <Card>
      <h1>{TITLE}</h1>
      <p class="lead">Make the first administrator. This link works once; afterwards you are signed in.</p>
      <Form action="/setup" hidden={{ token }}>
        <Field
          name="username"
          label="User name"
          value={username}
          autocomplete="username"
          errors={errors}
          autofocus
        />
        <Field
          name="email"
          label="E-mail address"
          type="email"
          value={email}
          autocomplete="email"
          errors={errors}
        />
        <Field name="password" label="Password" type="password" autocomplete="new-password" errors={errors} />
        <Actions>
          <Button>Make the administrator</Button>
        </Actions>
      </Form>
    </Card>
  );
}

function Done({ username }: { username: string }) {
  return (
    <Card>
      <h1>Usher is set up</h1>
      <p>You are signed in as {username}, the first administrator.</p>
      <p>
        What the API offers is described at <a href="/docs">/docs</a>.
      </p>
    </Card>
  );
}
