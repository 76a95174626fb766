import type { Server } from 'node:net';

/** An IP range that a client is in, and the factor by which its maximum is multiplied. */
interface CountedRange {
  subject: string;
  times: number;
}

/** How many concurrent connections a client may have. */
export interface ConnectionLimit {
  /** The ranges that an IP counts toward; none if it is not limited, such as a trusted proxy. */
  rangesOf(ip: string | undefined): readonly CountedRange[];
  most: number;
  /** Called for each connection that is closed because one of its ranges has reached its maximum. */
  onRejected(range: string, most: number): void;
}

/** Closes new connections from a range that has reached its maximum. */
export function limitConnections(server: Server, { rangesOf, most, onRejected }: ConnectionLimit): void {
  const open = new Map<string, number>();
  server.on('connection', (socket) => {
    const ranges = rangesOf(socket.remoteAddress);
    const full = ranges.find(({ subject, times }) => (open.get(subject) ?? 0) >= most * times);
    if (full) {
      // A response would cost as much as serving a legitimate request.
      socket.destroy();
      onRejected(full.subject, most * full.times);
      return;
    }
    for (const { subject } of ranges) open.set(subject, (open.get(subject) ?? 0) + 1);
    socket.once('close', () => {
      for (const { subject } of ranges) {
        const left = (open.get(subject) ?? 1) - 1;
        if (left === 0) open.delete(subject);
        else open.set(subject, left);
      }
    });
  });
}
