import type { KeyObject } from 'node:crypto';
import type { Keyring } from '../core/keys.ts';
import type { SessionTimeouts } from '../core/sessions/timeouts.ts';
import type { Clock } from '../platform/clock.ts';
import type { Hasher } from '../platform/hasher.ts';
import { cleanUp, deleteOldEvents, type EventCleanupContext } from './cleanup.ts';
import { responseFloorLearner } from './learn-response-floor.ts';
import type { StateNotes } from './note-state.ts';
import { recordSamples } from './record-samples.ts';
import { rotateOldKey } from './rotate-keys.ts';
import type { LastSeenNotes } from './save-last-seen.ts';
import { type EmailContext, emailSender } from './send-emails.ts';

const SECOND = 1_000;

/** The context of the jobs. */
export interface JobContext extends EmailContext, EventCleanupContext {
  keys: EmailContext['keys'] & { wrap: KeyObject };
  keyring: Keyring;
  sessionTimeouts: SessionTimeouts;
  hasher: Hasher;
  lastSeen: LastSeenNotes;
  stateNotes: StateNotes;
  signingAlgorithm: string;
}

export interface Jobs {
  /** Starts no further job, and waits for running ones. */
  stop(): Promise<void>;
}

/** Starts the server's background jobs. A job that fails is logged and retried at its next turn. */
export function startJobs(context: JobContext): Jobs {
  const emails = emailSender(context);
  const jobs = [
    { name: 'send-emails', every: SECOND, run: () => emails.turn() },
    { name: 'save-last-seen', every: SECOND, run: () => context.lastSeen.save(context.db) },
    { name: 'record-state', every: SECOND, atOnce: true, run: () => context.stateNotes.save() },
    { name: 'reload-keys', every: SECOND, run: () => context.keyring.reload() },
    { name: 'learn-response-floor', every: 10 * SECOND, atOnce: true, run: responseFloorLearner(context) },
    { name: 'record-samples', every: 600 * SECOND, atOnce: true, run: () => recordSamples(context) },
    { name: 'cleanup', every: 600 * SECOND, run: () => cleanUp(context) },
    { name: 'delete-old-events', every: 600 * SECOND, atOnce: true, run: () => deleteOldEvents(context) },
    {
      name: 'rotate-keys',
      every: 3_600 * SECOND,
      run: () => rotateOldKey(context, context.signingAlgorithm),
    },
  ];
  const started = jobs.map(({ name, every, run, atOnce }) =>
    repeat(context.clock, { every, atOnce }, run, (error) => {
      context.log.error(
        { job: name, error: error instanceof Error ? error.name : typeof error },
        'job failed',
      );
    }),
  );
  return {
    stop: async () => {
      await Promise.all([emails.stop(), ...started.map((job) => job.stop())]);
    },
  };
}

/** Runs a job repeatedly, never twice at once. */
function repeat(
  clock: Clock,
  { every, atOnce }: { every: number; atOnce: boolean | undefined },
  run: () => Promise<void>,
  onFailure: (error: unknown) => void,
): Jobs {
  let running: Promise<void> | undefined;
  const turn = () => {
    running ??= run()
      .catch(onFailure)
      .finally(() => {
        running = undefined;
      });
  };
  const end = clock.every(every, turn);
  if (atOnce) turn();
  return {
    async stop() {
      end();
      await running;
    },
  };
}
