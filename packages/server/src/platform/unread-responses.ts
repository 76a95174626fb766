import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How many times per timeout the connections are looked through: a client may take this part of it longer. */
const ROUNDS = 6;

/**
 * Disconnects clients that leave a response unread: from which no byte has come, and which has accepted none, for this
 * long. A timeout of the server would do the same, but Node then starts two timers for every request, which costs a
 * twelfth of a session check. So only sockets with unread bytes get a timer, and they are looked for now and then.
 *
 * @param timeout Milliseconds.
 * @param isAnswering Whether a socket has an unanswered request.
 */
export function limitUnread(server: Server, timeout: number, isAnswering: (socket: Socket) => boolean): void {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    // Until the first response; from then on Node starts and ends a timer of its own between requests.
    socket.setTimeout(timeout);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const rounds = setInterval(() => {
    // Node replaces the timer when the response has been sent.
    for (const socket of sockets)
      if (socket.writableLength > 0 && socket.timeout !== timeout) socket.setTimeout(timeout);
  }, timeout / ROUNDS).unref();
  server.once('close', () => clearInterval(rounds));
  // Also called for idle connections, when Node's own timer ends.
  server.on('timeout', (socket) => {
    const isQuiet = isAnswering(socket) && socket.writableLength === 0;
    if (isQuiet) socket.setTimeout(0);
    else socket.destroy();
  });
}
