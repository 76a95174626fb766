import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/platform/db/index.ts';
import { type Cluster, createCluster } from './cluster.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The folder for all files of the run; removed at its end, even after a crash. */
    folder: string;
    /** The URL of the maintenance database of the run's PostgreSQL server. */
    maintenance: string;
    /** A migrated database of each kind to copy: a file and a database name. */
    templates: { file: string; name: string };
  }
}

/** Creates one folder and one PostgreSQL server for the whole run, with a migrated database of each kind to copy. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [major] = process.versions.node.split('.');
  if (Number(major) < 24)
    throw new Error(
      `The tests need Node.js 24 or later; this is ${process.versions.node}. Run \`npm test\`, which uses the one that npm has installed.`,
    );
  const folder = mkdtempSync(join(tmpdir(), 'usher-test-'));
  // PostgreSQL may run as another user, who must be able to traverse the folder.
  chmodSync(folder, 0o711);
  // Temporary files of tests and their browsers go there, too.
  process.env['TMPDIR'] = folder;
  const reaper = spawn(process.execPath, [join(import.meta.dirname, 'reaper.ts'), folder], {
    // Not reached by Ctrl-C in the terminal.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const reaped = once(reaper, 'exit');
  // The reaper stops PostgreSQL at once; an orderly stop would first write what is deleted with the folder.
  const stop = async () => {
    reaper.stdin.end();
    await reaped;
  };
  try {
    await provide(project, folder, await createCluster(folder));
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

/** Gives the tests the server, and a migrated database of each kind to copy. */
async function provide(project: TestProject, folder: string, cluster: Cluster): Promise<void> {
  const templates = { file: join(folder, 'template.db'), name: 'usher_template' };
  await execute(cluster.url('postgres'), `CREATE DATABASE ${templates.name}`);
  await migrate(cluster.url(templates.name));
  await migrate(`sqlite:${templates.file}`);
  project.provide('folder', folder);
  project.provide('maintenance', cluster.url('postgres'));
  project.provide('templates', templates);
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
}

async function migrate(url: string): Promise<void> {
  const database = await openDatabase(url);
  await database.migrate();
  await database.close();
}
