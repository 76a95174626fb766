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
import { translatorOf, useTranslator } from './translator.tsx';
import { HOME, invalidLinkPage, SIGN_IN } from './verification-page.tsx';

const titleOf = (context: AppContext, call: Pick<Call, 'language'>): string =>
  translatorOf(context, call)('setup.title', { service: context.config.serviceName });

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
  const form = <AskForLink service={context.config.serviceName} />;
  return page(context, call, { title: titleOf(context, call), shape: 'centered' }, form);
}

/** The form behind the setup link. */
async function openLink(context: AppContext, call: Call<unknown>, token: string): Promise<RouteResponse> {
  try {
    await openSetUpLink(context, token, call);
  } catch (error) {
    return linkErrorPage(context, call, error);
  }
  const form = <SetUpForm context={context} token={token} username="" email="" errors={[]} />;
  return page(context, call, { title: titleOf(context, call), shape: 'centered' }, form);
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
    const view = {
      status: 201,
      title: translatorOf(context, call)('setup.done'),
      shape: 'centered',
    } as const;
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
    return page(
      context,
      call,
      { status: error.status, title: titleOf(context, call), shape: 'centered' },
      form,
    );
  }
}

function AskForLink({ service }: { service: string }) {
  const t = useTranslator();
  return (
    <Card>
      <h1>{t('setup.title', { service })}</h1>
      <p class="lead">{t('setup.lead')}</p>
      <PasteLink />
    </Card>
  );
}

function PasteLink() {
  return <LinkForm action="/setup" label={useTranslator()('setup.paste')} autofocus />;
}

/** Leads to the sign-in if setup is complete; otherwise takes the link again. */
function linkErrorPage(context: AppContext, viewer: Viewer, error: unknown): RouteResponse {
  const isDone = error instanceof HttpError && error.code === 'setup_completed';
  const nextStep = isDone ? { next: SIGN_IN } : { next: HOME, again: <PasteLink /> };
  return invalidLinkPage(context, viewer, titleOf(context, viewer), error, nextStep);
}

interface SetUpFormProps {
  context: AppContext;
  token: string;
  username: string;
  email: string;
  errors: FieldError[];
}

function SetUpForm({ context, token, username, email, errors }: SetUpFormProps) {
  const t = useTranslator();
  return (
    <Card>
      <h1>{t('setup.title', { service: context.config.serviceName })}</h1>
      <p class="lead">{t('setup.form_lead')}</p>
      <Form action="/setup" hidden={{ token }}>
        <UsernameField value={username} errors={errors} autofocus />
        <EmailField value={email} errors={errors} />
        <NewPasswordField config={context.config} label={t('fields.password')} errors={errors} />
        <Actions>
          <Button>{t('setup.create')}</Button>
        </Actions>
      </Form>
    </Card>
  );
}

function Done({ context, username }: { context: AppContext; username: string }) {
  const t = useTranslator();
  const application = context.application();
  return (
    <Card>
      <h1>{t('setup.done')}</h1>
      <p>{t('setup.next', { username })}</p>
      <ul>
        {application && (
          <li>
            {t.rich('setup.application', {
              name: application.name,
              link: (children) => <a href={application.path}>{children}</a>,
            })}
          </li>
        )}
        <li>{t.rich('setup.send_users', { link: (children) => <a href="/sign-in">{children}</a> })}</li>
        <li>{t.rich('setup.reference', { link: (children) => <a href="/docs">{children}</a> })}</li>
      </ul>
      <Actions>
        <ButtonLink href="/admin">{t('setup.console')}</ButtonLink>
        <ButtonLink href="/dashboard" weight="plain">
          {t('setup.account')}
        </ButtonLink>
      </Actions>
    </Card>
  );
}
