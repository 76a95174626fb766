import type { AppContext } from '../context.ts';
import type { HttpError } from '../errors.ts';
import { getUser } from '../flows/accounts/change-account.ts';
import type { RouteResponse, SignedInCall } from '../http/route.ts';
import type { Translator } from '../languages/translator.ts';
import { adminArea } from './admin/area.ts';
import { INVITATIONS } from './admin/invitations.tsx';
import { ROTATE, rotatePage } from './admin/keys.tsx';
import { askForUser, NEW_USER } from './admin/new-user.tsx';
import { actionParams, askToAct } from './admin/user.tsx';
import { account } from './dashboard/area.ts';
import { PasswordField, passwordErrors } from './field.tsx';
import { Actions, Button, Cancel, Form } from './form.tsx';
import { type Area, Card, Notice, page, withErrorHeaders } from './layout.tsx';
import { Say, translatorOf } from './translator.tsx';

/**
 * Shown instead of the response to a form that requires the password: the same form, with a password field. Nothing has
 * been done yet.
 */
export async function reauthenticationPage(
  context: AppContext,
  call: SignedInCall<unknown, unknown, unknown>,
  { path, error }: { path: string; error: HttpError },
): Promise<RouteResponse> {
  const own = await ownPage(context, call, path, error);
  if (own) return own;
  const errors = error.code === 'invalid_credentials' ? passwordErrors(error) : [];
  const place = placeOf(path);
  const t = translatorOf(context, call);
  const title = titleOf(call, path, t) ?? t('confirm.title');
  const response = page(
    context,
    call,
    { status: error.status, title, ...place },
    <>
      <h1>{title}</h1>
      {errors.length === 0 && error.code !== 'reauthentication_required' && (
        <Notice kind="bad">
          <Say of={error.text} />
        </Notice>
      )}
      <Card>
        <p class="lead">{t('confirm.lead', { title: t('confirm.title') })}</p>
        <Form action={path} hidden={fieldsOf(call.body)}>
          <PasswordField
            name="password"
            label={t('fields.your_password')}
            autocomplete="current-password"
            errors={errors}
            hint={t('confirm.hint')}
            autofocus
          />
          <Actions>
            <Button>{t('action.continue')}</Button>
            <Cancel href={path} />
          </Actions>
        </Form>
      </Card>
    </>,
  );
  return withErrorHeaders(error, response);
}

/** The page that explains an action, with the error; undefined if the action has no page of its own. */
async function ownPage(
  context: AppContext,
  call: SignedInCall<unknown, unknown, unknown>,
  path: string,
  error: HttpError,
): Promise<RouteResponse | undefined> {
  const params = actionParams.safeParse(call.params).data;
  if (params && path.startsWith('/admin/users/'))
    return askToAct(context, { ...call, params }, await getUser(context.db, params.id), error);
  if (path === NEW_USER) return askForUser(context, call, error);
  return path === ROTATE ? rotatePage(context, call, error) : undefined;
}

/** What the form does; undefined if it says so itself. */
function titleOf(
  { body }: SignedInCall<unknown, unknown, unknown>,
  path: string,
  t: Translator,
): string | undefined {
  const fields = fieldsOf(body);
  if (path === '/admin/emails')
    return t(fields['action'] === 'retry' ? 'admin.email_resend_title' : 'admin.email_retry_title');
  if (path === INVITATIONS)
    return t(
      fields['action'] === 'revoke' ? 'admin.invitation_revoke_title' : 'admin.invitation_resend_title',
    );
  if (path === '/dashboard/sessions') {
    if (fields['others']) return t('devices.sign_out_others');
    if (fields['everywhere']) return t('devices.sign_out_everywhere');
    if (fields['rename']) return t('devices.rename_title');
    return t(fields['device'] ? 'devices.remove_known' : 'devices.sign_out_one');
  }
  return undefined;
}

/** Where the form belongs in the navigation. */
function placeOf(path: string): { area: Area; at: string } {
  const area = path.startsWith('/admin') ? adminArea : account;
  const at = area.items.findLast(({ href }) => path.startsWith(href))?.href ?? path;
  return { area, at };
}

/** The submitted fields, to submit them again. */
const fieldsOf = (body: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries(body ?? {}).filter((field): field is [string, string] => typeof field[1] === 'string'),
  );
