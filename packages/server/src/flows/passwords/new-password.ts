import type { AppContext } from '../../context.ts';
import { checkPolicy } from '../../core/passwords.ts';
import { type FieldError, HttpError } from '../../errors.ts';

/** What a check of new passwords goes by. */
export type PasswordRules = Pick<AppContext, 'config' | 'breachedPasswords'>;

/**
 * What is wrong with a password that somebody wants to set; undefined if nothing. Every way to set one asks here.
 *
 * @param about What the password must not be built from: the user's own names.
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
    message: 'This password has appeared in a data breach. Choose a different one.',
  };
}

/** @throws HttpError `invalid_request` that says why a password is too weak. */
export async function rejectWeak(
  rules: PasswordRules,
  password: string,
  about: { username?: string; email: string },
  field = 'password',
): Promise<void> {
  const weakness = await weaknessOf(rules, password, about);
  if (weakness) throw new HttpError('invalid_request', { fields: [{ ...weakness, field }] });
}
