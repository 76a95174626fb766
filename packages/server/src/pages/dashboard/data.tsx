import type { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { HttpError } from '../../errors.ts';
import { deleteMe, type deleteMeBody } from '../../flows/account/me.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { EmailField, PasswordField, passwordErrors } from '../field.tsx';
import { Actions, Button, ButtonLink, Cancel, Form } from '../form.tsx';
import { Card, Notice, page, seeOther, statusAndTitle, withErrorHeaders } from '../layout.tsx';
import { Say } from '../translator.tsx';
import { account } from './area.ts';

const PATH = '/dashboard/data';
const DELETE_PATH = '/dashboard/delete';
const TITLE = 'Data & privacy';

/** Export the data or delete the account. */
export const dataPage = (context: AppContext, call: SignedInCall): RouteResponse =>
  page(
    context,
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

export const deletePage = (context: AppContext, call: SignedInCall): RouteResponse =>
  showDelete(context, call, '');

export async function deleteSubmit(
  context: AppContext,
  call: SignedInCall<z.infer<typeof deleteMeBody>>,
): Promise<RouteResponse> {
  try {
    return seeOther('/?done=deleted', await deleteMe(context, call));
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === 'invalid_token') throw error;
    return withErrorHeaders(error, showDelete(context, call, call.body.email, error));
  }
}

function showDelete(
  context: AppContext,
  call: SignedInCall<unknown>,
  email: string,
  error?: HttpError,
): RouteResponse {
  const errors = passwordErrors(error);
  const title = 'Delete account';
  return page(
    context,
    call,
    { ...statusAndTitle(title, error), area: account, at: PATH, trail: [] },
    <>
      <h1>{title}</h1>
      {error && errors.length === 0 && (
        <Notice kind="bad">
          <Say of={error.text} />
        </Notice>
      )}
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
          <EmailField value={email} autocomplete="username" errors={errors} />
          <PasswordField name="password" label="Password" autocomplete="current-password" errors={errors} />
          <Actions>
            <Button weight="final">Permanently delete account</Button>
            <Cancel href={PATH} />
          </Actions>
        </Form>
      </Card>
    </>,
  );
}
