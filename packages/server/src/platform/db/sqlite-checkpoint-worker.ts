import { DatabaseSync } from 'node:sqlite';

/**
 * Checkpoints a file's write-ahead log, in a separate thread because it waits for the disk. Writers are not blocked,
 * and what they write meanwhile stays in the log.
 */
export default function checkpoint(file: string): void {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA wal_checkpoint(PASSIVE)');
  } finally {
    database.close();
  }
}
