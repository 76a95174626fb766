import { HttpError } from '../errors.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

/** An answer that goes on, as server-sent events (HTML standard, 9.2), until the caller leaves or may not have it any more. */
export interface Stream {
  /** What there is to tell since the last time. */
  next: () => Promise<Message | undefined>;
  /** Whether the caller may still have it. @throws HttpError: the last thing that the caller is told. */
  check: () => Promise<void>;
  /** What its end is logged with. */
  about: { request_id: string; route: string; user: string };
}

export interface Message {
  event: string;
  id?: string;
  data: unknown;
}

export interface Streams {
  /** @throws HttpError `busy` when there are as many as there may be, `stopping`. */
  open(stream: Stream): ReadableStream<Uint8Array>;
  /** How many there are. */
  count(): number;
  /** Ends all of them, and opens none any more. Resolves when none asks for anything. */
  end(): Promise<void>;
}

/** At once, in this process: each costs two reads a second. */
const MOST = 20;
/** Between two looks, in milliseconds. */
const PAUSE = 1_000;
/** So many bytes that were not read yet, and the reader is too slow. */
const MAX_UNREAD = 65_536;
/** After so many looks without a word something is said, so that no proxy takes it for dead. */
const LONGEST_SILENCE = 15;

interface Running {
  look(): Promise<void>;
  end(why: string): void;
}

/** One clock looks for all streams, one after the other, so that they never ask the database for much at once. */
export function openStreams(clock: Clock, log: Log): Streams {
  const running = new Set<Running>();
  let stopLooking = () => {};
  let looking: Promise<void> | undefined;
  let isEnded = false;

  const lookAtAll = async () => {
    for (const one of [...running]) await one.look();
  };
  const turn = () => {
    looking ??= lookAtAll().finally(() => {
      looking = undefined;
    });
  };
  const forget = (one: Running) => {
    running.delete(one);
    if (running.size === 0) stopLooking();
  };
  return {
    open(stream) {
      if (isEnded) throw new HttpError('stopping');
      if (running.size >= MOST) throw new HttpError('busy', { message: TOO_MANY, retryAfter: 30 });
      if (running.size === 0) stopLooking = clock.every(PAUSE, turn);
      const { readable, ...one } = run(stream, log, () => forget(one));
      running.add(one);
      return readable;
    },
    count: () => running.size,
    async end() {
      isEnded = true;
      for (const one of [...running]) one.end('stop');
      await looking;
    },
  };
}

const TOO_MANY = `Too many live views are open (${MOST} maximum). Close one or try again later.`;

function run(
  stream: Stream,
  log: Log,
  forget: () => void,
): Running & { readable: ReadableStream<Uint8Array> } {
  const began = performance.now();
  let isOver = false;
  let silence = 0;
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const over = (why: string) => {
    isOver = true;
    forget();
    const seconds = Math.round((performance.now() - began) / 1000);
    log.info({ ...stream.about, seconds, why }, 'stream ended');
  };
  const readable = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
        controller.enqueue(encode(': here it begins\n\n'));
      },
      cancel() {
        if (!isOver) over('left');
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD }),
  );
  const end = (why: string) => {
    if (isOver) return;
    over(why);
    controller.close();
  };
  /** What somebody does not read piles up, but only so far. */
  const send = (text: string) => {
    silence = 0;
    if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encode(text));
    else end('slow');
  };

  async function look(): Promise<void> {
    if (isOver) return;
    try {
      const message = await stream.next();
      // After reading: what was read before a log-out was answered, and checked after it, is not sent.
      await stream.check();
      if (isOver) return;
      if (message) send(textOf(message));
      else if (++silence >= LONGEST_SILENCE) send(': still here\n\n');
    } catch (error) {
      if (isOver) return;
      if (!(error instanceof HttpError)) return fail(error);
      send(textOf({ event: 'end', data: { code: error.code, message: error.message } }));
      end(error.code);
    }
  }
  /** Without a word: whoever asks again hears from an ordinary answer what is wrong. */
  function fail(error: unknown): void {
    log.error(
      { ...stream.about, error: error instanceof Error ? error.name : typeof error },
      'stream failed',
    );
    end('failed');
  }
  return { readable, look, end };
}

const encoder = new TextEncoder();
const encode = (text: string): Uint8Array => encoder.encode(text);

/** JSON has no line breaks, so the data is one line. */
const textOf = ({ event, id, data }: Message): string =>
  `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
