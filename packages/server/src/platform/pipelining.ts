import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The end of the head of a request (RFC 9112, section 2.1). */
const END_OF_HEAD = Buffer.from('\r\n\r\n');
/** How many bytes may wait unparsed behind a request; a client that sends more is disconnected. */
const MAX_AHEAD = 262_144;
/** How many requests that Node has parsed may wait; a client that sends more in its first burst is disconnected. */
const MAX_PARSED = 16;

/** After so many requests a connection is closed. Node's own limit answers those that were sent ahead with 503 instead. */
const MAX_REQUESTS = 1_000;

/** What Node takes for a client that waits for "100 Continue". */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/** A connection, and what it has sent. */
interface Connection {
  socket: Socket;
  /** How many requests it has sent. */
  requests: number;
  /** Node's parser of requests. */
  parse: (bytes: Buffer) => void;
  /** Whether this connection has sent a request behind another, so that its bytes pass through here. */
  isPipelined: boolean;
  /** The request that is being answered. */
  current: IncomingMessage | undefined;
  /** Requests that were parsed and wait. */
  parsed: [IncomingMessage, ServerResponse][];
  /** What was received behind the current request. */
  unparsed: Buffer | undefined;
}

/**
 * Answers the requests of a connection one at a time. Node parses everything that it receives, and starts to answer
 * all of it: 64 kB hold two thousand requests, and a client that reads nothing makes it keep two thousand responses. So
 * from the first request that is sent behind another, what a client sends stays unparsed, and its socket unread, until
 * the response before it is sent. Clients that wait for their responses, as browsers and nearly all libraries do, keep
 * the path on which Node's parser reads the socket by itself, which costs a tenth less for each request.
 *
 * That holds only for requests that Node hands over, so it must not answer any by itself and go on: the server needs
 * `requireHostHeader: false`, and gets listeners for what a client expects. What is left to Node closes the connection:
 * what cannot be parsed, a head that is too large, one that is late, and CONNECT.
 *
 * @returns Whether a connection has a request that is not answered yet.
 */
export function answerInTurn(server: Server, listener: RequestListener): (socket: Socket) => boolean {
  const connections = new WeakMap<Socket, Connection>();
  server.on('connection', (socket) => {
    // Node's own listener, which hands what it is given to the parser.
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
    connections.set(socket, connection);
    // Node reads on once its answers are on their way.
    socket.on('resume', () => {
      if (connection.unparsed) queue(connection);
    });
  });

  const begin = (connection: Connection, request: IncomingMessage, response: ServerResponse) => {
    connection.current = request;
    if (++connection.requests >= MAX_REQUESTS) response.setHeader('connection', 'close');
    response.once('close', () => {
      connection.current = undefined;
      if (connection.unparsed || connection.parsed.length > 0) queue(connection);
    });
    if (isAcceptable(request, response)) listener(request, response);
  };
  const queue = oneByOne((connection) => {
    if (connection.socket.destroyed) return;
    const next = connection.current ? undefined : connection.parsed.shift();
    if (next) begin(connection, ...next);
    // Behind a head that was parsed early comes its body.
    if (connection.unparsed) feedUnparsed(connection, connection.unparsed);
  });
  const take: RequestListener = (request, response) => {
    const connection = connections.get(request.socket);
    if (!connection) throw new Error('The HTTP request has no connection.');
    if (connection.current) putBehind(connection, request, response);
    else begin(connection, request, response);
  };
  server.on('request', take).on('checkContinue', take).on('checkExpectation', take);
  return (socket) => connections.get(socket)?.current !== undefined;
}

/** Answers as Node would by itself: a request without a host with 400, one that expects what nobody knows with 417. */
function isAcceptable(request: IncomingMessage, response: ServerResponse): boolean {
  const { host, expect } = request.headers;
  // What is older need not name a host, and knows of no expectation.
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
 * Goes on with connections that have sent ahead, one in each turn of the event loop. An answer that the kernel takes
 * whole is written without such a turn, so a thousand of them would keep everybody else waiting.
 */
function oneByOne(goOn: (connection: Connection) => void): (connection: Connection) => void {
  const waiting: Connection[] = [];
  const turn = () => {
    const connection = waiting.shift();
    if (waiting.length > 0) setImmediate(turn);
    if (connection) goOn(connection);
  };
  return (connection) => {
    if (waiting.push(connection) === 1) setImmediate(turn);
  };
}

/** Keeps a request that was parsed behind another one, and takes the bytes of its connection from Node's parser. */
function putBehind(connection: Connection, request: IncomingMessage, response: ServerResponse): void {
  const { socket, parsed, parse } = connection;
  if (!connection.isPipelined) {
    connection.isPipelined = true;
    // Node stops reading the socket by itself when somebody else listens.
    socket.on('data', (bytes: Buffer) => receive(connection, bytes));
    socket.off('data', parse);
  }
  if (parsed.push([request, response]) <= MAX_PARSED) return;
  ignoreMore(socket);
  socket.destroy();
}

/** Keeps Node from making a response for each request that it has yet to parse from the piece that it is at. */
function ignoreMore(socket: Socket & { parser?: { onIncoming: () => number } | null }): void {
  if (socket.parser) socket.parser.onIncoming = () => 0;
}

function receive(connection: Connection, bytes: Buffer): void {
  const { socket, unparsed } = connection;
  if (!unparsed) {
    feed(connection, bytes);
    return;
  }
  // Reading stops some time after the pause, not at once.
  connection.unparsed = Buffer.concat([unparsed, bytes]);
  socket.pause();
  if (connection.unparsed.length > MAX_AHEAD) socket.destroy();
}

/** Parses what waited, now that the request before it is answered. */
function feedUnparsed(connection: Connection, bytes: Buffer): void {
  connection.unparsed = undefined;
  feed(connection, bytes);
  if (!connection.unparsed) connection.socket.resume();
}

/** Whether Node takes nothing for now: it has answers that the client does not take. Its parser throws then. */
const isHeld = (socket: Socket & { _paused?: boolean }): boolean => socket._paused === true;

/** Parses head by head, up to a request that has to be answered first. */
function feed(connection: Connection, bytes: Buffer): void {
  const { socket } = connection;
  for (let from = 0; from < bytes.length; ) {
    if (socket.destroyed || socket.writableEnded) return;
    if (connection.current?.complete || connection.parsed.length > 0 || isHeld(socket)) {
      connection.unparsed = bytes.subarray(from);
      socket.pause();
      return;
    }
    const end = bytes.indexOf(END_OF_HEAD, from);
    const to = end === -1 ? bytes.length : end + END_OF_HEAD.length;
    parsePiece(connection, from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
    from = to;
  }
}

/** Nothing that one client sends may end the process, so what throws here ends its connection alone. */
function parsePiece({ socket, parse }: Connection, bytes: Buffer): void {
  try {
    parse(bytes);
  } catch (error) {
    socket.destroy(error as Error);
  }
}
