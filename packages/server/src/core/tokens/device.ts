import type { KeyObject } from 'node:crypto';
import { newId } from '../../platform/random.ts';
import { equalSecrets, mac } from '../../platform/secrets.ts';

/**
 * Device tokens say that a browser signed in to an account before (OWASP, device cookies). They open nothing: a browser
 * that has one counts its wrong passwords by itself, so strangers cannot use up its owner's attempts.
 */
export interface DeviceTokens {
  make(userId: string): string;
  /** @returns The browser's id, if this installation knew it with this user. */
  read(token: string, userId: string): string | undefined;
}

const DEVICE = /^usher_d_([A-Za-z0-9_-]{22})_([A-Za-z0-9_-]{43})$/;

export function deviceTokens(key: KeyObject): DeviceTokens {
  const macOf = (id: string, userId: string): string => mac(key, `${id}\n${userId}`);
  return {
    make(userId) {
      const id = newId();
      return `usher_d_${id}_${macOf(id, userId)}`;
    },
    read(token, userId) {
      const [, id, signature] = DEVICE.exec(token) ?? [];
      if (!id || !signature) return undefined;
      return equalSecrets(signature, macOf(id, userId)) ? id : undefined;
    },
  };
}
