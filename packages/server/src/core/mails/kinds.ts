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
  reset_password: ['username', 'code', 'link', 'minutes', 'link_minutes'],
  verify_email: ['username', 'code', 'link', 'minutes', 'link_minutes'],
  change_email: ['username', 'code', 'link', 'minutes', 'link_minutes'],
  email_changing: ['username', 'new_email', 'link', 'days', 'outranked_days'],
  email_changed: ['username', 'new_email', 'when'],
  password_changed: ['username', 'when'],
  new_device: ['username', 'when'],
  device_distrusted: ['username', 'when'],
  refresh_reused: ['username', 'when'],
  account_deleted: ['username', 'when'],
  sign_up_attempt: ['when'],
  sign_up: ['username', 'code', 'link', 'minutes', 'link_minutes'],
  /** What `usher mail test` sends; no flow does. */
  test: ['when'],
};

/** What people read of each kind. The kind itself is for programs. */
export const mailLabels: Record<MailKind | 'test', string> = {
  reset_password: 'Password reset',
  verify_email: 'Email verification',
  change_email: 'New email verification',
  email_changing: 'Email change requested',
  email_changed: 'Email changed',
  password_changed: 'Password changed',
  new_device: 'New sign-in',
  device_distrusted: 'Device no longer recognized',
  refresh_reused: 'Refresh token reuse',
  account_deleted: 'Account deleted',
  sign_up_attempt: 'Sign-up attempt',
  sign_up: 'Sign-up verification',
  test: 'Test email',
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
