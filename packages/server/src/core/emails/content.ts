import type { KeyObject } from 'node:crypto';
import { seal, unseal } from '../../platform/secrets.ts';

/** An email's recipient and values: the part that is encrypted. */
export interface Content {
  /** Null for a decoy. */
  to: string | null;
  values: Record<string, string>;
}

export function sealContent(key: KeyObject, id: string, content: Content): string {
  return seal(key, `emails/${id}`, JSON.stringify(content));
}

/** The maximum length of a stored reply, in UTF-16 units; the rest is cut off. */
const MAX_REPLY = 300;

/**
 * Encrypts a mail server's reply. It may quote the recipient, so only administrators see it: it never appears in a log,
 * event or metric.
 */
export function sealReply(key: KeyObject, id: string, replyText: string): string {
  // The reply is arbitrary text: no line break or bidirectional control may reach a terminal or a page.
  const plain = replyText.slice(0, MAX_REPLY).replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
  return seal(key, `emails/${id}/reply`, plain.trim());
}

/** Null if there is no reply or it cannot be decrypted: the secret is a different one, or the row was tampered with. */
export function unsealReply(key: KeyObject, id: string, sealed: string | null): string | null {
  if (sealed === null) return null;
  try {
    return unseal(key, `emails/${id}/reply`, sealed);
  } catch {
    return null;
  }
}

/** @throws Error if it was not encrypted for this email with this key. */
export function unsealContent(key: KeyObject, id: string, sealed: string): Content {
  return JSON.parse(unseal(key, `emails/${id}`, sealed)) as Content;
}
