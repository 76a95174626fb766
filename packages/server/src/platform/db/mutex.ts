import { DatabaseAway } from './unavailable.ts';

interface Waiter {
  admit: () => void;
  timer: NodeJS.Timeout;
}

/** One at a time, in the order of asking. */
export class Mutex {
  #held = false;
  readonly #waiting: Waiter[] = [];

  /** Resolves when it is the caller's turn, who must then `unlock`; rejects after `patience` milliseconds of waiting. */
  lock(timeouts: number): Promise<void> {
    if (!this.#held) {
      this.#held = true;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      // Without an end to the waiting, one transaction that hangs would hang every later one, and nobody would be told.
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(new DatabaseAway(`Database write timed out after ${timeouts} ms.`));
      }, timeouts);
      const waiter = { admit: resolve, timer };
      this.#waiting.push(waiter);
    });
  }

  unlock(): void {
    const next = this.#waiting.shift();
    if (!next) {
      this.#held = false;
      return;
    }
    clearTimeout(next.timer);
    next.admit();
  }
}
