import { z } from 'zod';
import type { World } from '../../context.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { type FieldError, Refusal } from '../../errors.ts';
import { changeMe, type changeMeBody } from '../../flows/account/me.ts';
import type { Profile } from '../../flows/accounts/profile.ts';
import { profileColumns, type UserField, userFields } from '../../user-fields.ts';
import { Field } from '../field.tsx';
import { Actions, Button, Form, FormErrors } from '../form.tsx';
import { Card, Notice, page, refusing, seeOther } from '../layout.tsx';
import { account } from './area.ts';

const PATH = '/dashboard/profile';

export const profileQuery = z.object({ done: z.literal('saved').optional().catch(undefined) });

export const profilePage = (
  world: World,
  call: SignedInCall<undefined, z.infer<typeof profileQuery>>,
): Answer => show(world, call, { profile: call.live.user, isSaved: call.query.done === 'saved' });

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
    return refusing(error, show(world, call, { profile: call.body, status, errors: fields }));
  }
}

interface Shown {
  profile: Profile;
  isSaved?: boolean;
  status?: number;
  errors?: FieldError[];
}

function show(
  world: World,
  call: SignedInCall<unknown, unknown>,
  { profile, isSaved, status = 200, errors = [] }: Shown,
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
        <FormErrors errors={errors} shown={profileColumns} />
        <Form action={PATH}>
          {profileColumns.map((column) => (
            <Field
              name={column}
              label={userFields[column].page.label}
              value={profile[column] ?? ''}
              {...(userFields[column].profile satisfies UserField['profile'])}
              errors={errors}
            />
          ))}
          <Actions>
            <Button>Save changes</Button>
          </Actions>
        </Form>
      </Card>
    </>,
  );
}
