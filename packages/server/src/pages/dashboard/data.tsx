import type { z } from 'zod';
import type { World } from '../../context.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { type FieldError, Refusal } from '../../errors.ts';
import { deleteMe, type deleteMeBody } from '../../flows/account/me.ts';
import { Field, PasswordField } from '../field.tsx';
import { Actions, Button, ButtonLink, Form } from '../form.tsx';
import { Card, Notice, page, refusing, seeOther } from '../layout.tsx';
import { account } from './area.ts';

const PATH = '/dashboard/data';
const DELETE_PATH = '/dashboard/delete';

/** Take it with you, or have it gone. */
export const dataPage = (world: World, call: SignedInCall): Answer =>
  page(
    world,
    call,
    { title: 'Your data', area: account, at: PATH },
    <>
      <h1>Your data</h1>
      <p class="lead">It is yours: take it with you, or have it gone.</p>
      <Card title="Download">
        <p>
          Everything that is kept about you, in one file: who you are, your sessions and known browsers, what
          happened.
        </p>
        <Actions>
          <a class="button plain" href="/dashboard/data.json" download="my-data.json">
            Download my data
          </a>
        </Actions>
      </Card>
      <Card title="Delete">
        <p>Your account and all that belongs to it. The next page says what that means.</p>
        <Actions>
          <ButtonLink href={DELETE_PATH} weight="danger">
            Delete my account …
          </ButtonLink>
        </Actions>
      </Card>
    </>,
  );

export const deletePage = (world: World, call: SignedInCall): Answer => showDelete(world, call, '');

export async function deleteAnswer(
  world: World,
  call: SignedInCall<z.infer<typeof deleteMeBody>>,
): Promise<Answer> {
  try {
    return seeOther('/?done=deleted', await deleteMe(world, call));
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'invalid_token') throw error;
    return refusing(error, showDelete(world, call, call.body.email, error));
  }
}

function showDelete(world: World, call: SignedInCall<unknown>, email: string, refusal?: Refusal): Answer {
  const errors = refusal ? errorsOf(refusal) : [];
  const title = 'Delete my account';
  return page(
    world,
    call,
    {
      status: refusal?.status ?? 200,
      title: refusal ? `Not deleted: ${title}` : title,
      area: account,
      at: PATH,
    },
    <>
      <h1>{title}</h1>
      {refusal && errors.length === 0 && <Notice kind="bad">{refusal.message}</Notice>}
      <Notice kind="warn">
        <p>Nobody can take this back:</p>
        <ul>
          <li>you are signed out everywhere, at once;</li>
          <li>your user name and your address are free, and somebody else may take them;</li>
          <li>what other services keep for you under this account may be lost to you.</li>
        </ul>
        <p>
          You may want to <a href={PATH}>download your data</a> first.
        </p>
      </Notice>
      <Card>
        <p>To show that it is you, and that you mean it:</p>
        <Form action={DELETE_PATH}>
          <Field
            name="email"
            label="Your e-mail address"
            type="email"
            value={email}
            autocomplete="username"
            errors={errors}
          />
          <PasswordField
            name="password"
            label="Your password"
            autocomplete="current-password"
            errors={errors}
          />
          <Actions>
            <Button weight="danger">Delete my account for good</Button>
            <ButtonLink href={PATH} weight="plain">
              Keep it
            </ButtonLink>
          </Actions>
        </Form>
      </Card>
    </>,
  );
}

function errorsOf({ code, fields }: Refusal): FieldError[] {
  if (code === 'invalid_credentials')
    return [{ field: 'password', code, message: 'This is not your password.' }];
  return fields ?? [];
}
