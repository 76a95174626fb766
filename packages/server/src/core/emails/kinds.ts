/** What a value can be in an email: for a preview, and whether an administrator may read it in an email to somebody else. */
const values = {
  username: { sample: 'ada', isShown: true },
  new_email: { sample: 'ada.lovelace@example.org', isShown: true },
  /** Empty where the account takes no code. With it, or the link, whoever reads it could act for the account. */
  code: { sample: '482913', isShown: false },
  link: { sample: '{{url}}/sample#token=K7mPq2vXw9RtYb4NcLs8HdJf3GzAeUiO1TnVxBk5Wp0', isShown: false },
  minutes: { sample: '10', isShown: true },
  link_minutes: { sample: '60', isShown: true },
  days: { sample: '7', isShown: true },
  outranked_days: { sample: '7', isShown: true },
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
  /** What its template, `emails/en/KIND.md`, may name; whoever queues it gives all of these. */
  values: readonly EmailValue[];
  /** What people read of it: in the admin console, and on the activity page ("Email sent: password reset"). */
  label: string;
  /** Tells the owner what was done to the account: nobody asked for it, and nothing hangs on it (`flows/emails/security-notices.ts`). */
  isNotice?: true;
  /** Carries a code and a link to this page (`flows/verifications/send-verification.ts`). */
  page?: string;
  /** A stranger can make us send it: a full queue refuses it, so that it still has room for the others. */
  fromStrangers?: true;
}

/** Every kind of email, once. */
const kinds = {
  reset_password: {
    values: CODE_AND_LINK,
    label: 'Password reset',
    page: '/reset-password',
    fromStrangers: true,
  },
  verify_email: {
    values: CODE_AND_LINK,
    label: 'Email verification',
    page: '/verify',
    fromStrangers: true,
  },
  change_email: { values: CODE_AND_LINK, label: 'New email verification', page: '/verify' },
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
  refresh_token_reused: { values: ['username', 'when'], label: 'Refresh token reuse', isNotice: true },
  account_deleted: { values: ['username', 'when'], label: 'Account deleted', isNotice: true },
  sign_up_attempt: {
    values: ['when'],
    label: 'Sign-up attempt',
    fromStrangers: true,
  },
  sign_up: { values: CODE_AND_LINK, label: 'Sign-up verification', page: '/verify', fromStrangers: true },
  /** What `usher email test` sends; no flow does. */
  test: { values: ['when'], label: 'Test email' },
} as const satisfies Record<string, Kind>;

type Kinds = typeof kinds;
type KindWith<Use> = { [K in keyof Kinds]: Kinds[K] extends Use ? K : never }[keyof Kinds];

/** What can be queued. */
export type EmailKind = Exclude<keyof Kinds, 'test'>;
export type NoticeKind = KindWith<{ isNotice: true }>;
export type CodeEmailKind = KindWith<{ page: string }>;
/** The values that an email of a kind has to be given. */
export type ValuesOf<K extends keyof Kinds> = Record<Kinds[K]['values'][number], string>;

/** Those that any email may have: where its cause came from. */
export const CLIENT_VALUES = ['ip', 'user_agent'] as const satisfies readonly EmailValue[];

export const emailKinds = Object.keys(kinds) as (keyof Kinds)[];

export const emailValues: Record<keyof Kinds, readonly EmailValue[]> = mapKinds(({ values }) => values);

export const emailPages: Record<CodeEmailKind, string> = mapKinds(({ page = '' }) => page);

export const isFromStrangers = (kind: EmailKind): boolean => (kinds[kind] as Kind).fromStrangers === true;

export const emailLabels: Record<keyof Kinds, string> = mapKinds(({ label }) => label);

/** The label inside a sentence; undefined for a kind of another version. */
export function emailAbout(kind: unknown): string | undefined {
  const label = Object.entries(emailLabels).find(([name]) => name === kind)?.[1];
  return label && label.charAt(0).toLowerCase() + label.slice(1);
}

/** Whether it lets nobody act for its reader. What is not known is hidden. */
export const isShown = (value: string): boolean =>
  Object.entries(values).some(([name, { isShown }]) => name === value && isShown);

/** What the values of an email could be. */
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
