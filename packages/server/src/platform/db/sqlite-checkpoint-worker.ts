import { DatabaseSync } from 'node:sqlite';

/**
 * Brings home what is in the write-ahead log of a file, in a thread of its own: it waits for the disk. Those who write are
 * not held up, and what they write meanwhile stays in the log.
 */
export default function checkpoint(file: string): void {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA wal_checkpoint(PASSIVE)');
  } finally {
    database.close();
  }
}
