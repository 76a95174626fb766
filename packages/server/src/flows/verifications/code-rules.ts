import type { CodeRules } from '../../core/codes.ts';
import type { User } from '../../core/users.ts';

const MINUTE = 60_000;

/** The numbers that go with a code's length (SECURITY.md gives the chances that follow from them). */
export interface FlowRules extends CodeRules {
  /** Which budgets count the wrong codes of an account. */
  daily: 'codes' | 'shortCodes';
  total: 'codesInAll' | 'shortCodesInAll';
  /** Whether this user may use a code at all; the link always works. */
  isFor(user: Pick<User, 'admin_since'>): boolean;
}

export function codeRules({ codesDigits: digits }: { codesDigits: number }): FlowRules {
  if (digits < 6)
    return {
      digits,
      lifetime: 5 * MINUTE,
      checks: 3,
      daily: 'shortCodes',
      total: 'shortCodesInAll',
      isFor: (user) => user.admin_since === null,
    };
  return {
    digits,
    lifetime: 10 * MINUTE,
    checks: 5,
    daily: 'codes',
    total: 'codesInAll',
    isFor: () => true,
  };
}
