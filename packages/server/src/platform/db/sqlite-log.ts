import { type FileHandle, open } from 'node:fs/promises';
import { DatabaseAway } from './unavailable.ts';

/**
 * The write-ahead log of a file, as far as the disk is concerned. SQLite would force a commit to the disk inside the call,
 * and this process would answer nobody meanwhile; here a thread of Node's does it, and one fdatasync serves all that were
 * committed before it began.
 */
export class Log {
  readonly #path: string;
  #opened: Promise<FileHandle> | undefined;
  /** Under way; commits that came after its beginning wait for the next. */
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failure: DatabaseAway | undefined;

  constructor(file: string) {
    this.#path = `${file}-wal`;
  }

  /**
   * Throws once the disk has refused to keep what it was given: the system then forgets what it could not write, and a
   * second try would succeed without it (https://wiki.postgresql.org/wiki/Fsync_Errors). A restart reads what is there.
   */
  refuseFailed(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Resolves when all that was committed before the call survives a loss of power. */
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
    // Opening a file of the database anew would be harmless; closing one that SQLite has locked drops its locks (POSIX). It
    // locks the other two only.
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
    this.refuseFailed();
    try {
      // The same file as long as a connection is open: a checkpoint begins it anew, and removes nothing.
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
