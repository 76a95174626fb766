import type { KeyObject } from 'node:crypto';
import type { Keyring } from '../core/keys.ts';
import type { Clock } from '../platform/clock.ts';
import type { Hasher } from '../platform/hasher.ts';
import { cleanUp, type EventsPlace, forgetOldEvents } from './cleanup.ts';
import { paceLearner } from './learn-pace.ts';
import { noteFigures } from './note-figures.ts';
import type { StateNotes } from './note-state.ts';
import { rotateOldKey } from './rotate-keys.ts';
import type { LastSeenNotes } from './save-last-seen.ts';
import { type MailPlace, mailSender } from './send-mail.ts';

const SECOND = 1_000;

/** What the jobs work on. */
export interface Workplace extends MailPlace, EventsPlace {
  keys: MailPlace['keys'] & { wrap: KeyObject };
  keyring: Keyring;
  hasher: Hasher;
  lastSeen: LastSeenNotes;
  stateNotes: StateNotes;
  signingAlgorithm: string;
}

export interface Jobs {
  /** Starts none again, and waits for those that run. */
  stop(): Promise<void>;
}

/** Starts the jobs that a server runs beside its requests. One that fails is logged and tried again at its next turn. */
export function startJobs(place: Workplace): Jobs {
  const mails = mailSender(place);
  const jobs = [
    { name: 'send-mail', every: SECOND, run: () => mails.turn() },
    { name: 'save-last-seen', every: SECOND, run: () => place.lastSeen.save(place.db) },
    { name: 'note-state', every: SECOND, atOnce: true, run: () => place.stateNotes.save() },
    { name: 'reload-keys', every: SECOND, run: () => place.keyring.reload() },
    { name: 'learn-pace', every: 10 * SECOND, atOnce: true, run: paceLearner(place) },
    { name: 'note-figures', every: 600 * SECOND, atOnce: true, run: () => noteFigures(place) },
    { name: 'cleanup', every: 600 * SECOND, run: () => cleanUp(place) },
    { name: 'forget-events', every: 600 * SECOND, atOnce: true, run: () => forgetOldEvents(place) },
    { name: 'rotate-keys', every: 3_600 * SECOND, run: () => rotateOldKey(place, place.signingAlgorithm) },
  ];
  const started = jobs.map(({ name, every, run, atOnce }) =>
    repeat(place.clock, { every, atOnce }, run, (error) => {
      place.log.error({ job: name, error: error instanceof Error ? error.name : typeof error }, 'job failed');
    }),
  );
  return {
    stop: async () => {
      await Promise.all([mails.stop(), ...started.map((job) => job.stop())]);
    },
  };
}

/** Runs again and again, never twice at once. */
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
