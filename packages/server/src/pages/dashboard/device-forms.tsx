import type { AppContext } from '../../context.ts';
import type { ListedDevice } from '../../core/devices.ts';
import type { HttpError } from '../../errors.ts';
import { isRecentlyAuthenticated } from '../../http/reauthentication.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Field, PasswordField } from '../field.tsx';
import { Actions, Button, Cancel, Form } from '../form.tsx';
import { Card, Notice, page, statusAndTitle } from '../layout.tsx';
import { translatorOf, useTranslator } from '../translator.tsx';
import { account } from './area.ts';
import { deviceOf } from './device.ts';

export const DEVICES_PATH = '/dashboard/sessions';

/** The page that names a known device. */
export const renamePath = (id: string): string => `${DEVICES_PATH}?rename=${id}`;

type AnyCall = SignedInCall<unknown, unknown>;

const signOuts = {
  others: { title: 'devices.sign_out_others', explain: 'devices.others_explain' },
  everywhere: { title: 'devices.sign_out_everywhere', explain: 'devices.everywhere_explain' },
} as const;
export type SignOutOf = keyof typeof signOuts;
export const signOutsOf = Object.keys(signOuts) as SignOutOf[];

/** Explains which devices are about to be signed out, before anything happens. */
export function confirmSignOutPage(context: AppContext, call: AnyCall, of: SignOutOf): RouteResponse {
  const t = translatorOf(context, call);
  const title = t(signOuts[of].title);
  return page(
    context,
    call,
    { title, area: account, at: DEVICES_PATH, trail: [] },
    <>
      <h1>{title}</h1>
      <Notice kind="warn">
        <p>{t(signOuts[of].explain)}</p>
      </Notice>
      <Card>
        <Form action={DEVICES_PATH} hidden={{ [of]: 'end' }}>
          <PasswordIfNeeded context={context} call={call} />
          <Actions>
            <Button weight="final">{title}</Button>
            <Cancel href={DEVICES_PATH} />
          </Actions>
        </Form>
      </Card>
    </>,
  );
}

/** Asks for the name of a known device. */
export function renamePage(
  context: AppContext,
  call: AnyCall,
  device: ListedDevice,
  { name, error }: { name: string; error?: HttpError },
): RouteResponse {
  const t = translatorOf(context, call);
  const title = t('devices.rename_title');
  return page(
    context,
    call,
    { ...statusAndTitle(title, error, t), name: title, area: account, at: DEVICES_PATH, trail: [] },
    <>
      <h1>{title}</h1>
      <p class="lead">
        {t('devices.rename_lead', { device: deviceOf(device.user_agent, t), ip: device.ip })}
      </p>
      <Card>
        <Form action={DEVICES_PATH} hidden={{ rename: device.id }}>
          <Field
            name="name"
            label={t('devices.name')}
            value={name}
            autocomplete="off"
            hint={t('devices.name_hint')}
            errors={error?.fields ?? []}
            autofocus
          />
          <PasswordIfNeeded context={context} call={call} />
          <Actions>
            <Button>{t('devices.save_name')}</Button>
            <Cancel href={DEVICES_PATH} />
          </Actions>
        </Form>
      </Card>
    </>,
  );
}

/** The field for the password, which the HTTP layer requires unless it was entered in the last five minutes. */
function PasswordIfNeeded({ context, call }: { context: AppContext; call: AnyCall }) {
  const t = useTranslator();
  if (isRecentlyAuthenticated(context, call.activeSession)) return null;
  return (
    <PasswordField
      name="password"
      label={t('fields.your_password')}
      autocomplete="current-password"
      errors={[]}
      hint={t('confirm.hint')}
    />
  );
}
