import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { User } from '../../core/users.ts';
import { type FieldError, HttpError } from '../../errors.ts';
import { getUser } from '../../flows/accounts/change-account.ts';
import { type UserDetails, userDetails } from '../../flows/admin/user-details.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Avatar } from '../avatar.tsx';
import { Field } from '../field.tsx';
import { ButtonLink } from '../form.tsx';
import { Badge, Card, Notice, page, seeOther } from '../layout.tsx';
import { translatorOf, useTranslator } from '../translator.tsx';
import { AdminFacts } from '../user-facts.tsx';
import { adminArea } from './area.ts';
import { Choices } from './choices.tsx';
import { confirmPage } from './confirm.tsx';
import { actionNames, actionOf, perform, type UserActionName } from './user-actions.ts';
import { Events, Limits, Sessions } from './user-tabs.tsx';
import { States } from './users.tsx';

const PATH = '/admin/users';
const EVENTS_SHOWN = 20;

/** The views of a user, each with the label of its tab. */
const tabs = {
  overview: 'admin.user_tab_overview',
  sessions: 'admin.user_tab_sessions',
  activity: 'admin.user_tab_activity',
  limits: 'admin.user_tab_limits',
} as const;
type Tab = keyof typeof tabs;
const tabNames = Object.keys(tabs) as [Tab, ...Tab[]];

export const userPageParams = z.strictObject({ id: z.uuid() });
export const userPageQuery = z.object({
  tab: z.enum(tabNames).default('overview').catch('overview'),
  done: z.enum(actionNames).optional().catch(undefined),
});
export const actionParams = z.strictObject({ id: z.uuid(), action: z.enum(actionNames) });
export const actionForm = z.strictObject({ username: z.string().optional() });

type ById = z.infer<typeof userPageParams>;

/** A user: who they are, what an administrator can do, and one of the views. */
export async function userPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof userPageQuery>, ById>,
): Promise<RouteResponse> {
  const now = context.clock.now();
  const details = await userDetails(context, call.params.id, EVENTS_SHOWN);
  const { user } = details;
  const { done, tab } = call.query;
  return page(
    context,
    call,
    { title: user.username, area: adminArea, at: PATH, trail: [] },
    <>
      <Identity user={user} isOwn={user.id === call.activeSession.user.id} />
      {done && <Done action={done} hasMailbox={context.hasMailbox} />}
      <Blocked details={details} />
      <Tabs user={user} tab={tab} />
      <View tab={tab} details={details} now={now} />
    </>,
  );
}

/** The user, their status, and the actions on them. */
function Identity({ user, isOwn }: { user: User; isOwn: boolean }) {
  const t = useTranslator();
  return (
    <>
      <header class="identity">
        <Avatar user={user} isLarge />
        <div>
          <h1>
            <bdi>{user.username}</bdi>
          </h1>
          {user.display_name !== null && (
            <p class="lead">
              <bdi>{user.display_name}</bdi>
            </p>
          )}
          <p class="lead">
            <bdi>{user.email}</bdi>
          </p>
          <p class="states">
            <States user={user} /> {isOwn && <Badge kind="accent">{t('admin.user_you')}</Badge>}
          </p>
        </div>
      </header>
      {isOwn && (
        <Notice>
          <p>{t.rich('admin.user_you_lead', { link: (children) => <a href="/dashboard">{children}</a> })}</p>
        </Notice>
      )}
      <UserActions user={user} />
    </>
  );
}

function Done({ action, hasMailbox }: { action: UserActionName; hasMailbox: boolean }) {
  const t = useTranslator();
  return (
    <Notice kind="good">
      {t(actionOf(action).done)}
      {action === 'send-mail' && hasMailbox && (
        <> {t.rich('admin.user_done_mailbox', { link: (children) => <a href="/mailbox">{children}</a> })}</>
      )}
    </Notice>
  );
}

/** Why a user cannot sign in. */
function Blocked({ details: { limits, user } }: { details: UserDetails }) {
  const t = useTranslator();
  if (!limits.some(({ isExceeded }) => isExceeded)) return null;
  return (
    <Notice kind="warn">
      <p>{t('admin.user_blocked')}</p>
      <p>
        <ButtonLink href={`${PATH}/${user.id}/reset-rate-limits`} small>
          {t('admin.user_unblock')}
        </ButtonLink>
      </p>
    </Notice>
  );
}

function Tabs({ user, tab }: { user: User; tab: Tab }) {
  const t = useTranslator();
  const choices = tabNames.map((one) => ({
    href: one === 'overview' ? `${PATH}/${user.id}` : `${PATH}/${user.id}?tab=${one}`,
    label: t(tabs[one]),
    isThis: one === tab,
  }));
  return <Choices label={t('admin.user_tabs')} choices={choices} />;
}

function View({ tab, details, now }: { tab: Tab; details: UserDetails; now: number }) {
  switch (tab) {
    case 'overview':
      return <Overview user={details.user} now={now} />;
    case 'sessions':
      return <Sessions details={details} now={now} />;
    case 'activity':
      return <Events details={details} />;
    case 'limits':
      return <Limits limits={details.limits} now={now} />;
  }
}

function Overview({ user, now }: { user: User; now: number }) {
  const t = useTranslator();
  return (
    <>
      <Card title={t('admin.user_details')}>
        <AdminFacts user={user} now={now} />
      </Card>
      <Irreversible user={user} />
    </>
  );
}

const isOffered = (name: UserActionName, user: User): boolean => actionOf(name).isAvailable?.(user) ?? true;

/** The actions that are offered for a user. Each leads to a page that field for confirmation. */
const offeredFor = (user: User): UserActionName[] => actionNames.filter((name) => isOffered(name, user));

const ActionLink = ({ user, name }: { user: User; name: UserActionName }) => (
  <ButtonLink
    href={`${PATH}/${user.id}/${name}`}
    weight={actionOf(name).isDangerous ? 'danger' : 'plain'}
    small
  >
    {useTranslator()(actionOf(name).label)}…
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
function Irreversible({ user }: { user: User }) {
  const t = useTranslator();
  const dangerous = offeredFor(user).filter((name) => actionOf(name).isDangerous);
  return (
    <Card title={t('admin.user_danger')} look="danger">
      <ul class="rows">
        {dangerous.map((name) => (
          <li>
            <div>
              <p>
                <strong>{t(actionOf(name).label)}</strong>
              </p>
              <p class="note">
                {actionOf(name)
                  .effects.slice(0, 1)
                  .map((key) => t(key))}
              </p>
            </div>
            <ActionLink user={user} name={name} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

type ActionCall<Body = undefined> = SignedInCall<Body, undefined, z.infer<typeof actionParams>>;

/** Explains an action before it is performed. */
export async function actionPage(context: AppContext, call: ActionCall): Promise<RouteResponse> {
  return askToAct(context, call, await getUser(context.db, call.params.id));
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
    return askToAct(context, call, user, error);
  }
  return seeOther(action === 'delete' ? `${PATH}?done=deleted` : `${PATH}/${id}?done=${action}`);
}

/** The parts of a request for an action. Its form may have been rejected. */
type AskedFor = SignedInCall<unknown, unknown, z.infer<typeof actionParams>>;

/** The page that explains an action, with the error of its form if there is one. */
export function askToAct(context: AppContext, call: AskedFor, user: User, error?: HttpError): RouteResponse {
  const t = translatorOf(context, call);
  const name: UserActionName = call.params.action;
  const { label, title, effects, field, isDangerous = false } = actionOf(name);
  const path = `${PATH}/${user.id}`;
  const titleInWords = t(title(user.username));
  if (!isOffered(name, user)) return notOffered(context, call, user, titleInWords);
  const username = actionForm.safeParse(call.body).data?.username ?? user.username;
  return confirmPage(
    context,
    call,
    {
      title: titleInWords,
      effects: effects.map((key) => t(key)),
      label: t(label),
      isDangerous,
      action: `${path}/${name}`,
      back: path,
      at: PATH,
      trail: [{ href: path, label: user.username }],
      ...(field === 'username' ? { more: (errors) => <NewName value={username} errors={errors} /> } : {}),
    },
    error,
  );
}

/** Shown for an action that changes nothing for this user, such as a promotion of an administrator. */
function notOffered(context: AppContext, call: AskedFor, user: User, title: string): RouteResponse {
  const t = translatorOf(context, call);
  const path = `${PATH}/${user.id}`;
  return page(
    context,
    call,
    { title, area: adminArea, at: PATH, trail: [{ href: path, label: user.username }] },
    <>
      <h1>{title}</h1>
      <Notice>{t('admin.not_needed')}</Notice>
      <p>
        <ButtonLink href={path} weight="plain">
          {t('admin.back_to_user')}
        </ButtonLink>
      </p>
    </>,
  );
}

function NewName({ value, errors }: { value: string; errors: FieldError[] }) {
  return (
    <Field
      name="username"
      label={useTranslator()('admin.user_new_username')}
      value={value}
      // The browser would fill in the administrator's own.
      autocomplete="off"
      errors={errors}
      autofocus
    />
  );
}
