import { setImmediate as nextTurn } from 'node:timers/promises';
import { HttpError } from '../errors.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

/** A long response that is generated while it is read: a user's data, or events. */
export interface Export {
  userId: string;
  requestId: string;
  /** The parts of the text. Each is generated once the previous one was read; other requests run in between. */
  parts: AsyncIterator<string>;
  /** Checks before each part that the client still has access. @throws HttpError if not. */
  check: () => Promise<void>;
}

export interface Exports {
  /** @throws HttpError `export_in_progress` if this process is already generating one for the user. */
  open(exported: Export): ReadableStream<Uint8Array>;
}

/** An export that is neither finished nor canceled counts as abandoned after this time, in milliseconds. */
const LONGEST = 10 * 60_000;

/** Allows one export per user at a time: each costs database reads for as long as it is read. */
export function openExports(clock: Clock, log: Log): Exports {
  const running = new Map<string, { began: number }>();
  return {
    open({ userId, requestId, parts, check }) {
      const now = clock.now();
      const other = running.get(userId);
      if (other && now - other.began < LONGEST) throw new HttpError('export_in_progress', { retryAfter: 5 });
      const own = { began: now };
      running.set(userId, own);
      const finish = () => {
        if (running.get(userId) === own) running.delete(userId);
      };
      const fail = (error: unknown) => {
        if (error instanceof HttpError) return;
        const name = error instanceof Error ? error.name : typeof error;
        log.error({ request_id: requestId, error: name }, 'export failed');
      };
      const next = async () => {
        await nextTurn();
        await check();
        return parts.next();
      };
      return new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            try {
              const { done, value } = await next();
              if (!done) return controller.enqueue(encoder.encode(value));
              finish();
              controller.close();
            } catch (error) {
              finish();
              fail(error);
              // Data already sent cannot be taken back, so the connection ends before the text does. The server prints
              // this error, and a database error can contain values of a row.
              controller.error(
                new Error(`The export of request ${requestId} failed before it was complete.`),
              );
            }
          },
          cancel: finish,
        },
        { highWaterMark: 0 },
      );
    },
  };
}

const encoder = new TextEncoder();
