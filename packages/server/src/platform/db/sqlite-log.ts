import { type FileHandle, open } from 'node:fs/promises';
import { DatabaseAway } from './unavailable.ts';

/**
 * Forces a file's write-ahead log to disk. SQLite would do so inside the commit call, blocking the process; here one of
 * Node's threads does it, and one fdatasync covers all commits made before it started.
 */
export class Log {
  readonly #path: string;
  #opened: Promise<FileHandle> | undefined;
  /** The running sync; later commits wait for the next one. */
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failure: DatabaseAway | undefined;

  constructor(file: string) {
    this.#path = `${file}-wal`;
  }

  /**
   * Throws once the disk has failed to write: the system then forgets what it could not write, and a second attempt
   * would succeed without it (https://wiki.postgresql.org/wiki/Fsync_Errors). A restart reads what is on disk.
   */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Resolves when everything committed before the call survives a power loss. */
  async force(): Promise<void> {
    if (!this.#running) return this.#begin();
    this.#next ??= this.#running.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  async close(): Promise<void> {
    await this.#running?.catch(() => undefined);
    await this.#next?.catch(() => undefined);
    // Closing a file that SQLite has locked would release its locks (POSIX). Closing this one is safe: SQLite locks
    // only the other two files.
    await this.#opened?.then((handle) => handle.close()).catch(() => undefined);
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    const running = this.#sync().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #sync(): Promise<void> {
    this.throwIfFailed();
    try {
      // The file stays the same as long as a connection is open: a checkpoint restarts it, but never removes it.
      this.#opened ??= open(this.#path, 'r+');
      await (await this.#opened).datasync();
    } catch (cause) {
      this.#failure = new DatabaseAway(`Couldn’t write to disk: ${(cause as Error).message}`, {
        cause,
      });
      throw this.#failure;
    }
  }
}
