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
import { DeviceItem } from '../device-item.tsx';
import { Button, Form } from '../form.tsx';
import { Icon } from '../icon.tsx';
import { Card, Notice, page, seeOther } from '../layout.tsx';
import { Ago } from '../time.tsx';
import { useTranslator } from '../translator.tsx';
import { account } from './area.ts';
import { deviceOf } from './device.ts';

const PATH = '/dashboard/sessions';

const done = {
  one: 'Device signed out.',
  others: 'All other devices signed out.',
  gone: 'That device was already signed out.',
  device: 'Known device removed. If it’s still signed in, sign it out above.',
  unknown: 'That device was already removed.',
};

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
  return page(
    context,
    call,
    { title: 'Devices', area: account, at: PATH },
    <>
      <h1>Devices</h1>
      <p class="lead">Devices signed in to your account. Sign out any you don’t recognize.</p>
      {query.done && <Notice kind="good">{done[query.done]}</Notice>}
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
          <Button weight="danger">Sign out all other devices</Button>
        </Form>
      )}
      {devices.length > 0 && (
        <Card title="Known devices">
          <p class="lead">
            You’ve signed in on these devices before. If someone keeps guessing your password, you can still
            sign in on them. Changing your password removes all of them except the device you’re using.
          </p>
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

const Session = ({ session, now, isThis = false }: SessionProps) => (
  <DeviceItem
    device={session}
    isThis={isThis}
    times={
      <>
        Last active <Ago at={session.last_seen_at} now={now} /> · Signed in{' '}
        <Ago at={session.created_at} now={now} />
        <Kept until={session.kept_until} />
      </>
    }
  >
    {!isThis && (
      <Form action={PATH} shape="inline" hidden={{ session: session.id }}>
        <Button weight="plain" small label={`Sign out ${deviceOf(session.user_agent)}, IP ${session.ip}`}>
          <Icon name="log-out" />
          Sign out
        </Button>
      </Form>
    )}
  </DeviceItem>
);

/** Until when a device stays signed in, if its user asked for that. */
function Kept({ until }: { until: number | null }) {
  const t = useTranslator();
  return until === null ? null : <> · {t('devices.kept_until', { date: t.day(until) })}</>;
}

interface DeviceProps {
  device: ListedDevice;
  now: number;
  isThis: boolean;
}

const Device = ({ device, now, isThis }: DeviceProps) => (
  <DeviceItem
    device={device}
    isThis={isThis}
    times={
      <>
        Last sign-in <Ago at={device.last_used_at} now={now} /> · Known since{' '}
        <Ago at={device.created_at} now={now} />
      </>
    }
  >
    <Form action={PATH} shape="inline" hidden={{ device: device.id }}>
      <Button weight="plain" small label={`Remove ${deviceOf(device.user_agent)}, IP ${device.ip}`}>
        <Icon name="trash-2" />
        Remove
      </Button>
    </Form>
  </DeviceItem>
);
