import type { KeyObject } from 'node:crypto';
import { equalSecrets, mac } from '../../platform/secrets.ts';

/**
 * Device tokens show that a browser signed in to an account before (OWASP, device cookies). They grant no access: the
 * wrong passwords of a browser that has one are counted separately, so strangers cannot use up the owner's attempts.
 * The database decides whether the account still knows the browser (`core/devices`); a forged id never gets that far.
 */
export interface DeviceTokens {
  make(id: string, userId: string): string;
  /** @returns The browser's id, if this installation issued the token to a browser of this user. */
  read(token: string, userId: string): string | undefined;
  /** The id of a program, which keeps no cookie: the same for every sign-in by one program from one IP range. */
  programId(userId: string, range: string, userAgent: string): string;
}

const DEVICE = /^usher_d_([A-Za-z0-9_-]{22})_([A-Za-z0-9_-]{43})$/;

export function deviceTokens(key: KeyObject): DeviceTokens {
  const macOf = (id: string, userId: string): string => mac(key, `${id}\n${userId}`);
  return {
    make: (id, userId) => `usher_d_${id}_${macOf(id, userId)}`,
    read(token, userId) {
      const [, id, signature] = DEVICE.exec(token) ?? [];
      if (!id || !signature) return undefined;
      return equalSecrets(signature, macOf(id, userId)) ? id : undefined;
    },
    // As long as a browser's id. No browser has it, because no token contains it.
    programId: (userId, range, userAgent) =>
      mac(key, `program\n${userId}\n${range}\n${userAgent}`).slice(0, 22),
  };
}
