import { z } from 'zod';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { type FieldError, Refusal } from '../../errors.ts';
import { changeMe, type changeMeBody } from '../../flows/account/me.ts';
import { Field } from '../field.tsx';
import { Actions, Button, Form, FormErrors } from '../form.tsx';
import { Card, Notice, page, refusing, seeOther } from '../layout.tsx';
import { account } from './area.ts';

const PATH = '/dashboard/profile';

export const profileQuery = z.object({ done: z.literal('saved').optional().catch(undefined) });

export const profilePage = (
  world: World,
  call: SignedInCall<undefined, z.infer<typeof profileQuery>>,
): Answer => show(world, call, { username: call.live.user.username, isSaved: call.query.done === 'saved' });

export async function profileAnswer(
  world: World,
  call: SignedInCall<z.infer<typeof changeMeBody>>,
): Promise<Answer> {
  try {
    await changeMe(world, call);
    return seeOther(`${PATH}?done=saved`);
  } catch (error) {
    if (!(error instanceof Refusal && error.fields)) throw error;
    const { status, fields } = error;
    return refusing(error, show(world, call, { username: call.body.username, status, errors: fields }));
  }
}

interface Shown {
  username: string;
  isSaved?: boolean;
  status?: number;
  errors?: FieldError[];
}

function show(
  world: World,
  call: SignedInCall<unknown, unknown>,
  { username, isSaved, status = 200, errors = [] }: Shown,
): Answer {
  return page(
    world,
    call,
    { status, title: status < 400 ? 'Profile' : 'Error: Profile', area: account, at: PATH },
    <>
      <h1>Profile</h1>
      <p class="lead">How you appear to others.</p>
      {isSaved && <Notice kind="good">Profile updated.</Notice>}
      <Card>
        <FormErrors errors={errors} shown={['username']} />
        <Form action={PATH}>
          <Field
            name="username"
            label="Username"
            value={username}
            autocomplete="username"
            errors={errors}
            hint="You can also use it to sign in."
          />
          <Actions>
            <Button>Save changes</Button>
          </Actions>
        </Form>
      </Card>
    </>,
  );
}
