// Keeps docs/security/attacks.md and faults.md in step with the tests. It writes into the last column of a row the test
// files whose titles name the row's id. It reports ids that no table has, and rows with neither a test nor a reason.
//
//   node scripts/security-tables.ts          writes the last columns
//   node scripts/security-tables.ts --check  writes nothing, and fails when something is out of date, missing or unknown
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';

/** The text of a file, and its path in the repository. */
export interface Source {
  path: string;
  text: string;
}

/** An id of an attack, a fault (F) or a promise (P): a letter and a number. */
const ID = /[A-Z]\d{1,2}/g;
const LIST = /[A-Z]\d{1,2}(?:(?:, | and )[A-Z]\d{1,2})*/.source;

// In a title `D1: text`, `D1, D2 on $name: text` or `text (D1)`, and as the first value of a table of cases. In a
// comment `(attack D1)`, `(attacks D1, D2)`, `(fault F1)` or `(P7)`.
const CITED = [
  new RegExp(`['"\`](${LIST})(?: on \\$name)?:`, 'g'),
  new RegExp(`\\((?:attacks? |faults? )?(${LIST})\\)`, 'g'),
  /\[\s*['"`]([A-Z]\d{1,2})['"`],/g,
];

/** The ids that a file cites. Text that only looks like an id is ignored. */
export function citedIn(text: string): Set<string> {
  const lists = CITED.flatMap((pattern) => [...text.matchAll(pattern)].map(([, list = '']) => list));
  return new Set(lists.flatMap((list) => list.match(ID) ?? []));
}

const ROW = /^\| ([A-Z]\d{1,2}) \|(.*)\|([^|]*)\|$/;
/** How the last column begins when there is no automated test. */
const REASON = /^(?:No test|Not yet): \S/;

/**
 * Fills in the last column of the tables of attacks or faults.
 *
 * @param tests The test files.
 * @returns The updated document, the ids of its rows, and a sentence for each row without a test or a reason.
 */
export function fillIn(document: string, tests: readonly Source[]) {
  const ids: string[] = [];
  const unshown: string[] = [];
  const cited = tests.map(({ path, text }) => ({ path, ids: citedIn(text) }));
  const lines = document.split('\n').map((line) => {
    const [, id, middle, last = ''] = ROW.exec(line) ?? [];
    if (id === undefined) return line;
    if (ids.includes(id)) unshown.push(`${id} has two rows.`);
    ids.push(id);
    const links = cited.filter((one) => one.ids.has(id)).map(({ path }) => linkTo(path));
    if (links.length > 0) return `| ${id} |${middle}| ${links.join(', ')} |`;
    if (!REASON.test(last.trim()))
      unshown.push(
        `${id} is in no test title, and its last column gives no reason ("No test: ..." or "Not yet: ...").`,
      );
    return line;
  });
  return { text: lines.join('\n'), ids, unshown };
}

const linkTo = (path: string): string => `[${basename(path, '.test.ts')}](../../${path})`;

/** @returns A sentence for each cited id that no table has. */
export function findOrphans(sources: readonly Source[], known: ReadonlySet<string>): string[] {
  return sources.flatMap(({ path, text }) =>
    [...citedIn(text)]
      .filter((id) => !known.has(id))
      .map(
        (id) =>
          `${path} names ${id}, which is neither in a table of docs/security nor a promise of SECURITY.md.`,
      ),
  );
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..');
  const read = (path: string): Source => ({ path, text: readFileSync(resolve(root, path), 'utf8') });
  const BUILT_OR_FOREIGN = /(^|[\\/])(node_modules|dist)([\\/]|$)/;
  const find = (pattern: string) =>
    globSync(pattern, { cwd: root, exclude: (name) => BUILT_OR_FOREIGN.test(String(name)) })
      .sort()
      .map(read);
  const tests = find('packages/*/test/**/*.test.ts');
  const known = new Set(read('SECURITY.md').text.match(/(?<=^\| )P\d{1,2}(?= \|)/gm));
  const problems: string[] = [];
  for (const { path, text } of find('docs/security/{attacks,faults}.md')) {
    const filled = fillIn(text, tests);
    for (const id of filled.ids) known.add(id);
    problems.push(...filled.unshown.map((sentence) => `${path}: ${sentence}`));
    if (filled.text === text) continue;
    if (process.argv.includes('--check')) problems.push(`${path} is out of date. Run: npm run reference`);
    else writeFileSync(resolve(root, path), filled.text);
  }
  problems.push(...findOrphans([...tests, ...find('{packages/*/src,scripts,bench}/**/*.{ts,tsx}')], known));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else console.log(`${known.size} attacks, faults and promises, each with a test or a reason`);
}
