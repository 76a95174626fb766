import { parseEmail, parseUsername } from '../../core/identifiers.ts';
import { parseDisplayName } from '../../core/users/display-name.ts';
import type { NewUser } from '../../core/users.ts';
import { type FieldError, fieldError, HttpError } from '../../errors.ts';
import { text } from '../../languages/text.ts';
import { type PasswordRules, weaknessOf } from '../passwords/new-password.ts';
import { parseLocale } from './locale.ts';

interface NewUserInput {
  username: string;
  email: string;
  /** Undefined if the user will choose it. */
  password?: string | undefined;
  display_name?: string | undefined;
  locale?: string | undefined;
}

/**
 * Checks and normalizes the details of a new account.
 *
 * @throws HttpError `signup_rejected` with the reason for every invalid field.
 */
export async function checkNewUser(
  { username, email, password, display_name = '', locale = '' }: NewUserInput,
  rules: PasswordRules,
): Promise<Omit<NewUser, 'passwordHash' | 'role'>> {
  const parsedUsername = parseUsername(username);
  const parsedEmail = parseEmail(email);
  const parsedName = parseDisplayName(display_name);
  const parsedLocale = parseLocale(locale);
  const weakness =
    password === undefined ? undefined : await weaknessOf(rules, password, { username, email });
  const wrong: FieldError[] = [];
  if (!parsedUsername.ok) wrong.push(fieldError('username', parsedUsername));
  if (!parsedEmail.ok) wrong.push(fieldError('email', parsedEmail));
  if (weakness) wrong.push(weakness);
  if (!parsedName.ok) wrong.push(fieldError('display_name', parsedName));
  if (!parsedLocale.ok) wrong.push(fieldError('locale', parsedLocale));
  if (!parsedUsername.ok || !parsedEmail.ok || !parsedName.ok || !parsedLocale.ok || weakness)
    throw new HttpError('signup_rejected', { fields: wrong });
  return {
    username: parsedUsername.username,
    usernameKey: parsedUsername.key,
    email: parsedEmail.email,
    emailKey: parsedEmail.key,
    ...(parsedName.displayName === null
      ? {}
      : { displayName: parsedName.displayName, displayNameKey: parsedName.key }),
    ...parsedLocale.change,
  };
}

/** The error that says which of the two identifiers another account has; `conflict` if that account is gone by now. */
export function takenError(names: ('username' | 'email')[]): HttpError {
  if (names.length === 0) return new HttpError('conflict');
  return new HttpError('user_exists', { fields: names.map((name) => reasons[name]) });
}

const reasons = {
  username: { field: 'username', code: 'username_taken', message: text('username.taken') },
  email: {
    field: 'email',
    code: 'email_taken',
    message: text('email.taken'),
  },
} as const;
