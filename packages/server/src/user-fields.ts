import { z } from 'zod';
import type { PlainKey } from './languages/text.ts';

/**
 * Every field of a user: its column of `users`, and every place that shows it. The session check's row, the API's
 * `User`, the data that a user downloads, the export and import of users, the CLI's output and the facts on the pages
 * are derived from it. `docs/change.md` says what else a new field needs.
 */
export const userFields = {
  id: text({
    api: { in: 'User', name: 'id', shape: z.uuid(), show: unchanged },
    file: { name: 'id', show: unchanged },
    import: { field: 'id', names: ['id', 'publicid', 'uuid', 'userid', 'sub'] },
    page: { label: 'fields.user_id', seenBy: ['admin'] },
    cli: { name: 'id', title: 'ID', show: unchanged },
  }),
  username: text({
    api: { in: 'User', name: 'username', shape: z.string(), show: unchanged },
    file: { name: 'username', show: unchanged },
    import: { field: 'username', names: ['username', 'login', 'preferredusername', 'nickname', 'handle'] },
    page: { label: 'fields.username', seenBy: ['owner'] },
    profile: { autocomplete: 'username', hint: 'fields.username_use' },
    cli: { name: 'username', title: 'USERNAME', show: unchanged },
  }),
  display_name: maybeText({
    api: {
      in: 'User',
      name: 'display_name',
      shape: z.string().nullable().describe('What the user wants to be called. It is not unique'),
      show: unchanged,
    },
    file: { name: 'display_name', show: orEmpty },
    import: { field: 'displayName', names: ['displayname', 'fullname'] },
    page: { label: 'fields.display_name', seenBy: ['owner', 'admin'] },
    profile: { autocomplete: 'name', hint: 'fields.display_name_use', optional: true },
    cli: { name: 'display_name', title: 'DISPLAY NAME', show: orEmpty },
  }),
  email: text({
    api: { in: 'User', name: 'email', shape: z.string(), show: unchanged },
    file: { name: 'email', show: unchanged },
    import: { field: 'email', names: ['email', 'emailaddress', 'mail', 'useremail', 'primaryemail'] },
    page: { label: 'fields.email', seenBy: ['owner', 'admin'] },
    cli: { name: 'email', title: 'EMAIL', show: unchanged },
  }),
  email_verified_at: maybeTime({
    api: { in: 'User', name: 'email_verified', shape: z.boolean(), show: isSet },
    file: { name: 'email_verified_at', show: toText },
    import: {
      field: 'verified',
      names: [
        'emailverifiedat',
        'emailverified',
        'emailconfirmedat',
        'emailconfirmed',
        'confirmedat',
        'isverified',
        'verified',
      ],
    },
  }),
  admin_since: maybeTime({
    api: { in: 'User', name: 'role', shape: z.enum(['user', 'admin']), show: roleSince },
    file: { name: 'role', show: roleSince },
    import: { field: 'role', names: ['role', 'isadmin', 'admin', 'issuperuser', 'superuser'] },
    page: { label: 'fields.role', seenBy: ['owner'] },
    cli: { name: 'role', title: 'ROLE', show: roleSince },
  }),
  disabled_at: maybeTime({
    api: { in: 'User', name: 'disabled', shape: z.boolean(), show: isSet },
    file: { name: 'disabled_at', show: toText },
    import: {
      field: 'disabled',
      names: ['disabledat', 'disabled', 'isdisabled', 'banned', 'isbanned', 'blocked', 'isblocked'],
    },
    page: { label: 'fields.status', seenBy: ['admin'] },
    cli: { name: 'status', title: 'STATUS', show: (at) => (at === null ? 'enabled' : 'disabled') },
  }),
  created_at: time({
    api: { in: 'User', name: 'created_at', shape: timeShape(), show: toTime },
    file: { name: 'created_at', show: toTime },
    import: { field: 'created', names: ['createdat', 'created', 'datejoined', 'registeredat', 'createdon'] },
    page: { label: 'fields.member_since', seenBy: ['owner', 'admin'] },
    cli: { name: 'created', title: 'CREATED (UTC)', show: toMinute },
  }),
  password_change_required_at: maybeTime({
    api: {
      in: 'User',
      name: 'password_change_required',
      shape: z.boolean().describe('Whether the user must choose a new password before anything else'),
      show: isSet,
    },
  }),
  locale: maybeText({
    api: {
      in: 'User',
      name: 'locale',
      shape: z
        .string()
        .nullable()
        .describe('The language that the user has chosen: a tag of RFC 5646, or null'),
      show: unchanged,
    },
    file: { name: 'locale', show: (tag) => tag ?? '' },
    import: {
      field: 'locale',
      names: ['locale', 'language', 'lang', 'preferredlanguage', 'preferredlocale', 'languagecode'],
    },
    page: { label: 'fields.locale', seenBy: ['admin'] },
    profile: { autocomplete: 'language', optional: true },
  }),
  time_zone: maybeText({
    api: {
      in: 'User',
      name: 'time_zone',
      shape: z
        .string()
        .nullable()
        .describe('The time zone that the user has chosen: an IANA name such as Europe/Berlin, or null'),
      show: unchanged,
    },
    file: { name: 'time_zone', show: orEmpty },
    import: { field: 'timeZone', names: ['timezone', 'tz', 'zoneinfo'] },
    page: { label: 'fields.time_zone', seenBy: ['admin'] },
    profile: { autocomplete: 'off', hint: 'fields.time_zone_use', optional: true },
    cli: { name: 'time_zone', title: 'TIME ZONE', show: orEmpty },
  }),
  password_changed_at: time({
    api: { in: 'own data', name: 'password_changed_at', shape: timeShape(), show: toTime },
    file: { name: 'password_changed_at', show: toTime },
    import: { field: 'passwordChanged', names: ['passwordchangedat'] },
    page: { label: 'fields.password_changed', seenBy: ['admin'] },
  }),
  last_sign_in_at: maybeTime({
    api: {
      in: 'own data',
      name: 'last_sign_in_at',
      shape: timeShape().nullable(),
      show: (at) => (at === null ? null : toTime(at)),
    },
    file: { name: 'last_sign_in_at', show: toText },
    import: { field: 'signedIn', names: ['signedinat', 'lastlogin', 'lastloginat', 'lastsigninat'] },
    page: { label: 'fields.last_sign_in', seenBy: ['admin'] },
  }),
  /** Omitted from an export unless requested. */
  password_hash: text({
    file: { name: 'password_hash', show: unchanged, isSecret: true },
    import: {
      field: 'password',
      names: [
        'passwordhash',
        'passworddigest',
        'hashedpassword',
        'encryptedpassword',
        'passhash',
        'pwhash',
        'hash',
        'password',
      ],
    },
  }),
};

/** Where and how a field is shown. The names are public: changing one changes the API, a file format or a command. */
interface Uses<Value> {
  /** `User` is in every response with a user; `own data` only in the download of one's own data. */
  api?: { in: 'User' | 'own data'; name: string; shape: z.ZodType; show: (value: Value) => unknown };
  /** A column of `usher user export`. */
  file?: { name: string; show: (value: Value) => string; isSecret?: true };
  /** The name in `usher user import --column`, and the names in other programs, in lower case without punctuation. */
  import?: { field: string; names: readonly string[] };
  /** A fact on the user's own page (`owner`) or on a page of the admin console. `pages/user-facts.tsx` shows it. */
  page?: { label: PlainKey; seenBy: readonly ('owner' | 'admin')[] };
  /**
   * The user can change it on the profile page, an administrator through the API. `flows/accounts/profile.ts` validates
   * it. `autocomplete` is a token of the HTML standard; with `off`, a browser fills in nothing.
   */
  profile?: { autocomplete: string; hint?: PlainKey; optional?: true };
  /** A column of `usher user list`, and a line of `usher user show`. */
  cli?: { name: string; title: string; show: (value: Value) => string };
}

/** A field without the type of its column, to iterate over all fields. */
export type UserField = Uses<never>;

interface Column<Value> {
  /** A type only: the value of the column. Times are milliseconds since 1970. */
  holds?: Value;
}

function text<const U extends Uses<string>>(uses: U): U & Column<string> {
  return uses;
}
function maybeText<const U extends Uses<string | null>>(uses: U): U & Column<string | null> {
  return uses;
}
function time<const U extends Uses<number>>(uses: U): U & Column<number> {
  return uses;
}
function maybeTime<const U extends Uses<number | null>>(uses: U): U & Column<number | null> {
  return uses;
}

export type UserFields = typeof userFields;
/** The columns of `users` that are fields, with their types. */
export type UserColumns = {
  [C in keyof UserFields]: UserFields[C] extends Column<infer Value> ? Value : never;
};
export type UserColumn = keyof UserFields;

/** The columns with a given use, such as those that the API shows. */
export type ColumnsWith<Use> = {
  [C in UserColumn]: UserFields[C] extends Use ? C : never;
}[UserColumn];

/** The columns of the user in every response; each request reads them together with the session. */
export type SessionUserColumn = ColumnsWith<{ api: { in: 'User' } }>;
export const sessionUserColumns = columnsWith(({ api }) => api?.in === 'User') as SessionUserColumn[];

/** The fields that a user can change. */
export type ProfileColumn = ColumnsWith<{ profile: object }>;
export const profileColumns = columnsWith(({ profile }) => profile !== undefined) as ProfileColumn[];

/** All columns that are fields. */
export const userColumns = columnsWith(() => true);

/** @returns The columns whose field matches, in the order of the table. */
export function columnsWith(has: (field: UserField) => boolean): UserColumn[] {
  return (Object.keys(userFields) as UserColumn[]).filter((column) => has(userFields[column]));
}

export type Role = 'user' | 'admin';

export const roleOf = (user: Pick<UserColumns, 'admin_since'>): Role => roleSince(user.admin_since);

function roleSince(adminSince: number | null): Role {
  return adminSince === null ? 'user' : 'admin';
}

function unchanged<Value>(value: Value): Value {
  return value;
}

function orEmpty(value: string | null): string {
  return value ?? '';
}

function isSet(at: number | null): boolean {
  return at !== null;
}

function timeShape() {
  return z.iso.datetime().describe('RFC 3339, UTC');
}

function toTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function toText(at: number | null): string {
  return at === null ? '' : toTime(at);
}

function toMinute(milliseconds: number): string {
  return toTime(milliseconds).slice(0, 16).replace('T', ' ');
}
