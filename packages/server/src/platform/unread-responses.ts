import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How many times per timeout the connections are looked through: a client may take this part of it longer. */
const ROUNDS = 6;

/** What a connection has accepted, and for how many rounds no more than that. */
interface Progress {
  accepted: number;
  rounds: number;
}

/** A client's socket with Node's own handle of it. */
type HandleSocket = Socket & {
  _handle?: {
    /** The number of bytes handed over for sending. */
    bytesWritten: number;
    /** The number of these that the kernel has not accepted yet. */
    writeQueueSize: number;
  } | null;
};

/**
 * Disconnects clients that have accepted nothing for this long: they leave a response unread, or keep a connection open
 * without a request. What they send does not count. While a request waits for its handler, a client has nothing to
 * accept.
 *
 * A timeout of the server would restart with every byte that a client sends. Node would also start two timers for every
 * request then, which costs a twelfth of a session check. So all connections are looked through now and then.
 *
 * @param timeout Milliseconds.
 * @param isAnswering Whether a socket has an unanswered request.
 */
export function limitUnread(server: Server, timeout: number, isAnswering: (socket: Socket) => boolean): void {
  const connections = new Map<Socket, Progress>();
  server.on('connection', (socket) => {
    connections.set(socket, { accepted: 0, rounds: 0 });
    socket.once('close', () => connections.delete(socket));
  });
  const rounds = setInterval(() => {
    for (const [socket, progress] of connections) {
      const accepted = countAccepted(socket);
      const isWaiting = isAnswering(socket) && socket.writableLength === 0;
      if (isWaiting || accepted !== progress.accepted) {
        progress.accepted = accepted;
        progress.rounds = 0;
      } else if (++progress.rounds > ROUNDS) socket.destroy();
    }
  }, timeout / ROUNDS).unref();
  server.once('close', () => clearInterval(rounds));
}

/** The number of bytes that the kernel has accepted. A part of a large chunk counts, too. */
function countAccepted({ _handle }: HandleSocket): number {
  return _handle ? _handle.bytesWritten - _handle.writeQueueSize : 0;
}
