import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { v7 } from 'uuid';

/** A user's public id: UUIDv7 (RFC 9562), so that ids sort by creation time. */
export const newUserId = (): string => v7();

let last = { at: 0, seq: 0 };

/**
 * An event's id: also UUIDv7, of the event's own time (milliseconds since 1970), so that the audit record reads in order
 * and a time finds its place in it. Those of one millisecond go on from a random number.
 */
export function newEventId(at: number): string {
  last = at > last.at ? { at, seq: randomInt(2 ** 31) } : { at: last.at, seq: last.seq + 1 };
  return v7({ msecs: at, seq: last.seq });
}

/** What no id of an event of this time or later comes before. */
export const firstEventId = (at: number): string => v7({ msecs: at, seq: 0, random: new Uint8Array(16) });

/** The time of an event, by its id. */
export const eventTime = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

/** An email's id, also in its Message-ID: UUIDv7, because whoever lists emails wants the newest. */
export const newEmailId = (): string => v7();

/** A token's id. Cookie tokens are made all the time, and Node.js fetches the randomness of many UUIDs at once. */
export const newTokenId = (): string => randomUUID();

/** 128 random bits as 22 characters of base64url: ids of sessions and keys, which tell nothing. */
export const newId = (): string => randomBytes(16).toString('base64url');

/** 256 random bits as 43 characters of base64url: a secret that cannot be guessed. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** Names a request in logs, events and answers. */
export const newRequestId = (): string => randomUUID();
