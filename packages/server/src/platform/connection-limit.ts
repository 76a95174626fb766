import type { Server } from 'node:net';

/** How many connections one client may have at a time. */
export interface ConnectionLimit {
  /** The range of addresses that is one client; undefined for who is not limited, such as a proxy of ours. */
  rangeOf(address: string | undefined): string | undefined;
  most: number;
  /** Called for each connection that is closed because its range has as many as it may have. */
  onRefused(range: string): void;
}

/** Closes connections of a range that has as many as it may have already. */
export function limitConnections(server: Server, { rangeOf, most, onRefused }: ConnectionLimit): void {
  const open = new Map<string, number>();
  server.on('connection', (socket) => {
    const range = rangeOf(socket.remoteAddress);
    if (range === undefined) return;
    const count = open.get(range) ?? 0;
    if (count >= most) {
      // An answer would cost as much as an honest one does.
      socket.destroy();
      onRefused(range);
      return;
    }
    open.set(range, count + 1);
    socket.once('close', () => {
      const left = (open.get(range) ?? 1) - 1;
      if (left === 0) open.delete(range);
      else open.set(range, left);
    });
  });
}
