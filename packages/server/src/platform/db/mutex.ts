import { DatabaseAway } from './unavailable.ts';

interface Waiter {
  admit: () => void;
  timer: NodeJS.Timeout;
}

/** Allows one holder at a time, in order of arrival. */
export class Mutex {
  #held = false;
  readonly #waiting: Waiter[] = [];

  /**
   * Resolves when it is the caller's turn, who must then call `unlock`; rejects after waiting `timeouts` milliseconds.
   */
  lock(timeouts: number): Promise<void> {
    if (!this.#held) {
      this.#held = true;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      // Without a timeout, one hanging transaction would block every later one without an error.
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
