import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { UserOrder } from '../../core/users/query.ts';
import type { User } from '../../core/users.ts';
import { findUsers, userOrders } from '../../flows/admin/find-users.ts';
import { showUserCursor, userCursor } from '../../flows/admin/user-cursor.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { roleOf, type UserColumns } from '../../user-fields.ts';
import { Avatar } from '../avatar.tsx';
import { Button, ButtonLink } from '../form.tsx';
import { Badge, Empty, Notice, page, Row, Table } from '../layout.tsx';
import { Ago, Day } from '../time.tsx';
import { adminArea } from './area.ts';
import { Pages } from './choices.tsx';
import { NewUserLinks } from './new-user-links.tsx';

const PATH = '/admin/users';
const PAGE = 50;

const filter = ['user', 'admin', 'disabled'] as const;
const whoLabels = { user: 'Users', admin: 'Admins', disabled: 'Disabled' };
const orderLabels: Record<UserOrder, string> = {
  '-created': 'Newest first',
  created: 'Oldest first',
  username: 'Username A–Z',
  '-username': 'Username Z–A',
};

/** Invalid parameters are ignored: a URL that someone typed still shows a page. */
export const usersQuery = z.object({
  search: z.string().max(254).optional().catch(undefined),
  filter: z.enum(filter).optional().catch(undefined),
  sort: z.enum(userOrders).default('-created').catch('-created'),
  cursor: userCursor.optional().catch(undefined),
  done: z.literal('deleted').optional().catch(undefined),
});
type Query = Omit<z.infer<typeof usersQuery>, 'done'>;

/** All users, to search, filter and sort. */
export async function usersPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof usersQuery>>,
): Promise<RouteResponse> {
  const { done, ...query } = call.query;
  const { users, next } = await findUsers(context, {
    search: query.search,
    role: query.filter === 'disabled' ? undefined : query.filter,
    disabled: query.filter === 'disabled' ? true : undefined,
    order: query.sort,
    after: query.cursor,
    limit: PAGE,
  });
  return page(
    context,
    call,
    { title: 'Users', area: adminArea, at: PATH },
    <>
      <div class="headline">
        <h1>Users</h1>
        <NewUserLinks />
      </div>
      {done && <Notice kind="good">User deleted.</Notice>}
      <Filter query={query} />
      {isShort(query.search) && (
        <p class="note">
          One or two characters match the start of a username, email or display name. Type three to search
          everywhere.
        </p>
      )}
      {users.length === 0 ? (
        <Empty>
          <p>
            {next === null
              ? 'No users match your search.'
              : 'No users match your search so far. Next continues it.'}
          </p>
          {query.search && (
            <p>A search matches part of a username, email or display name, or a full user ID.</p>
          )}
          <p>
            <ButtonLink href={PATH} weight="plain" small>
              Clear filters
            </ButtonLink>
          </p>
        </Empty>
      ) : (
        <Table caption="Users" head={head}>
          {users.map((user) => (
            <UserRow user={user} now={context.clock.now()} />
          ))}
        </Table>
      )}
      <Pages path={PATH} parameters={query} cursor={showUserCursor(next)} />
    </>,
  );
}

/** Whether a search is too short to match everywhere. */
const isShort = (search = ''): boolean => search.trim() !== '' && [...search.trim()].length < 3;

function Filter({ query }: { query: Query }) {
  return (
    <form method="get" action={PATH} class="wide filter">
      <div class="field">
        <label for="search">Search</label>
        <input
          id="search"
          name="search"
          type="search"
          value={query.search}
          autocomplete="off"
          placeholder="Name, email or user ID"
        />
      </div>
      <Select
        name="filter"
        label="Status"
        value={query.filter}
        options={[['', 'All'], ...Object.entries(whoLabels)]}
      />
      <Select name="sort" label="Sort by" value={query.sort} options={Object.entries(orderLabels)} />
      <Button weight="plain">Apply</Button>
    </form>
  );
}

interface SelectProps {
  name: string;
  label: string;
  value: string | undefined;
  options: [value: string, label: string][];
  error?: string | undefined;
}

export function Select({ name, label, value, options, error }: SelectProps) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <select
        id={name}
        name={name}
        aria-invalid={error && 'true'}
        aria-describedby={error && `${name}-error`}
      >
        {options.map(([one, words]) => (
          <option value={one} selected={one === (value ?? '')}>
            {words}
          </option>
        ))}
      </select>
      {error && (
        <span class="error" id={`${name}-error`}>
          {error}
        </span>
      )}
    </div>
  );
}

const head = ['User', 'Status', 'Last sign-in', 'Created'] as const;

function UserRow({ user, now }: { user: User; now: number }) {
  const { id, username, display_name, email, last_sign_in_at, created_at } = user;
  return (
    <Row
      head={head}
      cells={[
        <div class="person">
          <Avatar user={user} />
          <div>
            <a href={`${PATH}/${id}`}>{username}</a>
            {display_name !== null && <p>{display_name}</p>}
            <p>{email}</p>
          </div>
        </div>,
        <States user={user} />,
        last_sign_in_at === null ? <span class="quiet">Never</span> : <Ago at={last_sign_in_at} now={now} />,
        <Day at={created_at} />,
      ]}
    />
  );
}

/** The status badges of a user. */
export function States({
  user,
}: {
  user: Pick<UserColumns, 'admin_since' | 'disabled_at' | 'email_verified_at'>;
}) {
  return (
    <>
      {user.disabled_at === null ? <Badge kind="good">Active</Badge> : <Badge kind="bad">Disabled</Badge>}{' '}
      {roleOf(user) === 'admin' && <Badge kind="accent">Admin</Badge>}{' '}
      {user.email_verified_at === null && <Badge>Email not verified</Badge>}
    </>
  );
}
