import { ipRange } from '../../http/client-ip.ts';
import type { Requester } from '../../platform/fair-queue.ts';

/**
 * The requester of a password hash that has not identified itself yet.
 * @param identifier As submitted; an account may or may not have it.
 */
export const forStranger = ({ ip }: { ip: string }, identifier: string): Requester => ({
  range: ipRange(ip),
  account: identifier,
  isKnown: false,
});

/** The requester of a password hash that the account knows: by a device cookie, a session, or a link sent by email. */
export const forUser = ({ ip }: { ip: string }, userId: string): Requester => ({
  range: ipRange(ip),
  account: userId,
  isKnown: true,
});
