import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import {
  firstAdminBody,
  makeFirstAdmin,
  openSetUpLink,
  rejectSetUpDone,
} from '../flows/setup/first-admin.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { EmailField, NewPasswordField, UsernameField } from './field.tsx';
import { Actions, Button, ButtonLink, Form } from './form.tsx';
import { Card, page, type Viewer } from './layout.tsx';
import { LinkForm, linkBody, tokenOf } from './link-form.tsx';
import { HOME, invalidLinkPage, SIGN_IN } from './verification-page.tsx';

const titleOf = ({ config }: AppContext): string => `Set up ${config.serviceName}`;
const DONE = 'Setup complete';

/** Empty: a token in a URL would be in the log of every proxy. */
export const setUpQuery = z.strictObject({});
export const setUpForm = z.union([linkBody, firstAdminBody]);

/** The form that takes the link that the server prints when it starts. */
export async function setUpPage(
  context: AppContext,
  call: Call<undefined, z.infer<typeof setUpQuery>>,
): Promise<RouteResponse> {
  try {
    await rejectSetUpDone(context);
  } catch (error) {
    return linkErrorPage(context, call, error);
  }
  const form = (
    <Card>
      <h1>{titleOf(context)}</h1>
      <p class="lead">Use the setup link that the server printed when it started.</p>
      <PasteLink />
    </Card>
  );
  return page(context, call, { title: titleOf(context), shape: 'gate' }, form);
}

/** The form behind the setup link. */
async function openLink(context: AppContext, call: Call<unknown>, token: string): Promise<RouteResponse> {
  try {
    await openSetUpLink(context, token, call);
  } catch (error) {
    return linkErrorPage(context, call, error);
  }
  const form = <SetUpForm context={context} token={token} username="" email="" errors={[]} />;
  return page(context, call, { title: titleOf(context), shape: 'gate' }, form);
}

/**
 * Opens the link, or creates the first administrator from its form. A rejected form keeps its values, except for the
 * password.
 */
export async function setUpSubmit(
  context: AppContext,
  call: Call<z.infer<typeof setUpForm>>,
): Promise<RouteResponse> {
  const { body } = call;
  if ('link' in body) return openLink(context, call, tokenOf(body.link));
  try {
    const cookies = await makeFirstAdmin(context, { ...call, body });
    const view = { status: 201, title: DONE, shape: 'gate' } as const;
    return {
      ...page(context, call, view, <Done context={context} username={body.username.trim()} />),
      ...cookies,
    };
  } catch (error) {
    if (!(error instanceof HttpError && error.fields)) return linkErrorPage(context, call, error);
    const { token, username, email } = body;
    const form = (
      <SetUpForm context={context} token={token} username={username} email={email} errors={error.fields} />
    );
    return page(context, call, { status: error.status, title: titleOf(context), shape: 'gate' }, form);
  }
}

const PasteLink = () => <LinkForm action="/setup" label="Paste the link" autofocus />;

/** Leads to the sign-in if setup is complete; otherwise takes the link again. */
function linkErrorPage(context: AppContext, viewer: Viewer, error: unknown): RouteResponse {
  const isDone = error instanceof HttpError && error.code === 'setup_completed';
  const nextStep = isDone ? { next: SIGN_IN } : { next: HOME, again: <PasteLink /> };
  return invalidLinkPage(context, viewer, titleOf(context), error, nextStep);
}

interface SetUpFormProps {
  context: AppContext;
  token: string;
  username: string;
  email: string;
  errors: FieldError[];
}

function SetUpForm({ context, token, username, email, errors }: SetUpFormProps) {
  return (
    <Card>
      <h1>{titleOf(context)}</h1>
      <p class="lead">Create the first administrator account. This link works once.</p>
      <Form action="/setup" hidden={{ token }}>
        <UsernameField value={username} errors={errors} autofocus />
        <EmailField value={email} errors={errors} />
        <NewPasswordField config={context.config} label="Password" errors={errors} />
        <Actions>
          <Button>Create administrator</Button>
        </Actions>
      </Form>
    </Card>
  );
}

function Done({ context, username }: { context: AppContext; username: string }) {
  const application = context.application();
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
