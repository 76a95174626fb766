import type { KeyObject } from 'node:crypto';
import { equalSecrets, mac } from '../../platform/secrets.ts';

/**
 * Creates and reads refresh tokens. They are not stored: each is the session id, a number, and a MAC over both. The
 * session's row holds the current number, so a stolen database contains no tokens, a retry gets the same successor, and
 * any number of rotations takes one row.
 */
export interface RefreshTokens {
  make(sessionId: string, number: number): string;
  /** @returns The contents of a token that this installation issued, used or not. */
  read(token: string): { sessionId: string; number: number } | undefined;
}

const REFRESH = /^usher_r_([A-Za-z0-9_-]{22})_([1-9]\d{0,9})_([A-Za-z0-9_-]{43})$/;

export function refreshTokens(key: KeyObject): RefreshTokens {
  const macOf = (sessionId: string, number: string): string => mac(key, `${sessionId}\n${number}`);
  return {
    make: (sessionId, number) => `usher_r_${sessionId}_${number}_${macOf(sessionId, String(number))}`,
    read(token) {
      const [, sessionId, number, signature] = REFRESH.exec(token) ?? [];
      if (!sessionId || !number || !signature) return undefined;
      if (!equalSecrets(signature, macOf(sessionId, number))) return undefined;
      return { sessionId, number: Number(number) };
    },
  };
}
