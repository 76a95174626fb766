import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { v7 } from 'uuid';

/** A user's public id: UUIDv7 (RFC 9562), so that ids sort by creation time. */
export const newUserId = (): string => v7();

let last = { at: 0, seq: 0 };

/**
 * An event's id: a UUIDv7 of the event's own time (milliseconds since 1970), so the audit log sorts by time and can be
 * searched by time. Within one millisecond, ids continue from a random number.
 */
export function newEventId(at: number): string {
  last = at > last.at ? { at, seq: randomInt(2 ** 31) } : { at: last.at, seq: last.seq + 1 };
  return v7({ msecs: at, seq: last.seq });
}

/** The lower bound of the ids of events at this time or later. */
export const firstEventId = (at: number): string => v7({ msecs: at, seq: 0, random: new Uint8Array(16) });

/** The time of an event, from its id; in milliseconds since 1970. */
export const eventTime = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

/** An email's id, also in its Message-ID: UUIDv7, because lists show the newest emails. */
export const newEmailId = (): string => v7();

/** A token's id. Cookie tokens are created constantly, and Node.js generates the randomness of many UUIDs at once. */
export const newTokenId = (): string => randomUUID();

/** 128 random bits as 22 characters of base64url: ids of sessions and keys, which reveal nothing. */
export const newId = (): string => randomBytes(16).toString('base64url');

/** A secret of 256 random bits, as 43 characters of base64url. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** Identifies a request in logs, events and responses. */
export const newRequestId = (): string => randomUUID();
