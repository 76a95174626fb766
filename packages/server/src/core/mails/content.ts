import type { KeyObject } from 'node:crypto';
import { seal, unseal } from '../../platform/secrets.ts';

/** What a mail says, and to whom: the part of it that is a secret. */
export interface Content {
  /** Null for a decoy. */
  to: string | null;
  values: Record<string, string>;
}

export function sealContent(key: KeyObject, id: string, content: Content): string {
  return seal(key, `mails/${id}`, JSON.stringify(content));
}

/** @throws When it was not sealed for this mail under this key. */
export function unsealContent(key: KeyObject, id: string, sealed: string): Content {
  return JSON.parse(unseal(key, `mails/${id}`, sealed)) as Content;
}
