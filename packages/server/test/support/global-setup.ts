import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/platform/db/index.ts';
import { createCluster } from './cluster.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where every file of the run lives; removed when it ends, however it ends. */
    folder: string;
    /** The URL of the maintenance database of the run's PostgreSQL. */
    maintenance: string;
    /** A migrated database of either kind, to be copied: a file, and a name. */
    templates: { file: string; name: string };
  }
}

/** One folder and one PostgreSQL for a whole run, with a migrated database of either kind to make copies of. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'usher-test-'));
  // PostgreSQL may run as another user, who has to pass through.
  chmodSync(folder, 0o711);
  // Whatever a test, or a browser that it starts, writes for the time being lies there, too.
  process.env['TMPDIR'] = folder;
  const reaper = spawn(process.execPath, [join(import.meta.dirname, 'reaper.ts'), folder], {
    // Out of reach of a Ctrl-C in the terminal.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const cluster = await createCluster(folder);
  const templates = { file: join(folder, 'template.db'), name: 'usher_template' };
  await execute(cluster.url('postgres'), `CREATE DATABASE ${templates.name}`);
  await migrate(cluster.url(templates.name));
  await migrate(`sqlite:${templates.file}`);
  project.provide('folder', folder);
  project.provide('maintenance', cluster.url('postgres'));
  project.provide('templates', templates);
  return async () => {
    await cluster.stop();
    reaper.stdin.end();
    await once(reaper, 'exit');
  };
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
