import type { Server } from 'node:net';

/** A range of addresses that a client is in, and how many times the number of the limit it has. */
interface CountedRange {
  subject: string;
  times: number;
}

/** How many connections one client may have at a time. */
export interface ConnectionLimit {
  /** The ranges that an address counts in; none for who is not limited, such as a proxy of ours. */
  rangesOf(ip: string | undefined): readonly CountedRange[];
  most: number;
  /** Called for each connection that is closed because one of its ranges has as many as it may have. */
  onRejected(range: string, most: number): void;
}

/** Closes connections of a range that has as many as it may have already. */
export function limitConnections(server: Server, { rangesOf, most, onRejected }: ConnectionLimit): void {
  const open = new Map<string, number>();
  server.on('connection', (socket) => {
    const ranges = rangesOf(socket.remoteAddress);
    const full = ranges.find(({ subject, times }) => (open.get(subject) ?? 0) >= most * times);
    if (full) {
      // An answer would cost as much as an honest one does.
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
