/** The possible values of an email: a sample for previews, and whether administrators may see it in a user's email. */
const values = {
  username: { sample: 'ada', isShown: true },
  new_email: { sample: 'ada.lovelace@example.org', isShown: true },
  /** Empty if the account accepts no codes. With the code or the link, anyone could act for the account. */
  code: { sample: '482913', isShown: false },
  link: { sample: '{{url}}/sample#token=K7mPq2vXw9RtYb4NcLs8HdJf3GzAeUiO1TnVxBk5Wp0', isShown: false },
  minutes: { sample: '10', isShown: true },
  link_minutes: { sample: '60', isShown: true },
  days: { sample: '7', isShown: true },
  outranked_days: { sample: '7', isShown: true },
  /** The recipient's language tag; empty for the language of the installation. */
  language: { sample: '', isShown: true },
  /** The recipient's time zone; empty for UTC. */
  time_zone: { sample: '', isShown: true },
  /** RFC 3339. */
  when: { sample: '{{now}}', isShown: true },
  ip: { sample: '203.0.113.7', isShown: true },
  user_agent: {
    sample: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
    isShown: true,
  },
} as const satisfies Record<string, { sample: string; isShown: boolean }>;
export type EmailValue = keyof typeof values;

const CODE_AND_LINK = ['username', 'code', 'link', 'minutes', 'link_minutes', 'when'] as const;

interface Kind {
  /**
   * The values that its template, `emails/en/KIND.md`, may use. The caller must provide all of them when queueing it.
   */
  values: readonly EmailValue[];
  /** How administrators see it named. What its owner reads is `activity_email.KIND` in the catalogs. */
  label: string;
  /**
   * Tells the owner about a change to the account. It was not requested, and nothing depends on it
   * (`flows/emails/security-notices.ts`).
   */
  isNotice?: true;
  /** Strangers can cause it: a full queue rejects it, which leaves room for other emails. */
  fromStrangers?: true;
  /** The account is already deleted, so nothing is stored for a retry. */
  isAfterDeletion?: true;
}

/** All kinds of emails. */
const kinds = {
  reset_password: {
    values: CODE_AND_LINK,
    label: 'Password reset',
    fromStrangers: true,
  },
  verify_email: {
    values: CODE_AND_LINK,
    label: 'Email verification',
    fromStrangers: true,
  },
  change_email: { values: CODE_AND_LINK, label: 'New email verification' },
  email_changing: {
    values: ['username', 'new_email', 'link', 'days', 'outranked_days', 'when'],
    label: 'Email change requested',
  },
  email_changed: {
    values: ['username', 'new_email', 'when'],
    label: 'Email changed',
    isNotice: true,
  },
  password_changed: { values: ['username', 'when'], label: 'Password changed', isNotice: true },
  new_device: { values: ['username', 'when'], label: 'New sign-in', isNotice: true },
  device_trust_revoked: {
    values: ['username', 'when'],
    label: 'Known device removed',
    isNotice: true,
  },
  admin_role_granted: { values: ['username', 'when'], label: 'Admin role granted', isNotice: true },
  admin_role_removed: { values: ['username', 'when'], label: 'Admin role removed', isNotice: true },
  refresh_token_reused: { values: ['username', 'when'], label: 'Refresh token reuse', isNotice: true },
  account_deleted: {
    values: ['username', 'when'],
    label: 'Account deleted',
    isNotice: true,
    isAfterDeletion: true,
  },
  sign_up_attempt: {
    values: ['when'],
    label: 'Sign-up attempt',
    fromStrangers: true,
  },
  invitation: { values: ['username', 'link', 'days', 'when'], label: 'Invitation' },
  sign_up: { values: CODE_AND_LINK, label: 'Sign-up verification', fromStrangers: true },
  /** Sent by `usher email test`, never by a flow. */
  test: { values: ['when'], label: 'Test email' },
} as const satisfies Record<string, Kind>;

type Kinds = typeof kinds;
type KindWith<Use> = { [K in keyof Kinds]: Kinds[K] extends Use ? K : never }[keyof Kinds];

/** The kinds that can be queued. */
export type EmailKind = Exclude<keyof Kinds, 'test'>;
export type NoticeKind = KindWith<{ isNotice: true }>;
/** The values that an email of a kind requires. */
export type ValuesOf<K extends keyof Kinds> = Record<Kinds[K]['values'][number], string>;

/** The values that any email may have: the client that caused it. */
export const CLIENT_VALUES = ['ip', 'user_agent'] as const satisfies readonly EmailValue[];

export const emailKinds = Object.keys(kinds) as (keyof Kinds)[];

export const emailValues: Record<keyof Kinds, readonly EmailValue[]> = mapKinds(({ values }) => values);

export const isFromStrangers = (kind: EmailKind): boolean => (kinds[kind] as Kind).fromStrangers === true;

/** A stored email can be of a kind from another version. */
export const isAfterDeletion = (kind: EmailKind): boolean =>
  (kinds[kind] as Kind | undefined)?.isAfterDeletion === true;

export const emailLabels: Record<keyof Kinds, string> = mapKinds(({ label }) => label);

/** What an email was about, for its owner; undefined for a kind from another version. */
export function emailAbout(kind: unknown): `activity_email.${EmailKind}` | undefined {
  const found = emailKinds.find((name) => name === kind);
  return found === undefined || found === 'test' ? undefined : `activity_email.${found}`;
}

/** Whether administrators may see a value: it lets no reader act for the account. Unknown values are hidden. */
export const isShown = (value: string): boolean =>
  Object.entries(values).some(([name, { isShown }]) => name === value && isShown);

/** Sample values for an email. */
export function sampleValues(url: string, now: number): Record<EmailValue, string> {
  const fill = (sample: string) =>
    sample.replace('{{url}}', url).replace('{{now}}', new Date(now).toISOString());
  return Object.fromEntries(
    Object.entries(values).map(([name, { sample }]) => [name, fill(sample)]),
  ) as Record<EmailValue, string>;
}

function mapKinds<T>(get: (kind: Kind) => T): Record<keyof Kinds, T> {
  return Object.fromEntries(Object.entries<Kind>(kinds).map(([name, kind]) => [name, get(kind)])) as Record<
    keyof Kinds,
    T
  >;
}
