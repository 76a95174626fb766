// The load generator. It speaks just enough HTTP/1.1 on bare sockets: node:http costs a client more than the bare route
// costs its server, so on few cores it would measure itself.
import { connect, type Socket } from 'node:net';

/** One request, as it goes over the wire. */
export interface Ask {
  text: string;
  /** Hears the head of the answer: its status line and headers. */
  answered?: (head: string) => void;
}

export interface Load {
  port: number;
  connections: number;
  /**
   * Requests a second; each leaves at its time, whether those before it were answered or not, and its latency counts
   * from then. Without a rate every connection asks again as soon as it was answered.
   */
  rate?: number;
  /** Milliseconds. */
  duration: number;
  /**
   * Whether answers are looked for every quarter of a millisecond instead of waited for. Waking one that waits costs a
   * server half as much as a whole request, and the faster a server the less often it must: that is right for times, but
   * not for what an answer costs.
   */
  polls?: boolean;
  next: () => Ask;
}

export interface Measured {
  answers: number;
  perSecond: number;
  /** Milliseconds, ascending. */
  latencies: Float64Array;
}

/** Puts a server under load. Rejects at the first answer that is not 200: what is refused costs less than what is served. */
export async function applyLoad({ port, connections, rate, duration, polls, next }: Load): Promise<Measured> {
  const lines = await Promise.all(Array.from({ length: connections }, () => openLine(port)));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const free = [...lines];
  const late: number[] = [];
  const latencies: number[] = [];
  const began = performance.now();
  const end = began + duration;

  const ask = (line: Line, due: number): void => {
    const { text, answered } = next();
    line.ask(text, (head) => {
      if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`The answer was:\n${head}`);
      answered?.(head);
      const now = performance.now();
      latencies.push(now - due);
      askAgain(line, now);
    });
  };

  const askAgain = (line: Line, now: number): void => {
    const due = rate === undefined ? now : late.shift();
    if (due !== undefined && now < end) ask(line, due);
    else free.push(line);
    if (now >= end && free.length === lines.length) resolve();
  };

  let begun = 0;
  const askInTime = (perSecond: number): void => {
    const now = performance.now();
    const due = Math.floor(((Math.min(now, end) - began) * perSecond) / 1000);
    for (; begun < due; begun++) {
      // The line that has been free longest, so that none is idle for so long that the server closes it.
      const line = free.shift();
      if (line) ask(line, now);
      else late.push(now);
    }
    if (now < end) setTimeout(askInTime, 1, perSecond);
    else if (free.length === lines.length) resolve();
  };

  for (const line of lines) line.onFailure = reject;
  if (rate === undefined) for (const line of free.splice(0)) ask(line, began);
  else askInTime(rate);
  const stopPolling = polls ? poll() : () => {};
  try {
    await promise;
  } finally {
    stopPolling();
    for (const line of lines) line.close();
  }
  const seconds = (performance.now() - began) / 1000;
  return {
    answers: latencies.length,
    perSecond: latencies.length / seconds,
    latencies: Float64Array.from(latencies).sort(),
  };
}

/** Sleeps a quarter of a millisecond between two looks at the sockets, until the function it gives is called. */
function poll(): () => void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  let turn = setImmediate(sleep);
  function sleep(): void {
    Atomics.wait(never, 0, 0, 0.25);
    turn = setImmediate(sleep);
  }
  return () => clearImmediate(turn);
}

/** One request, for those who want its answer alone. @param answered As in `Ask`. @returns The status. */
export async function askOnce(port: number, text: string, answered?: Ask['answered']): Promise<number> {
  const line = await openLine(port);
  try {
    return await new Promise((resolve, reject) => {
      line.onFailure = reject;
      line.ask(text, (head) => {
        answered?.(head);
        resolve(Number(head.slice(9, 12)));
      });
    });
  } finally {
    line.close();
  }
}

/** A request as text. Header names as browsers and programs write them. */
export function requestText(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): string {
  const length: Record<string, string> =
    body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const lines = Object.entries({ ...headers, ...length }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}

/** A connection that is kept alive: one request at a time. When the server ends it after an answer, it is opened again. */
class Line {
  onFailure: (error: Error) => void = () => {};
  readonly #port: number;
  #socket: Socket;
  #answered: ((head: string) => void) | undefined;
  #received = '';

  constructor(port: number, socket: Socket) {
    this.#port = port;
    this.#socket = this.#listen(socket);
  }

  ask(text: string, answered: (head: string) => void): void {
    this.#answered = answered;
    this.#socket.write(text);
  }

  close(): void {
    this.onFailure = () => {};
    this.#socket.destroy();
  }

  #listen(socket: Socket): Socket {
    // What happens to one that was replaced does not matter.
    const fail = (error: Error) => this.#socket === socket && this.onFailure(error);
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#read(chunk);
      } catch (error) {
        fail(error as Error);
      }
    });
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('The server closed a connection.')));
    return socket;
  }

  /** Latin1, so that a character is a byte and lengths are right. */
  #read(chunk: Buffer): void {
    this.#received += chunk.toString('latin1');
    const end = this.#received.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(this.#received)?.[1];
    if (length === undefined) throw new Error(`The answer has no length:\n${this.#received}`);
    if (this.#received.length < end + 4 + Number(length)) return;
    const head = this.#received.slice(0, end + 2);
    this.#received = '';
    if (/\r\nconnection: close\r\n/i.test(head))
      this.#socket = this.#listen(connect({ port: this.#port, host: '127.0.0.1', noDelay: true }));
    this.#answered?.(head);
  }
}

function openLine(port: number): Promise<Line> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(new Line(port, socket));
    });
  });
}
