/** How long the database is waited for, in milliseconds, before whoever asked is told that it is away. */
export interface Timeouts {
  /** For a connection: until the server has taken it, or one of ours is free. */
  connection: number;
  /** For a lock that another transaction or process holds. */
  lock: number;
  /** For the writes before it in this process, where they take turns. */
  turn: number;
  /** For a statement. */
  statement: number;
  /** For a connection that does not answer; longer than for a statement, so only a dead network or server takes as long. */
  answer: number;
  /** For a transaction that does nothing. */
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
