// Keeps docs/security/attacks.md and faults.md true: writes into their last column the test files whose titles name the
// row's id, and finds ids that are cited but stand in no table, and rows that no test shows and that say no reason why.
//
//   node scripts/security-tables.ts          writes the last columns
//   node scripts/security-tables.ts --check  changes nothing, and fails when something is stale, missing or unknown
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';

/** Text with the place it stands in, relative to the repository. */
export interface Source {
  path: string;
  text: string;
}

/** An id of an attack, a fault (F) or a promise (P): a letter and a number. */
const ID = /[A-Z]\d{1,2}/g;
const LIST = /[A-Z]\d{1,2}(?:(?:, | and )[A-Z]\d{1,2})*/.source;

// In a title `D1: text`, `D1, D2 on $name: text` or `text (D1)`, and as the first value of a table of cases. In a comment
// `(attack D1)`, `(attacks D1, D2)`, `(fault F1)` or `(P7)`.
const CITED = [
  new RegExp(`['"\`](${LIST})(?: on \\$name)?:`, 'g'),
  new RegExp(`\\((?:attacks? |faults? )?(${LIST})\\)`, 'g'),
  /\[\s*['"`]([A-Z]\d{1,2})['"`],/g,
];

/** The ids that a file names, without the chance finds that are no citation. */
export function citedIn(text: string): Set<string> {
  const lists = CITED.flatMap((pattern) => [...text.matchAll(pattern)].map(([, list = '']) => list));
  return new Set(lists.flatMap((list) => list.match(ID) ?? []));
}

const ROW = /^\| ([A-Z]\d{1,2}) \|(.*)\|([^|]*)\|$/;
/** What the last column begins with where no automated test can show a row. */
const REASON = /^(?:No test|Not yet): \S/;

/**
 * Fills in the last column of a table of attacks or faults.
 *
 * @param tests The test files.
 * @returns The document as it should be, the ids of its rows, and a sentence for each row without a test or a reason.
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
      unshown.push(`${id} is in no test title, and its last column gives no reason ("No test: ...").`);
    return line;
  });
  return { text: lines.join('\n'), ids, unshown };
}

const linkTo = (path: string): string => `[${basename(path, '.test.ts')}](../../${path})`;

/** @returns A sentence for each id that is cited somewhere and known nowhere. */
export function findOrphans(sources: readonly Source[], known: ReadonlySet<string>): string[] {
  return sources.flatMap(({ path, text }) =>
    [...citedIn(text)]
      .filter((id) => !known.has(id))
      .map(
        (id) => `${path} names ${id}, which is in no table of docs/security and no promise of SECURITY.md.`,
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
    if (process.argv.includes('--check')) problems.push(`${path} is stale. Run: npm run reference`);
    else writeFileSync(resolve(root, path), filled.text);
  }
  problems.push(...findOrphans([...tests, ...find('{packages/*/src,scripts,bench}/**/*.{ts,tsx}')], known));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else
    console.log(
      `${known.size} attacks, faults and promises, each with its test or the reason why there is none`,
    );
}
