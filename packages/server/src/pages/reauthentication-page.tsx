import type { AppContext } from '../context.ts';
import type { HttpError } from '../errors.ts';
import { getUser } from '../flows/accounts/change-account.ts';
import type { RouteResponse, SignedInCall } from '../http/route.ts';
import { english, type Translator } from '../languages/translator.ts';
import { adminArea } from './admin/area.ts';
import { ROTATE } from './admin/keys.tsx';
import { actionParams } from './admin/user.tsx';
import { actionTitle } from './admin/user-actions.ts';
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
  const errors = error.code === 'invalid_credentials' ? passwordErrors(error) : [];
  const place = placeOf(path);
  const t = place.area.isEnglish ? english : translatorOf(context, call);
  const title = (await titleOf(context, call, path, t)) ?? t('confirm.title');
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

/** The title of the requested action on its own page; undefined if it has none. */
async function titleOf(
  { db }: Pick<AppContext, 'db'>,
  { params, body }: SignedInCall<unknown, unknown, unknown>,
  path: string,
  t: Translator,
): Promise<string | undefined> {
  const action = actionParams.safeParse(params).data;
  if (action && path.startsWith('/admin/users/'))
    return actionTitle(action.action, await getUser(db, action.id));
  if (path === '/admin/keys/rotate') return ROTATE;
  const fields = fieldsOf(body);
  if (path === '/admin/emails') return fields['action'] === 'retry' ? 'Resend email' : 'Retry email now';
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
