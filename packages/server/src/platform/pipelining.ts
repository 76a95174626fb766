import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The end of a request's head (RFC 9112, section 2.1). */
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;
/** The maximum number of unparsed bytes behind a request; a client that sends more is disconnected. */
const MAX_AHEAD = 262_144;
/**
 * The maximum number of waiting requests that Node has parsed; a client that sends more in its first burst is
 * disconnected.
 */
const MAX_PARSED = 16;

/**
 * A connection is closed after this many requests. Node's own limit would answer pipelined requests with 503 instead.
 */
const MAX_REQUESTS = 1_000;

/** How Node recognizes a client that waits for "100 Continue". */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/** A connection and the requests that it has sent. */
interface Connection {
  socket: HttpSocket;
  /** The number of requests received. */
  requests: number;
  /** Node's request parser. */
  parse: (bytes: Buffer) => void;
  /** Whether this connection has pipelined a request, so its bytes are routed through this module. */
  isPipelined: boolean;
  /** The request being answered, if this connection has pipelined one. */
  current: IncomingMessage | undefined;
  /** Requests that were parsed and wait. */
  parsed: [IncomingMessage, ServerResponse][];
  /** Bytes received behind the current request. */
  unparsed: Buffer | undefined;
}

const CONNECTION = Symbol('connection');

/** A client's socket, as Node's HTTP server and this module extend it. */
type HttpSocket = Socket & {
  [CONNECTION]?: Connection;
  /** The response being sent. */
  _httpMessage?: ServerResponse | null;
  parser?: { onIncoming: () => number } | null;
  /** Whether Node has paused: the client does not read its responses. Its parser would throw. */
  _paused?: boolean;
};

/**
 * Answers the requests of a connection one at a time. Node parses everything that it receives and starts to answer all
 * of it: 64 kB hold two thousand requests, and a client that reads nothing makes it keep two thousand responses. So
 * from the first pipelined request on, the client's bytes stay unparsed, and its socket unread, until the previous
 * response is sent. Clients that wait for their responses, as browsers and nearly all libraries do, stay on the fast
 * path: Node's parser reads the socket directly, which costs a tenth less per request, and no listener waits for the
 * end of a response, which costs another twentieth less.
 *
 * This covers only requests that Node hands over, so Node must not answer any by itself and continue: the server needs
 * `requireHostHeader: false`, and gets listeners for `Expect` headers. In the cases left to Node it closes the
 * connection: unparsable input, a head that is too large or too slow, and CONNECT.
 *
 * @returns A function that tells whether a connection has an unanswered request.
 */
export function serializePipelinedRequests(
  server: Server,
  listener: RequestListener,
): (socket: Socket) => boolean {
  server.on('connection', (socket: HttpSocket) => {
    // Node's own listener, which passes data to the parser.
    const [parse] = socket.listeners('data') as Connection['parse'][];
    if (!parse) throw new Error('The HTTP connection has no parser.');
    const connection: Connection = {
      socket,
      requests: 0,
      parse,
      isPipelined: false,
      current: undefined,
      parsed: [],
      unparsed: undefined,
    };
    socket[CONNECTION] = connection;
    // Node resumes reading once its responses have been sent.
    socket.on('resume', () => {
      if (connection.unparsed) queue(connection);
    });
  });

  const handle = (connection: Connection, request: IncomingMessage, response: ServerResponse) => {
    // Node discards what it has received behind a request to upgrade.
    const isLast = ++connection.requests >= MAX_REQUESTS || request.headers.upgrade !== undefined;
    if (isLast) response.setHeader('connection', 'close');
    if (connection.isPipelined) waitFor(connection, request, response);
    if (isAcceptable(request, response)) listener(request, response);
  };
  const waitFor = (connection: Connection, request: IncomingMessage, response: ServerResponse) => {
    connection.current = request;
    response.once('close', () => {
      connection.current = undefined;
      if (connection.unparsed || connection.parsed.length > 0) queue(connection);
    });
  };
  const queue = oneByOne((connection) => {
    if (connection.socket.destroyed) return;
    const next = connection.current ? undefined : connection.parsed.shift();
    if (next) handle(connection, ...next);
    // The body follows a head that was parsed early.
    if (connection.unparsed) feedUnparsed(connection, connection.unparsed);
  });
  const onRequest: RequestListener = (request, response) => {
    const socket = request.socket as HttpSocket;
    const connection = socket[CONNECTION];
    if (!connection) throw new Error('The HTTP request has no connection.');
    const answering = socket._httpMessage;
    if (!connection.isPipelined && answering && answering !== response) {
      divert(connection);
      waitFor(connection, answering.req, answering);
    }
    // Between two responses those that wait still come first.
    if (connection.current || connection.parsed.length > 0) enqueue(connection, request, response);
    else handle(connection, request, response);
  };
  server.on('request', onRequest).on('checkContinue', onRequest).on('checkExpectation', onRequest);
  return (socket: HttpSocket) => Boolean(socket._httpMessage);
}

/** Responds as Node would: 400 to a request without a host, 417 to an unknown expectation. */
function isAcceptable(request: IncomingMessage, response: ServerResponse): boolean {
  const { host, expect } = request.headers;
  // Older versions require no Host header and define no expectations.
  if (request.httpVersion !== '1.1') return true;
  if (host === undefined) {
    response.setHeader('connection', 'close');
    response.writeHead(400).end();
    return false;
  }
  if (expect === undefined) return true;
  if (CONTINUE.test(expect)) {
    response.writeContinue();
    return true;
  }
  response.writeHead(417).end();
  return false;
}

/**
 * Continues with connections that have pipelined, one per turn of the event loop. A response that the kernel accepts
 * whole is written without such a turn, so a thousand of them would block all other clients.
 */
function oneByOne(proceed: (connection: Connection) => void): (connection: Connection) => void {
  const waiting: Connection[] = [];
  const turn = () => {
    const connection = waiting.shift();
    if (waiting.length > 0) setImmediate(turn);
    if (connection) proceed(connection);
  };
  return (connection) => {
    if (waiting.push(connection) === 1) setImmediate(turn);
  };
}

/** Diverts the connection's bytes from Node's parser. */
function divert(connection: Connection): void {
  const { socket, parse } = connection;
  connection.isPipelined = true;
  // Node stops reading the socket directly when there is another listener.
  socket.on('data', (bytes: Buffer) => receive(connection, bytes));
  socket.off('data', parse);
}

/** Queues a request that was parsed behind another one. */
function enqueue({ socket, parsed }: Connection, request: IncomingMessage, response: ServerResponse): void {
  if (parsed.push([request, response]) <= MAX_PARSED) return;
  ignoreMore(socket);
  socket.destroy();
}

/** Keeps Node from creating responses for the requests that it has yet to parse from the current chunk. */
function ignoreMore(socket: HttpSocket): void {
  if (socket.parser) socket.parser.onIncoming = () => 0;
}

function receive(connection: Connection, bytes: Buffer): void {
  const { socket, unparsed } = connection;
  if (!unparsed) {
    feed(connection, bytes);
    return;
  }
  // Reading stops some time after the pause, not immediately.
  connection.unparsed = Buffer.concat([unparsed, bytes]);
  socket.pause();
  if (connection.unparsed.length > MAX_AHEAD) socket.destroy();
}

/** Parses the waiting bytes, now that the previous request is answered. */
function feedUnparsed(connection: Connection, bytes: Buffer): void {
  connection.unparsed = undefined;
  feed(connection, bytes);
  if (!connection.unparsed) connection.socket.resume();
}

/** Parses one head at a time, up to a request that must be answered first. */
function feed(connection: Connection, bytes: Buffer): void {
  const { socket } = connection;
  for (let from = 0; from < bytes.length; ) {
    if (socket.destroyed || socket.writableEnded) return;
    if (connection.current?.complete || connection.parsed.length > 0 || socket._paused === true) {
      connection.unparsed = bytes.subarray(from);
      socket.pause();
      return;
    }
    const end = bytes.indexOf(END_OF_HEAD, from);
    const to = end === -1 ? bytes.length : afterEmptyLines(bytes, end + END_OF_HEAD.length);
    parsePiece(connection, from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
    from = to;
  }
}

/** Node's parser skips empty lines between requests: they are passed on together, since each piece costs a call. */
function afterEmptyLines(bytes: Buffer, from: number): number {
  let to = from;
  while (bytes[to] === CR || bytes[to] === LF) to++;
  return to;
}

/** No client may crash the process, so an error here closes only its connection. */
function parsePiece({ socket, parse }: Connection, bytes: Buffer): void {
  try {
    parse(bytes);
  } catch (error) {
    socket.destroy(error as Error);
  }
}
