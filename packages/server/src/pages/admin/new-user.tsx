import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { User } from '../../core/users.ts';
import { type FieldError, HttpError } from '../../errors.ts';
import { makeUser } from '../../flows/admin/users.ts';
import { invite } from '../../flows/invitations/invite.ts';
import { isRecentlyAuthenticated } from '../../http/reauthentication.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Copyable } from '../copyable.tsx';
import { EmailField, Field, PasswordField, passwordErrors } from '../field.tsx';
import { Actions, Button, ButtonLink, Cancel, Form, FormErrors } from '../form.tsx';
import { Card, Notice, page, seeOther, statusAndTitle, withErrorHeaders } from '../layout.tsx';
import { Say, translatorOf, useTranslator } from '../translator.tsx';
import { adminArea } from './area.ts';

export const NEW_USER = '/admin/users/new';
const USERS = '/admin/users';

export const newUserForm = z.strictObject({
  username: z.string(),
  email: z.string(),
  display_name: z.string().default(''),
  locale: z.string().default(''),
  admin: z.literal('yes').optional(),
  how: z.enum(['invitation', 'password']),
});
type NewUser = z.infer<typeof newUserForm>;

const EMPTY: NewUser = { username: '', email: '', display_name: '', locale: '', how: 'invitation' };

/** The form that creates a user, with an invitation or a temporary password. */
export const newUserPage = (context: AppContext, call: SignedInCall): RouteResponse =>
  askForUser(context, call);

/** Invites a person, or creates an account and shows its temporary password once. */
export async function newUserSubmit(
  context: AppContext,
  call: SignedInCall<NewUser>,
): Promise<RouteResponse> {
  const { username, email, display_name, locale, admin, how } = call.body;
  const body = { username, email, display_name, locale, role: admin ? 'admin' : 'user' } as const;
  try {
    if (how === 'invitation') {
      await invite(context, body, { actor: call.activeSession, client: call.client });
      return seeOther('/admin/invitations?done=sent');
    }
    const { user, generated = '' } = await makeUser(context, { ...call, body });
    // The password is in no URL, so this form does not redirect.
    return created(context, call, user, generated);
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === 'invalid_token') throw error;
    return askForUser(context, call, error);
  }
}

/** The form, with its input and its errors if it was rejected. */
export function askForUser(
  context: AppContext,
  call: SignedInCall<unknown, unknown, unknown>,
  error?: HttpError,
): RouteResponse {
  const t = translatorOf(context, call);
  const title = t('admin.new_user');
  const given = newUserForm.safeParse(call.body).data ?? EMPTY;
  const errors = passwordErrors(error);
  const hasNotice = error && errors.length === 0 && error.code !== 'reauthentication_required';
  const response = page(
    context,
    call,
    { ...statusAndTitle(title, error, t), area: adminArea, at: USERS, trail: [] },
    <>
      <h1>{title}</h1>
      {hasNotice && (
        <Notice kind="bad">
          <Say of={error.text} />
        </Notice>
      )}
      <FormErrors errors={errors} shown={['username', 'email', 'display_name', 'locale', 'password']} />
      <Card>
        <Form action={NEW_USER}>
          <Fields given={given} errors={errors} />
          {!isRecentlyAuthenticated(context, call.activeSession) && (
            <PasswordField
              name="password"
              label={t('fields.your_password')}
              autocomplete="current-password"
              errors={errors}
              hint={t('admin.confirm_hint')}
            />
          )}
          <Actions>
            <Button>{title}</Button>
            <Cancel href={USERS} />
          </Actions>
        </Form>
      </Card>
    </>,
  );
  return error ? withErrorHeaders(error, response) : response;
}

function Fields({ given, errors }: { given: NewUser; errors: FieldError[] }) {
  const t = useTranslator();
  return (
    <>
      <Field
        name="username"
        label={t('fields.username')}
        value={given.username}
        autocomplete="off"
        errors={errors}
        autofocus
      />
      <EmailField value={given.email} errors={errors} />
      <Field
        name="display_name"
        label={t('admin.new_display_name')}
        value={given.display_name}
        autocomplete="off"
        errors={errors}
        optional
      />
      <Field
        name="locale"
        label={t('admin.new_locale')}
        value={given.locale}
        autocomplete="off"
        errors={errors}
        hint={t('admin.new_locale_hint')}
        optional
      />
      <div class="choice">
        <input id="admin" name="admin" type="checkbox" value="yes" checked={given.admin === 'yes'} />
        <label for="admin">{t('admin.new_admin')}</label>
      </div>
      <fieldset>
        <legend>{t('admin.new_how')}</legend>
        {(['invitation', 'password'] as const).map((how) => (
          <div class="choice">
            <input id={`how-${how}`} name="how" type="radio" value={how} checked={given.how === how} />
            <label for={`how-${how}`}>
              {t(how === 'invitation' ? 'admin.new_invitation' : 'admin.new_password')}
            </label>
          </div>
        ))}
      </fieldset>
    </>
  );
}

function created(
  context: AppContext,
  call: SignedInCall<unknown>,
  { id, username }: User,
  password: string,
): RouteResponse {
  const t = translatorOf(context, call);
  return page(
    context,
    call,
    { title: username, area: adminArea, at: USERS, trail: [] },
    <>
      <h1>{t('admin.new_created', { username })}</h1>
      <Notice kind="warn">{t('admin.new_once')}</Notice>
      <Card title={t('admin.new_temporary')}>
        <p>
          <Copyable label={t('admin.new_temporary')} value={password} />
        </p>
      </Card>
      <p>
        <ButtonLink href={`${USERS}/${id}`} weight="plain">
          {t('admin.new_open')}
        </ButtonLink>
      </p>
    </>,
  );
}
