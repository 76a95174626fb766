export type MailKind =
  | 'reset_password'
  | 'verify_email'
  | 'change_email'
  | 'email_changing'
  | 'email_changed'
  | 'password_changed'
  | 'new_device'
  | 'device_distrusted'
  | 'refresh_reused'
  | 'account_deleted'
  | 'sign_up_attempt'
  | 'sign_up';

/** The values that a mail has to be given; and, of those that any mail may have, where its cause came from. */
export const mailValues: Record<MailKind | 'test', readonly string[]> = {
  reset_password: ['username', 'code', 'link', 'minutes', 'link_minutes', 'when'],
  verify_email: ['username', 'code', 'link', 'minutes', 'link_minutes', 'when'],
  change_email: ['username', 'code', 'link', 'minutes', 'link_minutes', 'when'],
  email_changing: ['username', 'new_email', 'link', 'days', 'outranked_days', 'when'],
  email_changed: ['username', 'new_email', 'when'],
  password_changed: ['username', 'when'],
  new_device: ['username', 'when'],
  device_distrusted: ['username', 'when'],
  refresh_reused: ['username', 'when'],
  account_deleted: ['username', 'when'],
  sign_up_attempt: ['when'],
  sign_up: ['username', 'code', 'link', 'minutes', 'link_minutes', 'when'],
  /** What `usher mail test` sends; no flow does. */
  test: ['when'],
};

export const ORIGIN_VALUES = ['ip', 'user_agent'] as const;

export const mailKinds = Object.keys(mailValues) as (keyof typeof mailValues)[];

/** Those that a stranger can make us send: a full queue refuses them, so that it still has room for the others. */
export const STRANGERS: ReadonlySet<MailKind> = new Set([
  'reset_password',
  'verify_email',
  'sign_up',
  'sign_up_attempt',
]);
