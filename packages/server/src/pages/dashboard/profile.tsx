import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { type FieldError, HttpError } from '../../errors.ts';
import { changeMe, type changeMeBody } from '../../flows/account/me.ts';
import type { Profile } from '../../flows/accounts/profile.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { profileColumns, type UserField, userFields } from '../../user-fields.ts';
import { Field } from '../field.tsx';
import { Actions, Button, Form, FormErrors } from '../form.tsx';
import { Card, Notice, page, seeOther, withErrorHeaders } from '../layout.tsx';
import { account } from './area.ts';

const PATH = '/dashboard/profile';

export const profileQuery = z.object({ done: z.literal('saved').optional().catch(undefined) });

export const profilePage = (
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof profileQuery>>,
): RouteResponse =>
  show(context, call, { profile: call.activeSession.user, isSaved: call.query.done === 'saved' });

export async function profileSubmit(
  context: AppContext,
  call: SignedInCall<z.infer<typeof changeMeBody>>,
): Promise<RouteResponse> {
  try {
    await changeMe(context, call);
    return seeOther(`${PATH}?done=saved`);
  } catch (error) {
    if (!(error instanceof HttpError && error.fields)) throw error;
    const { status, fields } = error;
    return withErrorHeaders(error, show(context, call, { profile: call.body, status, errors: fields }));
  }
}

interface Shown {
  profile: Profile;
  isSaved?: boolean;
  status?: number;
  errors?: FieldError[];
}

function show(
  context: AppContext,
  call: SignedInCall<unknown, unknown>,
  { profile, isSaved, status = 200, errors = [] }: Shown,
): RouteResponse {
  return page(
    context,
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
