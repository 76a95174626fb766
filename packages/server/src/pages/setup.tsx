import { z } from 'zod';
import type { Answer, Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { type FieldError, Refusal } from '../errors.ts';
import { type firstAdminBody, makeFirstAdmin, openSetUpLink } from '../flows/setup/first-admin.ts';
import { Field } from './field.tsx';
import { page } from './layout.tsx';

export const setUpQuery = z.strictObject({ token: z.string() });

/** The form behind the link that the first start prints. */
export async function setUpPage(
  world: World,
  call: Call<undefined, z.infer<typeof setUpQuery>>,
): Promise<Answer> {
  try {
    await openSetUpLink(world, call.query.token, call);
  } catch (error) {
    return refused(error);
  }
  return page(200, 'Set up Usher', <SetUpForm token={call.query.token} username="" email="" errors={[]} />);
}

/** Makes the first administrator from that form; a refused form keeps what was typed, but for the password. */
export async function setUpAnswer(world: World, call: Call<z.infer<typeof firstAdminBody>>): Promise<Answer> {
  try {
    const cookie = await makeFirstAdmin(world, call);
    return { ...page(201, 'Usher is set up', <Done username={call.body.username.trim()} />), cookie };
  } catch (error) {
    if (!(error instanceof Refusal && error.fields)) return refused(error);
    const { token, username, email } = call.body;
    const form = <SetUpForm token={token} username={username} email={email} errors={error.fields} />;
    return page(error.status, 'Set up Usher', form);
  }
}

function refused(error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error;
  return page(
    error.status,
    'Set up Usher',
    <>
      <h1>Set up Usher</h1>
      <p role="alert">{error.message}</p>
    </>,
  );
}

interface Form {
  token: string;
  username: string;
  email: string;
  errors: FieldError[];
}

function SetUpForm({ token, username, email, errors }: Form) {
  return (
    <>
      <h1>Set up Usher</h1>
      <p>Make the first administrator. This link works once; afterwards you are signed in.</p>
      <form method="post" action="/setup">
        <input type="hidden" name="token" value={token} />
        <Field name="username" label="User name" value={username} autocomplete="username" errors={errors} />
        <Field
          name="email"
          label="E-mail address"
          type="email"
          value={email}
          autocomplete="email"
          errors={errors}
        />
        <Field
          name="password"
          label="Password"
          type="password"
          value=""
          autocomplete="new-password"
          errors={errors}
        />
        <button type="submit">Make the administrator</button>
      </form>
    </>
  );
}

function Done({ username }: { username: string }) {
  return (
    <>
      <h1>Usher is set up</h1>
      <p>You are signed in as {username}, the first administrator.</p>
      <p>
        What the API offers is described at <a href="/docs">/docs</a>.
      </p>
    </>
  );
}
