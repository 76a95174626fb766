import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';

export type Log = Logger;

/**
 * The log: one JSON object a line, on standard output. No body, header, code, token or address of a mailbox is
 * ever given to it.
 */
export function createLog(level: string, to: DestinationStream = destination({ dest: 1, sync: true })): Log {
  return pino({ level, base: null, timestamp: stdTimeFunctions.isoTime }, to);
}
