import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Part } from './figures.ts';

const program = resolve(import.meta.dirname, '../packages/server/bin/usher.js');

const ROUNDS = 2;
const MANY = 100_000;
/** Half as many, and not fewer: in the first seconds Node.js makes itself room, whatever it does. */
const FEW = 50_000;

/** Has the program say at its end how much memory it ever held, in KiB. */
const tellPeak = `--import=data:text/javascript,${encodeURIComponent(
  "process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS + ' KiB'))",
)}`;

/** Importing users with bcrypt hashes from CSV, the whole command; once again; and exporting them. */
export async function measureImport(folder: string): Promise<Part[]> {
  const [many, few] = [join(folder, 'many.csv'), join(folder, 'few.csv')];
  await writeUsers(many, MANY);
  await writeUsers(few, FEW);
  const rows = { fresh: [] as number[], again: [] as number[], exported: [] as number[] };
  const peak = { many: [] as number[], few: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    const usher = (name: string, ...args: string[]) => runOnce(folder, `${name}-${round}.db`, args);
    await usher('many', 'db', 'create');
    await usher('few', 'db', 'create');
    const imported = await usher('many', 'user', 'import', many);
    rows.fresh.push(MANY / imported.seconds);
    peak.many.push(imported.peak);
    peak.few.push((await usher('few', 'user', 'import', few)).peak);
    rows.again.push(MANY / (await usher('many', 'user', 'import', many)).seconds);
    const target = join(folder, `out-${round}.jsonl`);
    rows.exported.push(MANY / (await usher('many', 'user', 'export', target)).seconds);
  }
  return [
    {
      title: `import: ${MANY} users with bcrypt hashes from CSV, the whole command`,
      figures: [
        { name: 'imported', unit: 'rows/s', values: rows.fresh },
        { name: 'imported again: all are there', unit: 'rows/s', values: rows.again },
        { name: 'exported', unit: 'rows/s', values: rows.exported },
        { name: `most memory, ${MANY} rows`, unit: 'MB', values: peak.many },
        { name: `most memory, ${FEW} rows`, unit: 'MB', values: peak.few },
        {
          name: 'the one against the other',
          unit: 'times',
          values: peak.many.map((value, round) => value / (peak.few[round] ?? Number.NaN)),
          aim: { most: 1.2 },
        },
      ],
    },
  ];
}

async function writeUsers(file: string, count: number): Promise<void> {
  const out = createWriteStream(file);
  out.write('email,username,password_hash,created_at\r\n');
  for (let n = 0; n < count; n++) {
    const salt = n.toString(36).padStart(21, 'A');
    const hash = `$2b$12$${salt}.Z17AXnnlpzddNUvnC6cZNOSwMA/8oNi`;
    if (!out.write(`user${n}@example.org,user${n},${hash},2020-01-02T03:04:05Z\r\n`))
      await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
}

/** Runs a command to its end. `peak` is in MB. */
async function runOnce(
  folder: string,
  database: string,
  args: string[],
): Promise<{ seconds: number; peak: number }> {
  const began = performance.now();
  const child = spawn(process.execPath, [tellPeak, program, ...args, '--database', `sqlite:${database}`], {
    cwd: folder,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`usher ${args.join(' ')} ended with ${code}. It said:\n${said}`);
  const seconds = (performance.now() - began) / 1000;
  return { seconds, peak: Number(/peak (\d+) KiB/.exec(said)?.[1]) / 1024 };
}
