import type { KeyObject } from 'node:crypto';
import { equalSecrets, mac } from '../../platform/secrets.ts';

/**
 * Device tokens say that a browser signed in to an account before (OWASP, device cookies). They open nothing: a browser
 * that has one counts its wrong passwords by itself, so strangers cannot use up its owner's attempts. Whether the account
 * still knows the browser is for the database to say (`core/devices`); an id that was made up never gets there.
 */
export interface DeviceTokens {
  make(id: string, userId: string): string;
  /** @returns The browser's id, if this installation gave it to a browser of this user. */
  read(token: string, userId: string): string | undefined;
  /** The id of a program, which keeps no cookie: the same for each sign-in of one program from one client range. */
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
    // As long as the ids of browsers. No browser has it: a token of it is never made.
    programId: (userId, range, userAgent) =>
      mac(key, `program\n${userId}\n${range}\n${userAgent}`).slice(0, 22),
  };
}
