import type { AppContext } from '../../context.ts';
import type { UserOrder } from '../../core/users/query.ts';
import type { User } from '../../core/users.ts';
import { countUsersWith, findUserPage, reversed, type UserListPage } from '../../flows/admin/find-users.ts';
import { showUserCursor } from '../../flows/admin/user-cursor.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import type { Translator } from '../../languages/translator.ts';
import { roleOf, type UserColumns } from '../../user-fields.ts';
import { Avatar } from '../avatar.tsx';
import { CopyButton } from '../copyable.tsx';
import { Button, ButtonLink } from '../form.tsx';
import { Badge, Empty, Notice, page, Row, type Sorting, Table } from '../layout.tsx';
import { Ago, Day } from '../time.tsx';
import { translatorOf, useTranslator } from '../translator.tsx';
import { adminArea } from './area.ts';
import { Chips, Select, withQuery } from './choices.tsx';
import { NewUserLinks } from './new-user-links.tsx';
import {
  createdDays,
  inactiveDays,
  PAGE,
  PATH,
  parametersOf,
  type UserFilters,
  type UsersQuery,
  userQueryOf,
} from './users-query.ts';

/** All users, to search, filter, sort and select. */
export async function usersPage(
  context: AppContext,
  call: SignedInCall<undefined, UsersQuery>,
): Promise<RouteResponse> {
  const t = translatorOf(context, call);
  const { query } = call;
  const now = context.clock.now();
  const wanted = userQueryOf(query, now, PAGE);
  const found = await findUserPage(context, { ...wanted, after: query.cursor, before: query.before });
  const total = await countUsersWith(context, wanted);
  return page(
    context,
    call,
    { title: t('admin.users.title'), area: adminArea, at: PATH },
    <>
      <div class="headline">
        <h1>{t('admin.users.title')}</h1>
        <Exports path={PATH} parameters={parametersOf(query)} />
        <NewUserLinks />
      </div>
      <Done query={query} />
      <Filter query={query} />
      <div id="found" class="found" aria-live="polite">
        <Found query={query} found={found} total={total} now={now} />
      </div>
      <script type="module" src={context.assets['list.js']?.url} />
    </>,
  );
}

/** Links to the list as a file. */
export function Exports({
  path,
  parameters,
}: {
  path: string;
  parameters: Record<string, string | undefined>;
}) {
  const t = useTranslator();
  return (
    <p class="exports">
      {(['csv', 'jsonl'] as const).map((format) => (
        <a class="button plain small" href={withQuery(`${path}.${format}`, parameters)} download>
          {t('admin.list.export', { format: format === 'csv' ? 'CSV' : 'JSONL' })}
        </a>
      ))}
    </p>
  );
}

/** What an action before this page has done. */
function Done({ query: { done, count, left } }: { query: UsersQuery }) {
  const t = useTranslator();
  if (done === undefined) return null;
  const texts = {
    deleted: () => t('admin.users.deleted'),
    'bulk-logout': () => t('admin.bulk.logout_done', { count }),
    'bulk-disable': () => t('admin.bulk.disable_done', { count }),
    'bulk-delete': () => t('admin.bulk.delete_done', { count }),
  };
  return (
    <>
      <Notice kind="good">{texts[done]()}</Notice>
      {left > 0 && <Notice kind="warn">{t('admin.bulk.left', { count: left })}</Notice>}
    </>
  );
}

interface FoundProps {
  query: UsersQuery;
  found: UserListPage;
  total: Awaited<ReturnType<typeof countUsersWith>>;
  now: number;
}

/** The part of the page that `assets/list.js` replaces while someone types. */
function Found({ query, found, total, now }: FoundProps) {
  const t = useTranslator();
  const parameters = parametersOf(query);
  const { search, sort, ...filters } = parameters;
  const isFiltered = Object.values({ search, ...filters }).some(Boolean);
  return (
    <>
      <Chips path={PATH} parameters={parameters} labels={filterLabels(query, t)} />
      {isShort(search) && <p class="note">{t('admin.users.short_search')}</p>}
      {found.users.length === 0 ? (
        <Empty>
          <p>{found.next === null ? t('admin.users.none') : t('admin.users.none_so_far')}</p>
          {search && <p>{t('admin.users.search_hint')}</p>}
          {isFiltered && (
            <p>
              <ButtonLink href={PATH} weight="plain" small>
                {t('admin.list.clear')}
              </ButtonLink>
            </p>
          )}
        </Empty>
      ) : (
        <Selectable query={query} users={found.users} now={now} />
      )}
      <Pager query={query} found={found} total={total} />
    </>
  );
}

/** Whether a search is too short to match everywhere. */
const isShort = (search = ''): boolean => search.trim() !== '' && [...search.trim()].length < 3;

const filterLabels = ({ state, role, email, created, inactive }: UserFilters, t: Translator) => ({
  state: state && stateLabels(t)[state],
  role: role && roleLabels(t)[role],
  email: email && emailLabels(t)[email],
  created: created && t('admin.users.created_in', { count: Number(created) }),
  inactive: inactive && t('admin.users.inactive_for', { count: Number(inactive) }),
});

const stateLabels = (t: Translator) => ({
  active: t('admin.users.active'),
  disabled: t('admin.users.disabled'),
});
const roleLabels = (t: Translator) => ({
  user: t('admin.users.role_user'),
  admin: t('admin.users.role_admin'),
});
const emailLabels = (t: Translator) => ({
  unverified: t('admin.users.unverified'),
  verified: t('admin.users.verified'),
});
const orderLabels = (t: Translator): Record<UserOrder, string> => ({
  '-created': t('admin.users.newest'),
  created: t('admin.users.oldest'),
  username: t('admin.users.a_to_z'),
  '-username': t('admin.users.z_to_a'),
});

function Filter({ query }: { query: UserFilters }) {
  const t = useTranslator();
  const all = ['', t('admin.list.all')] as const;
  return (
    <form method="get" action={PATH} class="wide filter" data-live>
      <div class="field">
        <label for="search">{t('admin.list.search')}</label>
        <input
          id="search"
          name="search"
          type="search"
          value={query.search}
          autocomplete="off"
          placeholder={t('admin.users.search_for')}
        />
      </div>
      <Select
        name="state"
        label={t('admin.users.status')}
        value={query.state}
        options={[all, ...Object.entries(stateLabels(t))]}
      />
      <Select
        name="role"
        label={t('admin.users.role')}
        value={query.role}
        options={[all, ...Object.entries(roleLabels(t))]}
      />
      <Select
        name="email"
        label={t('admin.users.email')}
        value={query.email}
        options={[all, ...Object.entries(emailLabels(t))]}
      />
      <Select
        name="created"
        label={t('admin.users.created')}
        value={query.created}
        options={[
          all,
          ...createdDays.map((days) => [days, t('admin.list.last_days', { count: Number(days) })] as const),
        ]}
      />
      <Select
        name="inactive"
        label={t('admin.users.no_sign_in')}
        value={query.inactive}
        options={[
          all,
          ...inactiveDays.map((days) => [days, t('admin.list.for_days', { count: Number(days) })] as const),
        ]}
      />
      <Select
        name="sort"
        label={t('admin.list.sort')}
        value={query.sort}
        options={Object.entries(orderLabels(t))}
      />
      <Button weight="plain">{t('admin.list.apply')}</Button>
    </form>
  );
}

/** The users, with what can be done to those that are selected. */
function Selectable({ query, users, now }: { query: UsersQuery; users: readonly User[]; now: number }) {
  const t = useTranslator();
  const head = [
    t('admin.users.user'),
    t('admin.users.status'),
    t('admin.users.last_sign_in'),
    t('admin.users.created'),
  ];
  const sortBy = (key: 'username' | 'created', first: UserOrder): Sorting => {
    const isNow = query.sort === key || query.sort === `-${key}`;
    const next = isNow ? reversed(query.sort) : first;
    return {
      href: withQuery(PATH, parametersOf({ ...query, sort: next })),
      now: isNow ? (query.sort.startsWith('-') ? 'descending' : 'ascending') : undefined,
    };
  };
  const sorting = {
    [t('admin.users.user')]: sortBy('username', 'username'),
    [t('admin.users.created')]: sortBy('created', '-created'),
  };
  return (
    <form method="get" action="/admin/bulk" class="wide select">
      <Table caption={t('admin.users.title')} head={head} sorting={sorting}>
        {users.map((user, index) => (
          <UserRow user={user} index={index} head={head} now={now} />
        ))}
      </Table>
      <p class="actions bulk">
        <button type="button" class="button plain small" data-select-all hidden>
          {t('admin.bulk.select_all')}
        </button>
        <span>{t('admin.bulk.with_selected')}</span>
        <Button weight="plain" small name="action" value="logout">
          {t('admin.bulk.logout')}
        </Button>
        <Button weight="danger" small name="action" value="disable">
          {t('admin.bulk.disable')}
        </Button>
        <Button weight="danger" small name="action" value="delete">
          {t('admin.bulk.delete')}
        </Button>
      </p>
    </form>
  );
}

interface UserRowProps {
  user: User;
  index: number;
  head: readonly string[];
  now: number;
}

function UserRow({ user, index, head, now }: UserRowProps) {
  const t = useTranslator();
  const { id, username, display_name, email, last_sign_in_at, created_at } = user;
  return (
    <Row
      head={head}
      cells={[
        <div class="person">
          <input
            type="checkbox"
            name={`user${index}`}
            value={id}
            aria-label={t('admin.bulk.select', { username })}
          />
          <Avatar user={user} />
          <div>
            <a href={`${PATH}/${id}`}>
              <bdi>{username}</bdi>
            </a>
            {display_name !== null && (
              <p>
                <bdi>{display_name}</bdi>
              </p>
            )}
            <p>
              <bdi>{email}</bdi>{' '}
              <CopyButton value={email} label={t('admin.users.copy_email', { username })} />
            </p>
          </div>
        </div>,
        <States user={user} />,
        last_sign_in_at === null ? (
          <span class="quiet">{t('admin.users.never')}</span>
        ) : (
          <Ago at={last_sign_in_at} now={now} />
        ),
        <Day at={created_at} />,
      ]}
    />
  );
}

/** Where in the list the page is, and the links to the pages before and after it. */
function Pager({ query, found: { users, next, previous }, total }: Omit<FoundProps, 'now'>) {
  const t = useTranslator();
  const parameters = parametersOf(query);
  const from = query.cursor === undefined && query.before === undefined ? 1 : query.from;
  const isWhole = query.cursor === undefined && query.before === undefined && next === null;
  const at = from === undefined ? undefined : { from, to: from + users.length - 1 };
  const before =
    from === undefined || from - PAGE > 1
      ? {
          before: showUserCursor(previous) ?? undefined,
          from: from === undefined ? undefined : String(from - PAGE),
        }
      : {};
  return (
    <div class="pager">
      {at && users.length > 0 && (
        <p class="note">{rangeText(at, isWhole ? { count: users.length, isExact: true } : total, t)}</p>
      )}
      <p class="pages">
        {previous !== null && (
          <a class="button plain small" rel="prev" href={withQuery(PATH, { ...parameters, ...before })}>
            {t('admin.list.previous')}
          </a>
        )}
        {next !== null && (
          <a
            class="button plain small"
            rel="next"
            href={withQuery(PATH, {
              ...parameters,
              cursor: showUserCursor(next) ?? undefined,
              from: at === undefined ? undefined : String(at.to + 1),
            })}
          >
            {t('admin.list.next')}
          </a>
        )}
      </p>
    </div>
  );
}

/** `1–25 of 1,204`, or `1–25 of 10,000+` where there are more than were counted. */
function rangeText(
  { from, to }: { from: number; to: number },
  total: FoundProps['total'],
  t: Translator,
): string {
  const at = { from: t.number(from), to: t.number(to) };
  if (total === undefined) return t('admin.list.range', at);
  const count = t.number(Math.max(total.count, to));
  return t('admin.list.range_of', { ...at, total: total.isExact ? count : `${count}+` });
}

/** The status badges of a user. */
export function States({
  user,
}: {
  user: Pick<UserColumns, 'admin_since' | 'disabled_at' | 'email_verified_at'>;
}) {
  const t = useTranslator();
  return (
    <>
      {user.disabled_at === null ? (
        <Badge kind="good">{t('admin.users.active')}</Badge>
      ) : (
        <Badge kind="bad">{t('admin.users.disabled')}</Badge>
      )}{' '}
      {roleOf(user) === 'admin' && <Badge kind="accent">{t('admin.users.role_admin')}</Badge>}{' '}
      {user.email_verified_at === null && <Badge>{t('admin.users.unverified')}</Badge>}
    </>
  );
}
