import type { Child } from 'hono/jsx';
import type { PlainKey } from '../languages/text.ts';
import type { Translator } from '../languages/translator.ts';
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
import { useTranslator } from './translator.tsx';

type PageColumn = ColumnsWith<{ page: { label: PlainKey } }>;
/** Renders a field that is not plain text. */
type Renderer<User> = (user: User, now: number, t: Translator) => Child;

const owner: Partial<Record<PageColumn, Renderer<Pick<UserColumns, SessionUserColumn>>>> = {
  email: ({ email, email_verified_at }) => (
    <>
      <bdi>{email}</bdi> <Verified isEmailVerified={email_verified_at !== null} />
    </>
  ),
  admin_since: (user, _, t) => t(roleOf(user) === 'admin' ? 'facts.administrator' : 'facts.user'),
  created_at: (user) => <Day at={user.created_at} />,
};

const admin: Partial<Record<PageColumn, Renderer<UserColumns>>> = {
  id: ({ id }, _, t) => <Copyable label={t('facts.copy_user_id')} value={id} />,
  disabled_at: (user) => <States user={user} />,
  created_at: (user) => <Day at={user.created_at} />,
  password_changed_at: (user, _, t) => (
    <>
      <Day at={user.password_changed_at} />{' '}
      {user.password_change_required_at !== null && <Badge>{t('facts.must_change_password')}</Badge>}
    </>
  ),
  last_sign_in_at: ({ last_sign_in_at: at }, now, t) =>
    at === null ? t('facts.never') : <Ago at={at} now={now} />,
};

/** What users see of their own account. */
export const OwnFacts = ({ user, now }: { user: Pick<UserColumns, SessionUserColumn>; now: number }) => (
  <Facts of={factsFor('owner', owner, user, now, useTranslator())} />
);

/** What administrators see of a user. */
export const AdminFacts = ({ user, now }: { user: UserColumns; now: number }) => (
  <Facts of={factsFor('admin', admin, user, now, useTranslator())} />
);

/** A name or an email in its own direction. */
const isolated = (value: unknown): Child => (value == null ? null : <bdi>{String(value)}</bdi>);

/** The fields that `reader` may see, in the order of the table, with the ID last. Empty fields are left out. */
function factsFor<User extends Partial<UserColumns>>(
  reader: 'owner' | 'admin',
  renderers: Partial<Record<PageColumn, Renderer<User>>>,
  user: User,
  now: number,
  t: Translator,
): [string, Child][] {
  const columns = columnsWith(({ page }) => page?.seenBy.includes(reader) ?? false) as PageColumn[];
  return columns
    .toSorted((one, other) => Number(one === 'id') - Number(other === 'id'))
    .flatMap((column) => {
      const shown = renderers[column] ? renderers[column](user, now, t) : isolated(user[column]);
      return shown == null ? [] : [[t(userFields[column].page.label), shown]];
    });
}
