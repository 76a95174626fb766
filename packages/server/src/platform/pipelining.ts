import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The end of the head of a request (RFC 9112, section 2.1). */
const END_OF_HEAD = Buffer.from('\r\n\r\n');
/** How many bytes may wait unparsed behind a request; a client that sends more is cut off. */
const MOST_AHEAD = 262_144;

/** After so many requests a connection is closed. Node's own limit answers those that were sent ahead with 503 instead. */
const MOST_REQUESTS = 1_000;

/** A connection, and what it has sent. */
interface Connection {
  socket: Socket;
  /** How many requests it has sent. */
  requests: number;
  /** Node's parser of requests. */
  parse: (bytes: Buffer) => void;
  /** The request that is being answered. */
  current: IncomingMessage | undefined;
  /** Requests that were parsed and wait: one at most, when a piece had the end of one head and all of another. */
  parsed: [IncomingMessage, ServerResponse][];
  /** What was received behind the current request. */
  unparsed: Buffer | undefined;
}

/**
 * Answers the requests of a connection one at a time. Node parses everything that it has received, and begins to answer
 * all of it: 64 kB hold two thousand requests, and whoever does not read makes it keep two thousand answers. Here what
 * was sent behind a request stays unparsed, and the socket unread, until the answer is on its way.
 *
 * @returns Whether a connection has a request that is not answered yet.
 */
export function answerInTurn(server: Server, listener: RequestListener): (socket: Socket) => boolean {
  const connections = new WeakMap<Socket, Connection>();
  server.on('connection', (socket) => {
    // Node's own listener, which hands what it is given to the parser.
    const [parse] = socket.listeners('data') as Connection['parse'][];
    if (!parse) throw new Error('A connection has no parser.');
    const connection: Connection = {
      socket,
      requests: 0,
      parse,
      current: undefined,
      parsed: [],
      unparsed: undefined,
    };
    connections.set(socket, connection);
    socket.on('data', (bytes: Buffer) => receive(connection, bytes));
    socket.off('data', parse);
  });

  const begin = (connection: Connection, request: IncomingMessage, response: ServerResponse) => {
    connection.current = request;
    if (++connection.requests >= MOST_REQUESTS) response.setHeader('connection', 'close');
    response.once('close', () => {
      connection.current = undefined;
      if (connection.unparsed || connection.parsed.length > 0) queue(connection);
    });
    listener(request, response);
  };
  const queue = oneByOne((connection) => {
    if (connection.socket.destroyed) return;
    const next = connection.parsed.shift();
    if (next) begin(connection, ...next);
    else if (connection.unparsed) feedUnparsed(connection, connection.unparsed);
  });
  server.on('request', (request, response) => {
    const connection = connections.get(request.socket);
    if (!connection) throw new Error('A request came from no connection.');
    if (connection.current) connection.parsed.push([request, response]);
    else begin(connection, request, response);
  });
  return (socket) => connections.get(socket)?.current !== undefined;
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

function receive(connection: Connection, bytes: Buffer): void {
  const { socket, unparsed } = connection;
  if (!unparsed) {
    feed(connection, bytes);
    return;
  }
  // Reading stops some time after the pause, not at once.
  connection.unparsed = Buffer.concat([unparsed, bytes]);
  socket.pause();
  if (connection.unparsed.length > MOST_AHEAD) socket.destroy();
}

/** Parses what waited, now that the request before it is answered. */
function feedUnparsed(connection: Connection, bytes: Buffer): void {
  connection.unparsed = undefined;
  feed(connection, bytes);
  if (!connection.unparsed) connection.socket.resume();
}

/** Parses head by head, up to a request that has to be answered first. */
function feed(connection: Connection, bytes: Buffer): void {
  const { socket, parse } = connection;
  for (let from = 0; from < bytes.length; ) {
    if (socket.destroyed || socket.writableEnded) return;
    if (connection.current?.complete || connection.parsed.length > 0) {
      connection.unparsed = bytes.subarray(from);
      socket.pause();
      return;
    }
    const end = bytes.indexOf(END_OF_HEAD, from);
    const to = end === -1 ? bytes.length : end + END_OF_HEAD.length;
    parse(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
    from = to;
  }
}
