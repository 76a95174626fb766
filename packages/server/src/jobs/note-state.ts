import { existsSync } from 'node:fs';
import { ConfigError } from '../config.ts';
import { newestEventId } from '../core/events.ts';
import { hasInstallation, raiseStateRevision, readState } from '../core/installation.ts';
import { wasRefreshed } from '../core/sessions.ts';
import type { Database, Db } from '../platform/db/index.ts';
import { readStateFile, type StateFile, stateFileOf, writeStateFile } from '../platform/state-file.ts';

type Refreshed = NonNullable<NonNullable<StateFile['pending']>['refreshed']>;

/** Remembers outside the database how far it has come. */
export interface StateNotes {
  /** A refresh token was used, and this number follows it; no event tells of that. Call it once it is committed. */
  noteRefresh(session: string, number: number): void;
  /** Writes how far the database has come, if something has happened since the last time. */
  save(): Promise<void>;
}

/**
 * Notes for a database that is a file; for a database server there is no place beside it, and nothing is noted.
 *
 * The order of the writes makes a crash harmless between any two of them. The file never says more than what the database
 * has committed, so a crash signs nobody out. It names the newest event before the revision is raised, so a copy with the
 * same revision that lacks this event is recognized as older.
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
      // Unless another one came meanwhile.
      if (refreshed === noted) refreshed = undefined;
    },
  };
}

/**
 * An empty database beside notes of an installation is not a new one: its file was lost, or copied without its log. To begin
 * anew there would also overwrite the notes, so that an older copy that is put back later would not be noticed.
 *
 * @throws ConfigError
 */
export async function rejectLostDatabase({ db, file, exists }: Database): Promise<void> {
  if (file === undefined) return;
  const path = stateFileOf(file);
  // The notes first: a process that makes the database now writes them last.
  if (!readStateFile(path) || ((await exists()) && (await hasInstallation(db)))) return;
  const [found, cause] = existsSync(file)
    ? [`${file} is empty`, ' It may have been copied while Usher was running.']
    : [`${file} is missing`, ''];
  throw new ConfigError(
    `${found}, but ${path} shows that there was a database.${cause} Restore a backup, or delete ${path} to start with a new database.`,
  );
}

/**
 * How far the database had come when it was noted, if that is further than it is now: somebody put an older copy back.
 *
 * @returns undefined when it is as new as what was noted, or nothing was noted of this installation.
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
