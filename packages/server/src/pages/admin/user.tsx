import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { ListedDevice } from '../../core/devices.ts';
import type { RecordedEvent } from '../../core/events.ts';
import type { RateLimitName } from '../../core/rate-limits.ts';
import type { ListedSession } from '../../core/sessions.ts';
import type { User } from '../../core/users.ts';
import { type FieldError, HttpError } from '../../errors.ts';
import { getUser } from '../../flows/accounts/change-account.ts';
import { type DescribedLimit, userDetails } from '../../flows/admin/user-details.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Avatar } from '../avatar.tsx';
import { DeviceItem } from '../device-item.tsx';
import { Field } from '../field.tsx';
import { ButtonLink } from '../form.tsx';
import { Icon } from '../icon.tsx';
import { Badge, Card, Empty, Notice, page, seeOther } from '../layout.tsx';
import { Ago, Until } from '../time.tsx';
import { Say } from '../translator.tsx';
import { AdminFacts } from '../user-facts.tsx';
import { adminArea } from './area.ts';
import { confirmPage } from './confirm.tsx';
import { EventsTable } from './events-table.tsx';
import { actionNames, actionOf, actionTitle, perform, type UserActionName } from './user-actions.ts';
import { States } from './users.tsx';

const PATH = '/admin/users';
const EVENTS_SHOWN = 20;

export const userPageParams = z.strictObject({ id: z.uuid() });
export const userPageQuery = z.object({ done: z.enum(actionNames).optional().catch(undefined) });
export const actionParams = z.strictObject({ id: z.uuid(), action: z.enum(actionNames) });
export const actionForm = z.strictObject({ username: z.string().optional() });

type ById = z.infer<typeof userPageParams>;

/** Everything about a user: details, rate limits, sessions, devices, events and actions. */
export async function userPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof userPageQuery>, ById>,
): Promise<RouteResponse> {
  const now = context.clock.now();
  const details = await userDetails(context, call.params.id, EVENTS_SHOWN);
  const { user, limits, sessions, devices, events, names } = details;
  const { done } = call.query;
  return page(
    context,
    call,
    { title: user.username, area: adminArea, at: PATH, trail: [] },
    <>
      <Identity user={user} />
      {done && <Done action={done} hasMailbox={context.hasMailbox} />}
      <Blocked limits={limits} userId={user.id} />
      <div class="beside">
        <div>
          <Card title={`Sessions (${sessions.length})`} id="sessions">
            <Sessions sessions={sessions} now={now} />
          </Card>
          <Card title="Known devices" id="devices">
            <Devices devices={devices} now={now} />
          </Card>
          <Limits limits={limits} now={now} />
        </div>
        <div>
          <Card title="Details" id="details">
            <AdminFacts user={user} now={now} />
          </Card>
        </div>
      </div>
      <Events events={events} names={names} user={user} />
      <Irreversible user={user} />
    </>,
  );
}

/** The user, their status, and the actions on them. */
const Identity = ({ user }: { user: User }) => (
  <>
    <header class="identity">
      <Avatar user={user} isLarge />
      <div>
        <h1>{user.username}</h1>
        {user.display_name !== null && <p class="lead">{user.display_name}</p>}
        <p class="lead">{user.email}</p>
        <p class="states">
          <States user={user} />
        </p>
      </div>
    </header>
    <UserActions user={user} />
    <nav class="choices" aria-label="On this page">
      <a class="tab" href="#details">
        Details
      </a>
      <a class="tab" href="#sessions">
        Sessions
      </a>
      <a class="tab" href="#devices">
        Known devices
      </a>
      <a class="tab" href="#events">
        Recent events
      </a>
    </nav>
  </>
);

function Done({ action, hasMailbox }: { action: UserActionName; hasMailbox: boolean }) {
  return (
    <Notice kind="good">
      {actionOf(action).done}
      {action === 'send-mail' && hasMailbox && (
        <>
          {' '}
          No mail server is set up. The email is in the development mailbox: <a href="/mailbox">open it</a>.
        </>
      )}
    </Notice>
  );
}

function Sessions({ sessions, now }: { sessions: ListedSession[]; now: number }) {
  if (sessions.length === 0) return <Empty icon="monitor-smartphone">No active sessions.</Empty>;
  return (
    <ul class="rows">
      {sessions.map((session) => (
        <DeviceItem
          device={session}
          times={
            <>
              Last active <Ago at={session.last_seen_at} now={now} /> · Signed in{' '}
              <Ago at={session.created_at} now={now} />
            </>
          }
        />
      ))}
    </ul>
  );
}

/** The known devices of the account. */
function Devices({ devices, now }: { devices: ListedDevice[]; now: number }) {
  if (devices.length === 0) return <Empty icon="laptop">No known devices.</Empty>;
  return (
    <ul class="rows">
      {devices.map((device) => (
        <DeviceItem
          device={device}
          times={
            <>
              Last sign-in <Ago at={device.last_used_at} now={now} /> · First sign-in{' '}
              <Ago at={device.created_at} now={now} />
            </>
          }
        />
      ))}
    </ul>
  );
}

/** The actions that are offered for a user. Each leads to a page that asks for confirmation. */
const offeredFor = (user: User): UserActionName[] =>
  actionNames.filter((name) => actionOf(name).fits?.(user) ?? true);

const ActionLink = ({ user, name }: { user: User; name: UserActionName }) => (
  <ButtonLink
    href={`${PATH}/${user.id}/${name}`}
    weight={actionOf(name).isDangerous ? 'danger' : 'plain'}
    small
  >
    {actionOf(name).label}…
  </ButtonLink>
);

const UserActions = ({ user }: { user: User }) => (
  <p class="actions">
    {offeredFor(user)
      .filter((name) => !actionOf(name).isDangerous)
      .map((name) => (
        <ActionLink user={user} name={name} />
      ))}
  </p>
);

/** The actions that take the account from its user, apart from the others. */
const Irreversible = ({ user }: { user: User }) => (
  <Card title="Danger zone" look="danger">
    <ul class="rows">
      {offeredFor(user)
        .filter((name) => actionOf(name).isDangerous)
        .map((name) => (
          <li>
            <div>
              <p>
                <strong>{actionOf(name).label}</strong>
              </p>
              <p class="note">{actionOf(name).means[0]}</p>
            </div>
            <ActionLink user={user} name={name} />
          </li>
        ))}
    </ul>
  </Card>
);

/** Why a user cannot sign in. */
function Blocked({ limits, userId }: { limits: DescribedLimit[]; userId: string }) {
  if (!limits.some(({ isExceeded }) => isExceeded)) return null;
  return (
    <Notice kind="warn">
      <p>This user is blocked: the next attempt will be rejected, even with the correct password or code.</p>
      <p>
        <ButtonLink href={`${PATH}/${userId}/reset-rate-limits`} small>
          Unblock user
        </ButtonLink>
      </p>
    </Notice>
  );
}

/** The attempts that are counted, folded unless they block the user. */
function Limits({ limits, now }: { limits: DescribedLimit[]; now: number }) {
  if (limits.length === 0) return null;
  const isBlocked = limits.some(({ isExceeded }) => isExceeded);
  return (
    <section class="card">
      <details class="fold" open={isBlocked}>
        <summary>
          <h2>Rate limits</h2>
          {isBlocked ? <Badge kind="warn">Blocked</Badge> : <Badge>Not blocked</Badge>}
          <Icon name="chevron-down" />
        </summary>
        <ul class="rows">
          {limits.map((limit) => (
            <Limit limit={limit} now={now} />
          ))}
        </ul>
      </details>
    </section>
  );
}

function Limit({ limit: of, now }: { limit: DescribedLimit; now: number }) {
  const { limit, label, subject, count, isExceeded, until, why, isOneOfSeveral } = of;
  return (
    <li>
      <div>
        <p>
          <span title={limit}>
            <Say of={label} />
          </span>
          {isOneOfSeveral && <> · {subject}</>}: {count} {count === 1 ? 'attempt' : 'attempts'}
        </p>
        <p class="note">{why}</p>
      </div>
      {isExceeded && (
        <Badge kind="warn">{until === null ? endWithoutTime(limit) : <Until at={until} now={now} />}</Badge>
      )}
    </li>
  );
}

/** How a rate limit without an expiry is ended. */
const endWithoutTime = (limit: RateLimitName): string =>
  limit === 'passwords_per_account_total'
    ? 'until the user resets their password by email'
    : 'until the user uses an email link';

interface EventsProps {
  events: RecordedEvent[];
  names: ReadonlyMap<string, string>;
  user: User;
}

const Events = ({ events, names, user }: EventsProps) => (
  <section class="events" id="events">
    <div class="headline">
      <h2>Recent events</h2>
      <a href={`/admin/events?user=${user.id}`}>View all events</a>
    </div>
    {events.length === 0 ? (
      <Empty icon="scroll-text">No events yet.</Empty>
    ) : (
      <EventsTable events={events} names={names} />
    )}
  </section>
);

type ActionCall<Body = undefined> = SignedInCall<Body, undefined, z.infer<typeof actionParams>>;

/** Explains an action before it is performed. */
export async function actionPage(context: AppContext, call: ActionCall): Promise<RouteResponse> {
  return ask(context, call, await getUser(context.db, call.params.id));
}

/** Performs it. */
export async function actionSubmit(
  context: AppContext,
  call: ActionCall<z.infer<typeof actionForm>>,
): Promise<RouteResponse> {
  const { id, action } = call.params;
  const user = await getUser(context.db, id);
  try {
    await perform(context, call, action, id);
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === 'invalid_token') throw error;
    return ask(context, call, user, error);
  }
  return seeOther(action === 'delete' ? `${PATH}?done=deleted` : `${PATH}/${id}?done=${action}`);
}

type Typed = z.infer<typeof actionForm> | undefined;

function ask(context: AppContext, call: ActionCall<Typed>, user: User, error?: HttpError): RouteResponse {
  const name: UserActionName = call.params.action;
  const { label, means, asks, isDangerous = false } = actionOf(name);
  const path = `${PATH}/${user.id}`;
  return confirmPage(
    context,
    call,
    {
      title: actionTitle(name, user),
      means,
      label,
      isDangerous,
      action: `${path}/${name}`,
      back: path,
      at: PATH,
      trail: [{ href: path, label: user.username }],
      ...(asks === 'username'
        ? { more: (errors) => <NewName value={call.body?.username ?? user.username} errors={errors} /> }
        : {}),
    },
    error,
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
