import { randomBytes, randomUUID } from 'node:crypto';
import { v7 } from 'uuid';

/** A user's public id: UUIDv7 (RFC 9562), so that ids sort by creation time. */
export const newUserId = (): string => v7();

/** An event's id: also UUIDv7, so that the audit record reads in order. */
export const newEventId = (): string => v7();

/** A mail's id, also in its Message-ID: UUIDv7, because whoever lists mails wants the newest. */
export const newMailId = (): string => v7();

/** A token's id. Cookie tokens are made all the time, and Node.js fetches the randomness of many UUIDs at once. */
export const newTokenId = (): string => randomUUID();

/** 128 random bits as 22 characters of base64url: ids of sessions and keys, which tell nothing. */
export const newId = (): string => randomBytes(16).toString('base64url');

/** 256 random bits as 43 characters of base64url: a secret that cannot be guessed. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** Names a request in logs, events and answers. */
export const newRequestId = (): string => randomUUID();
