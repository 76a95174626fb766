import { HttpError } from '../errors.ts';
import { text } from '../languages/text.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

/**
 * A response that stays open and sends server-sent events (HTML standard, 9.2), until the client leaves or loses
 * access.
 */
export interface Stream {
  /** Returns the next message; undefined if nothing has happened since the last call. */
  next: () => Promise<Message | undefined>;
  /** Checks that the client still has access. @throws HttpError, which is sent to the client as the last event. */
  check: () => Promise<void>;
  /** The fields logged when it ends. */
  about: { request_id: string; route: string; user: string };
}

export interface Message {
  event: string;
  id?: string;
  data: unknown;
}

export interface Streams {
  /** @throws HttpError `busy` if too many streams are open; `stopping`. */
  open(stream: Stream): ReadableStream<Uint8Array>;
  /** The number of open streams. */
  count(): number;
  /** Ends all streams and rejects new ones. Resolves when none of them is still reading. */
  end(): Promise<void>;
}

/** Concurrent streams in this process: each costs two reads a second. */
const MOST = 20;
/** The time between two polls, in milliseconds. */
const PAUSE = 1_000;
/** A client that has not read this many bytes is too slow and is disconnected. */
const MAX_UNREAD = 65_536;
/** After this many polls without a message a comment is sent, so no proxy closes the connection as dead. */
const LONGEST_SILENCE = 15;

interface OpenStream {
  /** Sends the next message, if there is one and the client still has access. */
  poll(): Promise<void>;
  end(reason: string): void;
}

/** A single timer polls for all streams, one after the other, so they never send many queries at once. */
export function openStreams(clock: Clock, log: Log): Streams {
  const streams = new Set<OpenStream>();
  let stopTimer = () => {};
  let polling: Promise<void> | undefined;
  let isEnded = false;

  const pollAll = async () => {
    for (const stream of [...streams]) await stream.poll();
  };
  const turn = () => {
    polling ??= pollAll().finally(() => {
      polling = undefined;
    });
  };
  const remove = (stream: OpenStream) => {
    streams.delete(stream);
    if (streams.size === 0) stopTimer();
  };
  return {
    open(stream) {
      if (isEnded) throw new HttpError('stopping');
      if (streams.size >= MOST) throw new HttpError('busy', { text: TOO_MANY, retryAfter: 30 });
      if (streams.size === 0) stopTimer = clock.every(PAUSE, turn);
      const { readable, ...opened } = openStream(stream, log, () => remove(opened));
      streams.add(opened);
      return readable;
    },
    count: () => streams.size,
    async end() {
      isEnded = true;
      for (const stream of [...streams]) stream.end('stop');
      await polling;
    },
  };
}

const TOO_MANY = text('error.streams_full', { limit: MOST });

function openStream(
  stream: Stream,
  log: Log,
  onEnd: () => void,
): OpenStream & { readable: ReadableStream<Uint8Array> } {
  const began = performance.now();
  let isOver = false;
  let silence = 0;
  const over = (reason: string) => {
    isOver = true;
    onEnd();
    const seconds = Math.round((performance.now() - began) / 1000);
    log.info({ ...stream.about, seconds, reason }, 'stream ended');
  };
  const output = openOutput(() => {
    if (!isOver) over('left');
  });
  const end = (reason: string) => {
    if (isOver) return;
    over(reason);
    output.close();
  };
  const send = (text: string) => {
    silence = 0;
    if (!output.send(text)) end('slow');
  };

  async function poll(): Promise<void> {
    if (isOver) return;
    try {
      const message = await stream.next();
      // Checked after reading: events read before a sign-out must not be sent after it.
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
  /** Closes without a message: a client that reconnects gets the error as a regular response. */
  function fail(error: unknown): void {
    log.error(
      { ...stream.about, error: error instanceof Error ? error.name : typeof error },
      'stream failed',
    );
    end('failed');
  }
  return { readable: output.readable, poll, end };
}

/** The body of the response. Unread data is buffered, up to a limit. */
function openOutput(onCancel: () => void) {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const readable = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
        controller.enqueue(encode(': here it begins\n\n'));
      },
      cancel: onCancel,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD }),
  );
  return {
    readable,
    /** @returns false, without sending the text, if the client has not read enough of what was sent before. */
    send(text: string): boolean {
      const hasRoom = (controller.desiredSize ?? 0) > 0;
      if (hasRoom) controller.enqueue(encode(text));
      return hasRoom;
    },
    close: () => controller.close(),
  };
}

const encoder = new TextEncoder();
const encode = (text: string): Uint8Array => encoder.encode(text);

/** JSON contains no line breaks, so the data is one line. */
const textOf = ({ event, id, data }: Message): string =>
  `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
