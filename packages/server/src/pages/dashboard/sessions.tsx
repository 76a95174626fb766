import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { ListedDevice } from '../../core/devices.ts';
import type { ListedSession } from '../../core/sessions.ts';
import { HttpError } from '../../errors.ts';
import { deviceParams, removeOneDevice } from '../../flows/account/devices.ts';
import { revokeAllOtherSessions, revokeOneSession, sessionParams } from '../../flows/account/sessions.ts';
import { ownDevices, ownSessions } from '../../flows/account/where.ts';
import { readDevice } from '../../http/other-cookies.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import type { TextKey } from '../../languages/text.ts';
import { DeviceItem } from '../device-item.tsx';
import { Button, Form } from '../form.tsx';
import { Icon } from '../icon.tsx';
import { Card, Notice, page, seeOther } from '../layout.tsx';
import { Ago } from '../time.tsx';
import { translatorOf, useTranslator } from '../translator.tsx';
import { account } from './area.ts';
import { deviceOf } from './device.ts';

const PATH = '/dashboard/sessions';

const done = {
  one: 'devices.done_one',
  others: 'devices.done_others',
  gone: 'devices.done_gone',
  device: 'devices.done_removed',
  unknown: 'devices.done_unknown',
} as const satisfies Record<string, TextKey>;

export const sessionsQuery = z.object({
  done: z
    .enum(Object.keys(done) as (keyof typeof done)[])
    .optional()
    .catch(undefined),
});
/** The ID of the session to revoke, or all other sessions, or the ID of the device to remove. */
export const sessionsForm = z.union([
  z.strictObject({ session: sessionParams.shape.id }),
  z.strictObject({ others: z.literal('end') }),
  z.strictObject({ device: deviceParams.shape.id }),
]);

/** Lists active and past sessions and known devices, with buttons to revoke and remove them. */
export async function sessionsPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof sessionsQuery>>,
): Promise<RouteResponse> {
  const { activeSession, query } = call;
  const now = context.clock.now();
  const sessions = await ownSessions(context, activeSession);
  const devices = await ownDevices(context, activeSession);
  const thisDevice = await readDevice(context, call.headers, activeSession.user.id);
  const current = sessions.filter(({ id }) => id === activeSession.session.id);
  const others = sessions.filter(({ id }) => id !== activeSession.session.id);
  const t = translatorOf(context, call);
  const title = t('devices.title');
  return page(
    context,
    call,
    { title, area: account, at: PATH },
    <>
      <h1>{title}</h1>
      <p class="lead">{t('devices.lead')}</p>
      {query.done && <Notice kind="good">{t(done[query.done])}</Notice>}
      <Card>
        <ul class="rows">
          {current.map((session) => (
            <Session session={session} now={now} isThis />
          ))}
          {others.map((session) => (
            <Session session={session} now={now} />
          ))}
        </ul>
      </Card>
      {others.length > 0 && (
        <Form action={PATH} shape="inline" hidden={{ others: 'end' }}>
          <Button weight="danger">{t('devices.sign_out_others')}</Button>
        </Form>
      )}
      {devices.length > 0 && (
        <Card title={t('devices.known')}>
          <p class="lead">{t('devices.known_lead')}</p>
          <ul class="rows">
            {devices.map((device) => (
              <Device device={device} now={now} isThis={device.id === thisDevice} />
            ))}
          </ul>
        </Card>
      )}
    </>,
  );
}

export async function sessionsSubmit(
  context: AppContext,
  call: SignedInCall<z.infer<typeof sessionsForm>>,
): Promise<RouteResponse> {
  const { body } = call;
  if ('others' in body) {
    await revokeAllOtherSessions(context, { ...call, body: undefined });
    return seeOther(`${PATH}?done=others`);
  }
  if ('device' in body) return removeDeviceSubmit(context, call, body.device);
  try {
    const { cookie } = await revokeOneSession(context, {
      ...call,
      body: undefined,
      params: { id: body.session },
    });
    return seeOther(`${PATH}?done=one`, { cookie });
  } catch (error) {
    if (error instanceof HttpError && error.code === 'not_found') return seeOther(`${PATH}?done=gone`);
    throw error;
  }
}

async function removeDeviceSubmit(
  context: AppContext,
  call: SignedInCall<unknown>,
  id: string,
): Promise<RouteResponse> {
  try {
    const { otherCookies } = await removeOneDevice(context, { ...call, body: undefined, params: { id } });
    return seeOther(`${PATH}?done=device`, { otherCookies });
  } catch (error) {
    if (error instanceof HttpError && error.code === 'not_found') return seeOther(`${PATH}?done=unknown`);
    throw error;
  }
}

interface SessionProps {
  session: ListedSession;
  now: number;
  isThis?: boolean;
}

function Session({ session, now, isThis = false }: SessionProps) {
  const t = useTranslator();
  const which = { device: deviceOf(session.user_agent, t), ip: session.ip };
  const times = (
    <>
      {t.rich('device.last_active', {
        time: () => <Ago at={session.last_seen_at} now={now} />,
        since: () => <Ago at={session.created_at} now={now} />,
      })}
    </>
  );
  return (
    <DeviceItem device={session} isThis={isThis} times={times}>
      {!isThis && (
        <Form action={PATH} shape="inline" hidden={{ session: session.id }}>
          <Button weight="plain" small label={t('devices.sign_out_which', which)}>
            <Icon name="log-out" />
            {t('devices.sign_out')}
          </Button>
        </Form>
      )}
    </DeviceItem>
  );
}

interface DeviceProps {
  device: ListedDevice;
  now: number;
  isThis: boolean;
}

function Device({ device, now, isThis }: DeviceProps) {
  const t = useTranslator();
  const which = { device: deviceOf(device.user_agent, t), ip: device.ip };
  const times = (
    <>
      {t.rich('device.last_sign_in', {
        time: () => <Ago at={device.last_used_at} now={now} />,
        since: () => <Ago at={device.created_at} now={now} />,
      })}
    </>
  );
  return (
    <DeviceItem device={device} isThis={isThis} times={times}>
      <Form action={PATH} shape="inline" hidden={{ device: device.id }}>
        <Button weight="plain" small label={t('devices.remove_which', which)}>
          <Icon name="trash-2" />
          {t('devices.remove')}
        </Button>
      </Form>
    </DeviceItem>
  );
}
