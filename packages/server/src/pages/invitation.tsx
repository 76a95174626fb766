import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type FieldError, HttpError } from '../errors.ts';
import {
  acceptInvitation,
  acceptInvitationBody,
  checkInvitation,
  type OpenedInvitation,
} from '../flows/invitations/accept-invitation.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { NewPasswordField, UsernameField } from './field.tsx';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card, seeOther, withErrorHeaders } from './layout.tsx';
import { LinkForm, linkBody, tokenOf } from './link-form.tsx';
import { translatorOf, useTranslator } from './translator.tsx';
import { HOME, invalidLinkPage, verificationErrors, verificationPage } from './verification-page.tsx';

const PATH = '/invitation';

export const invitationForm = z.union([linkBody, acceptInvitationBody]);

/** The form that takes the link from an invitation. */
export const invitationPage = (context: AppContext, call: Call): RouteResponse =>
  verificationPage(context, call, titleOf(context, call), <AskForLink />);

const titleOf = (context: AppContext, call: Call<unknown>): string =>
  translatorOf(context, call)('invitation.title', { service: context.config.serviceName });

function AskForLink() {
  const t = useTranslator();
  return (
    <Card>
      <h1>{t('link.check_email')}</h1>
      <p class="lead">{t('invitation.ask')}</p>
      <PasteLink />
    </Card>
  );
}

const PasteLink = () => <LinkForm action={PATH} autofocus />;

/** The form behind that link. Opening it changes nothing. */
async function openLink(context: AppContext, call: Call<unknown>, token: string): Promise<RouteResponse> {
  try {
    const opened = await checkInvitation(context, call, token);
    const form = <Accept context={context} opened={opened} given={{ token }} errors={[]} />;
    return verificationPage(context, call, titleOf(context, call), form);
  } catch (error) {
    return invalid(context, call, error);
  }
}

/** Opens a link, or creates the account from the form behind it and signs the invited person in. */
export async function invitationSubmit(
  context: AppContext,
  call: Call<z.infer<typeof invitationForm>>,
): Promise<RouteResponse> {
  const { body } = call;
  if ('link' in body) return openLink(context, call, tokenOf(body.link));
  try {
    const { cookie, otherCookies } = await acceptInvitation(context, { ...call, body });
    return seeOther('/dashboard?done=welcome', { cookie, otherCookies });
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === 'invalid_link') return invalid(context, call, error);
    return showAgain(context, call, body, error);
  }
}

const invalid = (context: AppContext, call: Call<unknown>, error: unknown): RouteResponse =>
  invalidLinkPage(context, call, titleOf(context, call), error, { next: HOME, again: <PasteLink /> });

type Given = Pick<z.infer<typeof acceptInvitationBody>, 'token' | 'username'>;

async function showAgain(
  context: AppContext,
  call: Call<unknown>,
  given: Given,
  error: HttpError,
): Promise<RouteResponse> {
  const opened = await checkInvitation(context, call, given.token);
  const errors = verificationErrors(error);
  const form = <Accept context={context} opened={opened} given={given} errors={errors} />;
  return withErrorHeaders(error, verificationPage(context, call, titleOf(context, call), form, error.status));
}

interface AcceptProps {
  context: AppContext;
  opened: OpenedInvitation;
  given: Given;
  errors: FieldError[];
}

function Accept({ context, opened: { username, email }, given, errors }: AcceptProps) {
  const t = useTranslator();
  const mayRename = given.username !== undefined || errors.some(({ field }) => field === 'username');
  return (
    <Card>
      <h1>{t('invitation.title', { service: context.config.serviceName })}</h1>
      <p class="lead">{t('invitation.lead', { username, email })}</p>
      <FormErrors errors={errors} shown={['username', 'password']} />
      <Form action={PATH} hidden={{ token: given.token }}>
        {mayRename ? (
          <UsernameField value={given.username ?? username} errors={errors} />
        ) : (
          // For password managers.
          <input type="email" value={email} autocomplete="username" readonly hidden />
        )}
        <NewPasswordField config={context.config} label={t('fields.password')} errors={errors} autofocus />
        <Actions>
          <Button>{t('action.create_account')}</Button>
        </Actions>
      </Form>
    </Card>
  );
}
