import type { Child } from 'hono/jsx';
import {
  type ColumnsWith,
  columnsWith,
  roleOf,
  type SessionUserColumn,
  type UserColumns,
  userFields,
} from '../user-fields.ts';
import { States } from './admin/users.tsx';
import { Copyable } from './copyable.tsx';
import { Verified } from './dashboard/email.tsx';
import { Badge, Facts } from './layout.tsx';
import { Ago, Day } from './time.tsx';

type PageColumn = ColumnsWith<{ page: { label: string } }>;
/** Renders a field that is not plain text. */
type Renderer<User> = (user: User, now: number) => Child;

const owner: Partial<Record<PageColumn, Renderer<Pick<UserColumns, SessionUserColumn>>>> = {
  email: ({ email, email_verified_at }) => (
    <>
      {email} <Verified isEmailVerified={email_verified_at !== null} />
    </>
  ),
  admin_since: (user) => (roleOf(user) === 'admin' ? 'Administrator' : 'User'),
  created_at: (user) => <Day at={user.created_at} />,
};

const admin: Partial<Record<PageColumn, Renderer<UserColumns>>> = {
  id: ({ id }) => <Copyable label="user ID" value={id} />,
  disabled_at: (user) => <States user={user} />,
  created_at: (user) => <Day at={user.created_at} />,
  password_changed_at: (user) => (
    <>
      <Day at={user.password_changed_at} />{' '}
      {user.password_change_required_at !== null && <Badge>Must be changed at next sign-in</Badge>}
    </>
  ),
  last_sign_in_at: ({ last_sign_in_at: at }, now) => (at === null ? 'Never' : <Ago at={at} now={now} />),
};

/** What users see of their own account. */
export const OwnFacts = ({ user, now }: { user: Pick<UserColumns, SessionUserColumn>; now: number }) => (
  <Facts of={factsFor('owner', owner, user, now)} />
);

/** What administrators see of a user. */
export const AdminFacts = ({ user, now }: { user: UserColumns; now: number }) => (
  <Facts of={factsFor('admin', admin, user, now)} />
);

/** The fields that `reader` may see, in the order of the table, with the ID last. Empty fields are left out. */
function factsFor<User extends Partial<UserColumns>>(
  reader: 'owner' | 'admin',
  renderers: Partial<Record<PageColumn, Renderer<User>>>,
  user: User,
  now: number,
): [string, Child][] {
  const columns = columnsWith(({ page }) => page?.seenBy.includes(reader) ?? false) as PageColumn[];
  return columns
    .toSorted((one, other) => Number(one === 'id') - Number(other === 'id'))
    .flatMap((column) => {
      const shown = renderers[column] ? renderers[column](user, now) : user[column];
      return shown == null ? [] : [[userFields[column].page.label, shown]];
    });
}
