import { z } from 'zod';
import type { World } from '../../context.ts';
import type { ListedDevice } from '../../core/devices.ts';
import type { RecordedEvent } from '../../core/events.ts';
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

/** All that is known of a user, why they may have to wait, and what can be done. */
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
              There is no mail server, so it is kept on this machine: <a href="/mailbox">read it</a>.
            </>
          )}
        </Notice>
      )}
      <Card title="Facts">
        <AdminFacts user={user} now={now} />
      </Card>
      <Limits limits={limits} userId={user.id} now={now} />
      <Card title={sessions.length === 1 ? 'One session' : `${sessions.length} sessions`}>
        {sessions.length === 0 ? (
          <p class="quiet">Signed in nowhere.</p>
        ) : (
          <ul class="rows">
            {sessions.map((session) => (
              <li>
                <div>
                  <p>
                    {deviceOf(session.user_agent)} {session.kind === 'bearer' && <Badge>Program</Badge>}
                  </p>
                  <p class="note">
                    From {session.ip} · used <Ago at={session.last_seen_at} now={now} /> · signed in{' '}
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
      <Card title="What you can do">
        <p class="actions">
          {actNames
            .filter((name) => actOf(name).fits?.(user) ?? true)
            .map((name) => (
              <ButtonLink
                href={`${PATH}/${user.id}/${name}`}
                weight={actOf(name).isDangerous ? 'danger' : 'plain'}
                small
              >
                {actOf(name).label} …
              </ButtonLink>
            ))}
        </p>
      </Card>
    </>,
  );
}

/** The answer to "it does not let me in". */
function Limits({ limits, userId, now }: { limits: DescribedLimit[]; userId: string; now: number }) {
  if (limits.length === 0) return null;
  const reached = limits.filter(({ isReached }) => isReached);
  return (
    <Card title="Limits">
      {reached.length > 0 ? (
        <Notice kind="warn">
          <p>The next attempt is refused without being looked at, even if it is right.</p>
          <p>
            <a href={`${PATH}/${userId}/lift-limits`}>Let them try again at once</a>
          </p>
        </Notice>
      ) : (
        <p>No limit is in the way. This is what they have counted.</p>
      )}
      <ul class="rows">
        {limits.map(({ limit, subject, count, isReached, until, why, isOneOfSeveral }) => (
          <li>
            <div>
              <p>
                <code>{limit}</code>
                {isOneOfSeveral && <> {subject}</>}: {count} counted
              </p>
              <p class="note">{why}</p>
            </div>
            {isReached && (
              <Badge kind="warn">
                {until === null ? 'until a mail is answered' : <Until at={until} now={now} />}
              </Badge>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Where the user signed in before. */
function Devices({ devices, now }: { devices: ListedDevice[]; now: number }) {
  if (devices.length === 0) return null;
  return (
    <Card title="Known browsers and programs">
      <ul class="rows">
        {devices.map((device) => (
          <li>
            <div>
              <p>
                {deviceOf(device.user_agent)} {device.kind === 'bearer' && <Badge>Program</Badge>}
              </p>
              <p class="note">
                From {device.ip} · last sign-in <Ago at={device.last_used_at} now={now} /> · known since{' '}
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
    <Card title="Lately">
      {events.length === 0 ? (
        <Empty>
          <p>Nothing has happened.</p>
        </Empty>
      ) : (
        <Table caption="Events" head={eventHeads}>
          <EventRows events={events} names={names} now={now} about={user.id} />
        </Table>
      )}
      <p class="actions">
        <a href={`/admin/events?user=${user.id}`}>All events of this user</a>
      </p>
    </Card>
  );
}

type ActCall<Body = undefined> = SignedInCall<Body, undefined, z.infer<typeof actParams>>;

/** Says what an act means, before it is done. */
export async function actPage(world: World, call: ActCall): Promise<Answer> {
  return ask(world, call, await getUser(world.db, call.params.id));
}

/** Does it. */
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
      label="New user name"
      value={value}
      // The browser would fill in the administrator's own.
      autocomplete="off"
      errors={errors}
      autofocus
    />
  );
}
