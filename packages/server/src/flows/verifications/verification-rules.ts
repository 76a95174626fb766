import type { User } from '../../core/users.ts';
import type { VerificationLimits } from '../../core/verifications.ts';

const MINUTE = 60_000;

/** The limits that go with a code's length. SECURITY.md lists the resulting odds of a correct guess. */
export interface VerificationRules extends VerificationLimits {
  /** The rate limits that count the wrong codes of an account. */
  daily: 'codes_per_account_daily' | 'short_codes_per_account_daily';
  total: 'codes_per_account_total' | 'short_codes_per_account_total';
  /** Whether this user may use a code at all; the link always works. */
  isFor(user: Pick<User, 'admin_since'>): boolean;
}

export function verificationRules({ codesDigits: digits }: { codesDigits: number }): VerificationRules {
  if (digits < 6)
    return {
      digits,
      lifetime: 5 * MINUTE,
      checks: 3,
      daily: 'short_codes_per_account_daily',
      total: 'short_codes_per_account_total',
      isFor: (user) => user.admin_since === null,
    };
  return {
    digits,
    lifetime: 10 * MINUTE,
    checks: 5,
    daily: 'codes_per_account_daily',
    total: 'codes_per_account_total',
    isFor: () => true,
  };
}
