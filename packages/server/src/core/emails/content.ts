import type { KeyObject } from 'node:crypto';
import { seal, unseal } from '../../platform/secrets.ts';

/** What an email says, and to whom: the part of it that is a secret. */
export interface Content {
  /** Null for a decoy. */
  to: string | null;
  values: Record<string, string>;
}

export function sealContent(key: KeyObject, id: string, content: Content): string {
  return seal(key, `emails/${id}`, JSON.stringify(content));
}

/** Longer words of a mail server are cut off here; in UTF-16 units. */
const LONGEST_WORDS = 300;

/**
 * Seals what a mail server said of an email. It may quote the address, so it is for the eyes of administrators alone: it goes
 * into no log, event or metric.
 */
export function sealWords(key: KeyObject, id: string, replyText: string): string {
  // A server may say anything: neither its line ends nor what turns the text around reaches a terminal or a page.
  const plain = replyText.slice(0, LONGEST_WORDS).replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
  return seal(key, `emails/${id}/answer`, plain.trim());
}

/** Null when there are none, or they cannot be read: the secret is another one, or the row was tampered with. */
export function unsealWords(key: KeyObject, id: string, sealed: string | null): string | null {
  if (sealed === null) return null;
  try {
    return unseal(key, `emails/${id}/answer`, sealed);
  } catch {
    return null;
  }
}

/** @throws When it was not sealed for this email under this key. */
export function unsealContent(key: KeyObject, id: string, sealed: string): Content {
  return JSON.parse(unseal(key, `emails/${id}`, sealed)) as Content;
}
