import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import type { EventName } from '../../events.ts';
import type { SignedInCall } from '../../http/route.ts';

const recorder =
  (name: EventName, details: { hashes: boolean } | undefined) =>
  async (
    { db, clock }: Pick<AppContext, 'db' | 'clock'>,
    { activeSession: { user, session }, client }: SignedInCall<unknown, unknown>,
  ): Promise<void> => {
    const event = { userId: null, actorId: user.id, sessionId: session.id, ...(details ? { details } : {}) };
    await recordEvent(db, name, client, event, clock.now());
  };

/** Records that an administrator exports users. */
export const recordUserExport = recorder('users_exported', { hashes: false });

/** Records that an administrator exports events. */
export const recordEventExport = recorder('events_exported', undefined);
