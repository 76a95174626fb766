import { z } from 'zod';
import type { World } from '../../context.ts';
import type { ListedDevice } from '../../core/devices.ts';
import type { RecordedEvent } from '../../core/events.ts';
import type { LimitName } from '../../core/limits.ts';
import type { User } from '../../core/users.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { type FieldError, Refusal } from '../../errors.ts';
import { getUser } from '../../flows/accounts/change-account.ts';
import { type DescribedLimit, userDetails } from '../../flows/admin/user-details.ts';
import { deviceOf } from '../dashboard/device.ts';
import { Field } from '../field.tsx';
import { ButtonLink } from '../form.tsx';
import { Badge, Card, Empty, Notice, page, seeOther, Table } from '../layout.tsx';
import { Ago, Until } from '../time.tsx';
import { AdminFacts } from '../user-facts.tsx';
import { console } from './area.ts';
import { confirmPage } from './confirm.tsx';
import { EventRows, eventHeads } from './events.tsx';
import { type ActName, actNames, actOf, actTitle, perform } from './user-acts.ts';

const PATH = '/admin/users';
const EVENTS_SHOWN = 20;

export const userPageParams = z.strictObject({ id: z.uuid() });
export const userPageQuery = z.object({ done: z.enum(actNames).optional().catch(undefined) });
export const actParams = z.strictObject({ id: z.uuid(), act: z.enum(actNames) });
export const actForm = z.strictObject({ username: z.string().optional() });

type ById = z.infer<typeof userPageParams>;

/** Everything about a user: details, rate limits, sessions, devices, events and actions. */
export async function userPage(
  world: World,
  call: SignedInCall<undefined, z.infer<typeof userPageQuery>, ById>,
): Promise<Answer> {
  const now = world.clock.now();
  const details = await userDetails(world, call.params.id, EVENTS_SHOWN);
  const { user, limits, sessions, devices, events, names } = details;
  const { done } = call.query;
  return page(
    world,
    call,
    { title: user.username, area: console, at: PATH },
    <>
      <h1>{user.username}</h1>
      {done && (
        <Notice kind="good">
          {actOf(done).done}
          {done === 'send-mail' && world.hasMailbox && (
            <>
              {' '}
              No mail server is set up. The email is in the development mailbox:{' '}
              <a href="/mailbox">open it</a>.
            </>
          )}
        </Notice>
      )}
      <Card title="Details">
        <AdminFacts user={user} now={now} />
      </Card>
      <Limits limits={limits} userId={user.id} now={now} />
      <Card title={`Sessions (${sessions.length})`}>
        {sessions.length === 0 ? (
          <p class="quiet">No active sessions.</p>
        ) : (
          <ul class="rows">
            {sessions.map((session) => (
              <li>
                <div>
                  <p>
                    {deviceOf(session.user_agent)} {session.kind === 'bearer' && <Badge>API client</Badge>}
                  </p>
                  <p class="note">
                    {session.ip} · Last active <Ago at={session.last_seen_at} now={now} /> · Signed in{' '}
                    <Ago at={session.created_at} now={now} />
                  </p>
                </div>
              </li>
            ))}
          </ul>
        )}
      </Card>
      <Devices devices={devices} now={now} />
      <Events events={events} names={names} user={user} now={now} />
      <Card title="Actions">
        <p class="actions">
          {actNames
            .filter((name) => actOf(name).fits?.(user) ?? true)
            .map((name) => (
              <ButtonLink
                href={`${PATH}/${user.id}/${name}`}
                weight={actOf(name).isDangerous ? 'danger' : 'plain'}
                small
              >
                {actOf(name).label}…
              </ButtonLink>
            ))}
        </p>
      </Card>
    </>,
  );
}

/** Why a user cannot sign in. */
function Limits({ limits, userId, now }: { limits: DescribedLimit[]; userId: string; now: number }) {
  if (limits.length === 0) return null;
  const reached = limits.filter(({ isReached }) => isReached);
  return (
    <Card title="Rate limits">
      {reached.length > 0 ? (
        <Notice kind="warn">
          <p>
            This user is blocked: the next attempt will be rejected, even with the correct password or code.
          </p>
          <p>
            <a href={`${PATH}/${userId}/lift-limits`}>Unblock user</a>
          </p>
        </Notice>
      ) : (
        <p>Not blocked. Attempts counted so far:</p>
      )}
      <ul class="rows">
        {limits.map(({ limit, label, subject, count, isReached, until, why, isOneOfSeveral }) => (
          <li>
            <div>
              <p>
                <span title={limit}>{label}</span>
                {isOneOfSeveral && <> · {subject}</>}: {count} {count === 1 ? 'attempt' : 'attempts'}
              </p>
              <p class="note">{why}</p>
            </div>
            {isReached && (
              <Badge kind="warn">
                {until === null ? endWithoutTime(limit) : <Until at={until} now={now} />}
              </Badge>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Until when a limit blocks that no time ends. */
const endWithoutTime = (limit: LimitName): string =>
  limit === 'passwordsInAll'
    ? 'until the user resets their password by email'
    : 'until the user uses an email link';

/** The devices that the account recognizes. */
function Devices({ devices, now }: { devices: ListedDevice[]; now: number }) {
  if (devices.length === 0) return null;
  return (
    <Card title="Known devices">
      <ul class="rows">
        {devices.map((device) => (
          <li>
            <div>
              <p>
                {deviceOf(device.user_agent)} {device.kind === 'bearer' && <Badge>API client</Badge>}
              </p>
              <p class="note">
                {device.ip} · Last sign-in <Ago at={device.last_used_at} now={now} /> · First sign-in{' '}
                <Ago at={device.created_at} now={now} />
              </p>
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

interface EventsProps {
  events: RecordedEvent[];
  names: ReadonlyMap<string, string>;
  user: User;
  now: number;
}

function Events({ events, names, user, now }: EventsProps) {
  return (
    <Card title="Recent events">
      {events.length === 0 ? (
        <Empty>
          <p>No events yet.</p>
        </Empty>
      ) : (
        <Table caption="Events" head={eventHeads}>
          <EventRows events={events} names={names} now={now} about={user.id} />
        </Table>
      )}
      <p class="actions">
        <a href={`/admin/events?user=${user.id}`}>View all events</a>
      </p>
    </Card>
  );
}

type ActCall<Body = undefined> = SignedInCall<Body, undefined, z.infer<typeof actParams>>;

/** Explains an action before it is performed. */
export async function actPage(world: World, call: ActCall): Promise<Answer> {
  return ask(world, call, await getUser(world.db, call.params.id));
}

/** Performs it. */
export async function actAnswer(world: World, call: ActCall<z.infer<typeof actForm>>): Promise<Answer> {
  const { id, act } = call.params;
  const user = await getUser(world.db, id);
  try {
    await perform(world, call, act, id);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'invalid_token') throw error;
    return ask(world, call, user, error);
  }
  return seeOther(act === 'delete' ? `${PATH}?search=` : `${PATH}/${id}?done=${act}`);
}

type Typed = z.infer<typeof actForm> | undefined;

function ask(world: World, call: ActCall<Typed>, user: User, refusal?: Refusal): Answer {
  const name: ActName = call.params.act;
  const { label, means, asks, isDangerous = false } = actOf(name);
  const path = `${PATH}/${user.id}`;
  return confirmPage(
    world,
    call,
    {
      title: actTitle(name, user),
      means,
      label,
      isDangerous,
      action: `${path}/${name}`,
      back: path,
      at: PATH,
      ...(asks === 'username'
        ? { more: (errors) => <NewName value={call.body?.username ?? user.username} errors={errors} /> }
        : {}),
    },
    refusal,
  );
}

function NewName({ value, errors }: { value: string; errors: FieldError[] }) {
  return (
    <Field
      name="username"
      label="New username"
      value={value}
      // The browser would fill in the administrator's own.
      autocomplete="off"
      errors={errors}
      autofocus
    />
  );
}
