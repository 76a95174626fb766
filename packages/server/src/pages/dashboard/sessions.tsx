import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { HttpError } from '../../errors.ts';
import { deviceNameBody, renameDevice } from '../../flows/account/device-names.ts';
import { deviceParams, removeOneDevice } from '../../flows/account/devices.ts';
import { revokeAllOtherSessions, revokeOneSession, sessionParams } from '../../flows/account/sessions.ts';
import { ownDevices, ownSessions } from '../../flows/account/where.ts';
import { logoutEverywhere } from '../../flows/sign-out/sign-out.ts';
import { readDevice } from '../../http/other-cookies.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import type { TextKey } from '../../languages/text.ts';
import { Actions, ButtonLink } from '../form.tsx';
import { Card, Notice, page, seeOther, withErrorHeaders } from '../layout.tsx';
import { translatorOf } from '../translator.tsx';
import { account } from './area.ts';
import { confirmSignOutPage, DEVICES_PATH, renamePage, signOutsOf } from './device-forms.tsx';
import { DeviceRow, SessionRow } from './device-rows.tsx';

const done = {
  one: 'devices.done_one',
  others: 'devices.done_others',
  gone: 'devices.done_gone',
  device: 'devices.done_removed',
  unknown: 'devices.done_unknown',
  renamed: 'devices.done_renamed',
} as const satisfies Record<string, TextKey>;

export const sessionsQuery = z.object({
  done: z
    .enum(Object.keys(done) as (keyof typeof done)[])
    .optional()
    .catch(undefined),
  confirm: z.enum(signOutsOf).optional().catch(undefined),
  rename: deviceParams.shape.id.optional().catch(undefined),
});
/**
 * The ID of the session to revoke, or all other sessions, or all; the ID of the device to remove, or to name and its
 * name.
 */
export const sessionsForm = z.union([
  z.strictObject({ session: sessionParams.shape.id }),
  z.strictObject({ others: z.literal('end') }),
  z.strictObject({ everywhere: z.literal('end') }),
  z.strictObject({ device: deviceParams.shape.id }),
  z.strictObject({ rename: deviceParams.shape.id, ...deviceNameBody.shape }),
]);

/** Lists active sessions and known devices, with what the user can do with them. */
export async function sessionsPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof sessionsQuery>>,
): Promise<RouteResponse> {
  const { confirm, rename } = call.query;
  if (confirm) return confirmSignOutPage(context, call, confirm);
  const devices = await ownDevices(context, call.activeSession);
  const toName = devices.find(({ id }) => id === rename);
  if (toName) return renamePage(context, call, toName, { name: toName.name ?? '' });
  return listPage(context, call, devices);
}

async function listPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof sessionsQuery>>,
  devices: Awaited<ReturnType<typeof ownDevices>>,
): Promise<RouteResponse> {
  const { activeSession, query } = call;
  const now = context.clock.now();
  const sessions = await ownSessions(context, activeSession);
  const thisDevice = await readDevice(context, call.headers, activeSession.user.id);
  const isThis = ({ id }: { id: string }) => id === activeSession.session.id;
  const others = sessions.filter((session) => !isThis(session));
  const t = translatorOf(context, call);
  const title = t('devices.title');
  return page(
    context,
    call,
    { title, area: account, at: DEVICES_PATH },
    <>
      <h1>{title}</h1>
      <p class="lead">{t('devices.lead')}</p>
      {query.done && <Notice kind="good">{t(done[query.done])}</Notice>}
      <Card>
        <ul class="rows">
          {[...sessions.filter(isThis), ...others].map((session) => (
            <SessionRow session={session} now={now} isThis={isThis(session)} />
          ))}
        </ul>
      </Card>
      <Actions>
        {others.length > 0 && (
          <ButtonLink href={`${DEVICES_PATH}?confirm=others`} weight="danger">
            {t('devices.sign_out_others')}
          </ButtonLink>
        )}
        <ButtonLink href={`${DEVICES_PATH}?confirm=everywhere`} weight="danger">
          {t('devices.sign_out_everywhere')}
        </ButtonLink>
      </Actions>
      {devices.length > 0 && (
        <Card title={t('devices.known')}>
          <p class="lead">{t('devices.known_lead')}</p>
          <ul class="rows">
            {devices.map((device) => (
              <DeviceRow device={device} now={now} isThis={device.id === thisDevice} />
            ))}
          </ul>
        </Card>
      )}
    </>,
  );
}

type FormCall = SignedInCall<z.infer<typeof sessionsForm>>;

export async function sessionsSubmit(context: AppContext, call: FormCall): Promise<RouteResponse> {
  const { body } = call;
  const bare = { ...call, body: undefined };
  if ('others' in body) {
    await revokeAllOtherSessions(context, bare);
    return seeOther(`${DEVICES_PATH}?done=others`);
  }
  if ('everywhere' in body)
    return seeOther('/sign-in?done=signed-out', await logoutEverywhere(context, bare));
  if ('rename' in body) return renameSubmit(context, call, body.rename, body.name);
  if ('device' in body)
    return orGone('unknown', async () => {
      const removed = await removeOneDevice(context, { ...bare, params: { id: body.device } });
      return seeOther(`${DEVICES_PATH}?done=device`, { otherCookies: removed.otherCookies });
    });
  return orGone('gone', async () => {
    const { cookie } = await revokeOneSession(context, { ...bare, params: { id: body.session } });
    return seeOther(`${DEVICES_PATH}?done=one`, { cookie });
  });
}

async function renameSubmit(
  context: AppContext,
  call: FormCall,
  id: string,
  name: string,
): Promise<RouteResponse> {
  try {
    return await orGone('unknown', async () => {
      await renameDevice(context, { ...call, body: { name }, params: { id } });
      return seeOther(`${DEVICES_PATH}?done=renamed`);
    });
  } catch (error) {
    const device = (await ownDevices(context, call.activeSession)).find((one) => one.id === id);
    if (!(error instanceof HttpError) || error.code !== 'invalid_request' || !device) throw error;
    return withErrorHeaders(error, renamePage(context, call, device, { name, error }));
  }
}

/** Leads back to the list if the session or device is not there any more. */
async function orGone(then: keyof typeof done, act: () => Promise<RouteResponse>): Promise<RouteResponse> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof HttpError && error.code === 'not_found')
      return seeOther(`${DEVICES_PATH}?done=${then}`);
    throw error;
  }
}
