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
const TITLE = 'Data & privacy';

/** Take it with you, or have it gone. */
export const dataPage = (world: World, call: SignedInCall): Answer =>
  page(
    world,
    call,
    { title: TITLE, area: account, at: PATH },
    <>
      <h1>{TITLE}</h1>
      <p class="lead">Export your data or delete your account.</p>
      <Card title="Export your data">
        <p>Download your profile, devices, sessions and activity as a JSON file.</p>
        <Actions>
          <a class="button plain" href="/dashboard/data.json" download="my-data.json">
            Download data
          </a>
        </Actions>
      </Card>
      <Card title="Delete account">
        <p>Permanently delete your account and all its data.</p>
        <Actions>
          <ButtonLink href={DELETE_PATH} weight="danger">
            Delete account…
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
  const title = 'Delete account';
  return page(
    world,
    call,
    {
      status: refusal?.status ?? 200,
      title: refusal ? `Error: ${title}` : title,
      area: account,
      at: PATH,
    },
    <>
      <h1>{title}</h1>
      {refusal && errors.length === 0 && <Notice kind="bad">{refusal.message}</Notice>}
      <Notice kind="warn">
        <p>This can’t be undone.</p>
        <ul>
          <li>You’ll be signed out on all devices immediately.</li>
          <li>Your username and email become available to others.</li>
          <li>You may lose access to data in apps that use this account.</li>
        </ul>
        <p>
          Before you go, you can <a href={PATH}>download your data</a>.
        </p>
      </Notice>
      <Card>
        <p>Confirm it’s you to continue.</p>
        <Form action={DELETE_PATH}>
          <Field
            name="email"
            label="Email"
            type="email"
            value={email}
            autocomplete="username"
            errors={errors}
          />
          <PasswordField name="password" label="Password" autocomplete="current-password" errors={errors} />
          <Actions>
            <Button weight="danger">Permanently delete account</Button>
            <ButtonLink href={PATH} weight="plain">
              Cancel
            </ButtonLink>
          </Actions>
        </Form>
      </Card>
    </>,
  );
}

function errorsOf({ code, fields }: Refusal): FieldError[] {
  if (code === 'invalid_credentials') return [{ field: 'password', code, message: 'Incorrect password.' }];
  return fields ?? [];
}
