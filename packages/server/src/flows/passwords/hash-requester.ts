import { ipRange } from '../../http/client-ip.ts';
import type { Requester } from '../../platform/fair-queue.ts';

/** For whom a password is hashed who has shown nothing yet. @param identifier As it was given; an account may have it or not. */
export const forStranger = ({ ip }: { ip: string }, identifier: string): Requester => ({
  range: ipRange(ip),
  account: identifier,
  isKnown: false,
});

/** For whom a password is hashed whom the account knows: by a device cookie, a session, or a link from its mailbox. */
export const forUser = ({ ip }: { ip: string }, userId: string): Requester => ({
  range: ipRange(ip),
  account: userId,
  isKnown: true,
});
