/** How long to wait for the database before it counts as unavailable, in milliseconds. */
export interface Timeouts {
  /** For a connection: to the server, or a free one from the pool. */
  connection: number;
  /** For a lock held by another transaction or process. */
  lock: number;
  /** For earlier writes in this process, which take turns. */
  turn: number;
  /** For a statement. */
  statement: number;
  /** For an unresponsive connection; longer than for a statement, so only a dead network or server takes this long. */
  answer: number;
  /** For an idle transaction. */
  idle: number;
}

export const defaultTimeouts: Timeouts = {
  connection: 2_000,
  lock: 2_000,
  turn: 5_000,
  statement: 5_000,
  answer: 10_000,
  idle: 10_000,
};
