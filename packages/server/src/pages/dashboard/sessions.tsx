import { z } from 'zod';
import type { World } from '../../context.ts';
import type { ListedDevice } from '../../core/devices.ts';
import type { ListedSession } from '../../core/sessions.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { readDevice } from '../../edge/side-cookies.ts';
import { Refusal } from '../../errors.ts';
import { deviceParams, removeOneDevice } from '../../flows/account/devices.ts';
import { endAllOtherSessions, endOneSession, sessionParams } from '../../flows/account/sessions.ts';
import { ownDevices, ownSessions } from '../../flows/account/where.ts';
import { Button, Form } from '../form.tsx';
import { Badge, Card, Notice, page, seeOther } from '../layout.tsx';
import { Ago } from '../time.tsx';
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
/** The id of the session to end, or all others, or the id of the device to remove. */
export const sessionsForm = z.union([
  z.strictObject({ session: sessionParams.shape.id }),
  z.strictObject({ others: z.literal('end') }),
  z.strictObject({ device: deviceParams.shape.id }),
]);

/** Where the account is signed in, and where it was before; any of it can be ended or removed here. */
export async function sessionsPage(
  world: World,
  call: SignedInCall<undefined, z.infer<typeof sessionsQuery>>,
): Promise<Answer> {
  const { live, query } = call;
  const now = world.clock.now();
  const sessions = await ownSessions(world, live);
  const devices = await ownDevices(world, live);
  const thisDevice = await readDevice(world, call.headers, live.user.id);
  const current = sessions.filter(({ id }) => id === live.session.id);
  const others = sessions.filter(({ id }) => id !== live.session.id);
  return page(
    world,
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

export async function sessionsAnswer(
  world: World,
  call: SignedInCall<z.infer<typeof sessionsForm>>,
): Promise<Answer> {
  const { body } = call;
  if ('others' in body) {
    await endAllOtherSessions(world, { ...call, body: undefined });
    return seeOther(`${PATH}?done=others`);
  }
  if ('device' in body) return removeDeviceAnswer(world, call, body.device);
  try {
    const { cookie } = await endOneSession(world, { ...call, body: undefined, params: { id: body.session } });
    return seeOther(`${PATH}?done=one`, { cookie });
  } catch (error) {
    if (error instanceof Refusal && error.code === 'not_found') return seeOther(`${PATH}?done=gone`);
    throw error;
  }
}

async function removeDeviceAnswer(world: World, call: SignedInCall<unknown>, id: string): Promise<Answer> {
  try {
    const { sideCookies } = await removeOneDevice(world, { ...call, body: undefined, params: { id } });
    return seeOther(`${PATH}?done=device`, { sideCookies });
  } catch (error) {
    if (error instanceof Refusal && error.code === 'not_found') return seeOther(`${PATH}?done=unknown`);
    throw error;
  }
}

interface SessionProps {
  session: ListedSession;
  now: number;
  isThis?: boolean;
}

function Session({ session, now, isThis }: SessionProps) {
  const device = deviceOf(session.user_agent);
  return (
    <li>
      <div>
        <p>
          <strong>{device}</strong> {isThis && <Badge kind="good">This device</Badge>}
          {session.kind === 'bearer' && <Badge>API client</Badge>}
        </p>
        <p class="note">
          Last active <Ago at={session.last_seen_at} now={now} /> · Signed in{' '}
          <Ago at={session.created_at} now={now} />
        </p>
        <p class="note">IP {session.ip}</p>
      </div>
      {!isThis && (
        <Form action={PATH} shape="inline" hidden={{ session: session.id }}>
          <Button weight="plain" small label={`Sign out ${device}, IP ${session.ip}`}>
            Sign out
          </Button>
        </Form>
      )}
    </li>
  );
}

interface DeviceProps {
  device: ListedDevice;
  now: number;
  isThis: boolean;
}

function Device({ device, now, isThis }: DeviceProps) {
  const name = deviceOf(device.user_agent);
  return (
    <li>
      <div>
        <p>
          <strong>{name}</strong> {isThis && <Badge kind="good">This device</Badge>}
          {device.kind === 'bearer' && <Badge>API client</Badge>}
        </p>
        <p class="note">
          Last sign-in <Ago at={device.last_used_at} now={now} /> · Known since{' '}
          <Ago at={device.created_at} now={now} />
        </p>
        <p class="note">IP {device.ip}</p>
      </div>
      <Form action={PATH} shape="inline" hidden={{ device: device.id }}>
        <Button weight="plain" small label={`Remove ${name}, IP ${device.ip}`}>
          Remove
        </Button>
      </Form>
    </li>
  );
}
