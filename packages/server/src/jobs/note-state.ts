import { existsSync } from 'node:fs';
import { ConfigError } from '../config.ts';
import { newestEventId } from '../core/events.ts';
import { hasInstallation, raiseStateRevision, readState } from '../core/installation.ts';
import { wasRefreshed } from '../core/sessions.ts';
import type { Database, Db } from '../platform/db/index.ts';
import { readStateFile, type StateFile, stateFileOf, writeStateFile } from '../platform/state-file.ts';

type Refreshed = NonNullable<NonNullable<StateFile['pending']>['refreshed']>;

/** Records outside the database how far its state has advanced. */
export interface StateNotes {
  /**
   * Records that a refresh token was used, and the number of its successor; there is no event for that. Call it after
   * the commit.
   */
  noteRefresh(session: string, number: number): void;
  /** Writes the current state, if it changed since the last write. */
  save(): Promise<void>;
}

/**
 * State notes for a database that is a file; a no-op for a database server, which has no place for them.
 *
 * The order of the writes makes a crash harmless between any two of them. The file never claims more than the database
 * has committed, so a crash signs no one out. It names the newest event before the revision is raised, so a copy with
 * the same revision that lacks this event is recognized as older.
 */
export function stateNotes(db: Db, databaseFile: string | undefined): StateNotes {
  if (databaseFile === undefined) return { noteRefresh: () => {}, save: async () => {} };
  const path = stateFileOf(databaseFile);
  let saved: string | undefined;
  let refreshed: Refreshed | undefined;
  return {
    noteRefresh(session, number) {
      refreshed = { session, number };
    },
    async save() {
      const event = await newestEventId(db);
      if (event === saved && !refreshed) return;
      const noted = refreshed;
      const { installation, revision } = await readState(db);
      const pending = noted ? { event, refreshed: noted } : { event };
      await writeStateFile(path, { installation, revision, pending });
      await writeStateFile(path, { installation, revision: await raiseStateRevision(db) });
      saved = event;
      // Keeps a newer one that arrived in the meantime.
      if (refreshed === noted) refreshed = undefined;
    },
  };
}

/**
 * Rejects an empty database if notes of an installation exist: its file was lost, or copied without its write-ahead
 * log. Starting anew would also overwrite the notes, so an older copy that is restored later would not be detected.
 *
 * @throws ConfigError
 */
export async function rejectLostDatabase({ db, file, exists }: Database): Promise<void> {
  if (file === undefined) return;
  const path = stateFileOf(file);
  // Reads the notes first: a process that is creating the database writes them last.
  if (!readStateFile(path) || ((await exists()) && (await hasInstallation(db)))) return;
  const [found, cause] = existsSync(file)
    ? [`${file} is empty`, ' It may have been copied while Usher was running.']
    : [`${file} is missing`, ''];
  throw new ConfigError(
    `${found}, but ${path} shows that there was a database.${cause} Restore a backup, or delete ${path} to start with a new database.`,
  );
}

/**
 * The recorded state if it is ahead of the database, which means that an older copy was restored.
 *
 * @returns undefined if the database is up to date, or if nothing was recorded for this installation.
 */
export async function revisionAhead(db: Db, databaseFile: string | undefined): Promise<number | undefined> {
  const noted = databaseFile === undefined ? undefined : readStateFile(stateFileOf(databaseFile));
  const { installation, revision } = await readState(db);
  if (noted?.installation !== installation || noted.revision < revision) return undefined;
  const isOlder = noted.revision > revision || !(await holds(db, noted.pending));
  return isOlder ? noted.revision : undefined;
}

async function holds(db: Db, pending: StateFile['pending']): Promise<boolean> {
  if (!pending) return true;
  const { event, refreshed } = pending;
  if ((await newestEventId(db)) < event) return false;
  return !refreshed || wasRefreshed(db, refreshed.session, refreshed.number);
}
