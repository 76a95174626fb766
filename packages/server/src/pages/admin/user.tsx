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
import { deviceOf } from '../dashboard/device.ts';
import { Field } from '../field.tsx';
import { ButtonLink } from '../form.tsx';
import { Badge, Card, Empty, Notice, page, seeOther, Table } from '../layout.tsx';
import { Ago, Until } from '../time.tsx';
import { AdminFacts } from '../user-facts.tsx';
import { adminArea } from './area.ts';
import { confirmPage } from './confirm.tsx';
import { EventRows, eventHeads } from './events.tsx';
import { actionNames, actionOf, actionTitle, perform, type UserActionName } from './user-actions.ts';

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
    { title: user.username, area: adminArea, at: PATH },
    <>
      <h1>{user.username}</h1>
      {user.display_name !== null && <p class="lead">{user.display_name}</p>}
      {done && <Done action={done} hasMailbox={context.hasMailbox} />}
      <Card title="Details">
        <AdminFacts user={user} now={now} />
      </Card>
      <Limits limits={limits} userId={user.id} now={now} />
      <Sessions sessions={sessions} now={now} />
      <Devices devices={devices} now={now} />
      <Events events={events} names={names} user={user} now={now} />
      <UserActions user={user} />
    </>,
  );
}

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
  return (
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
  );
}

/** The actions that are offered for a user. Each leads to a page that asks for confirmation. */
function UserActions({ user }: { user: User }) {
  return (
    <Card title="Actions">
      <p class="actions">
        {actionNames
          .filter((name) => actionOf(name).fits?.(user) ?? true)
          .map((name) => (
            <ButtonLink
              href={`${PATH}/${user.id}/${name}`}
              weight={actionOf(name).isDangerous ? 'danger' : 'plain'}
              small
            >
              {actionOf(name).label}…
            </ButtonLink>
          ))}
      </p>
    </Card>
  );
}

/** Why a user cannot sign in. */
function Limits({ limits, userId, now }: { limits: DescribedLimit[]; userId: string; now: number }) {
  if (limits.length === 0) return null;
  const reached = limits.filter(({ isExceeded }) => isExceeded);
  return (
    <Card title="Rate limits">
      {reached.length > 0 ? (
        <Notice kind="warn">
          <p>
            This user is blocked: the next attempt will be rejected, even with the correct password or code.
          </p>
          <p>
            <a href={`${PATH}/${userId}/reset-rate-limits`}>Unblock user</a>
          </p>
        </Notice>
      ) : (
        <p>Not blocked. Attempts counted so far:</p>
      )}
      <ul class="rows">
        {limits.map(({ limit, label, subject, count, isExceeded, until, why, isOneOfSeveral }) => (
          <li>
            <div>
              <p>
                <span title={limit}>{label}</span>
                {isOneOfSeveral && <> · {subject}</>}: {count} {count === 1 ? 'attempt' : 'attempts'}
              </p>
              <p class="note">{why}</p>
            </div>
            {isExceeded && (
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

/** How a rate limit without an expiry is ended. */
const endWithoutTime = (limit: RateLimitName): string =>
  limit === 'passwords_per_account_total'
    ? 'until the user resets their password by email'
    : 'until the user uses an email link';

/** The known devices of the account. */
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
