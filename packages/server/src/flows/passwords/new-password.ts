import type { AppContext } from '../../context.ts';
import { checkPolicy } from '../../core/passwords.ts';
import { type FieldError, HttpError } from '../../errors.ts';
import { text } from '../../languages/text.ts';

/** The context that checks of new passwords need. */
export type PasswordRules = Pick<AppContext, 'config' | 'breachedPasswords'>;

/**
 * Checks a new password. Every path that sets a password calls this.
 *
 * @param about What the password must not be based on: the user's own identifiers.
 * @returns What is wrong with the password; undefined if nothing.
 */
export async function weaknessOf(
  { config, breachedPasswords }: PasswordRules,
  password: string,
  { username, email }: { username?: string; email?: string },
): Promise<FieldError | undefined> {
  const about = {
    ...(username === undefined ? {} : { username }),
    ...(email === undefined ? {} : { email }),
  };
  const weakness = checkPolicy(password, { ...about, service: config.serviceName }, config.passwordMin);
  if (weakness || !(await breachedPasswords?.has(password))) return weakness;
  return {
    field: 'password',
    code: 'password_breached',
    message: text('password.breached'),
  };
}

/** @throws HttpError `invalid_request` with the reason when a password is too weak. */
export async function rejectWeak(
  rules: PasswordRules,
  password: string,
  about: { username?: string; email: string },
): Promise<void> {
  const weakness = await weaknessOf(rules, password, about);
  if (weakness) throw new HttpError('invalid_request', { fields: [weakness] });
}
