import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';

export type Log = Logger;

/**
 * Creates the log: one JSON object per line, on standard output. It never receives a body, header, code, token or
 * email.
 */
export function createLog(level: string, to: DestinationStream = destination({ dest: 1, sync: true })): Log {
  return pino({ level, base: null, timestamp: stdTimeFunctions.isoTime }, to);
}
