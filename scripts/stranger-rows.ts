// The most that one address range without an account can have written in a day, from the budgets that the server goes by.
// SECURITY.md shows what this prints; tests compare the two, and flood a server to see that it stays below.
import { budgets } from '../packages/server/src/core/limits.ts';

const DAY = 24 * 60 * 60_000;
/** Refusals of one window that are recorded: ten, then one each time they have doubled, up to ten million. */
const RECORDED = 10 + 20;
/** An IPv6 client is counted by its /64, /56 and /48, an IPv4 client by its address alone. */
const WIDTHS = 3;

type Windows = {
  [K in keyof typeof budgets]: (typeof budgets)[K]['kind'] extends 'back-off' ? never : K;
}[keyof typeof budgets];
type Table = 'users' | 'sessions' | 'devices' | 'codes' | 'mails' | 'events' | 'limits' | 'limit_members';

const windows = (name: Windows): number => DAY / budgets[name].length;
/** How much of a budget there is in a day. */
const inADay = (name: Windows): number => budgets[name].most * windows(name);

/** What a row of each table holds at most, in bytes, with user agent, addresses and names as long as they may be. */
export const bytesOfRow: Record<Table, number> = {
  users: 1_000,
  sessions: 800,
  devices: 500,
  codes: 1_600,
  mails: 3_000,
  events: 1_000,
  limits: 120,
  limit_members: 120,
};

interface Writing {
  what: string;
  times: number;
  rows: Partial<Record<Table, number>>;
}

const ranged = ['signup', 'mailsFrom', 'passwordsFrom', 'codesFrom', 'secrets'] as const;
const refusals = ranged.reduce((sum, name) => sum + windows(name) * RECORDED, 0);

/** What each kind of attempt writes, every time or for each new name. */
export const writings: readonly Writing[] = [
  {
    what: 'sign-ups, completed ones too',
    times: inADay('signup'),
    rows: { users: 1, sessions: 1, devices: 1, codes: 1, mails: 1, events: 5, limits: 1 },
  },
  {
    what: 'requested recovery emails',
    times: inADay('mailsFrom'),
    rows: { codes: 1, mails: 1, events: 3, limits: 1 + WIDTHS },
  },
  { what: 'wrong passwords', times: inADay('passwordsFrom'), rows: { events: 1 } },
  {
    what: 'different identifiers that they are tried for',
    times: inADay('names'),
    rows: { limits: 3, limit_members: WIDTHS },
  },
  { what: 'wrong emailed codes', times: inADay('codesFrom'), rows: { events: 1, limits: 2 } },
  { what: 'recorded rejections by a rate limit', times: refusals, rows: { events: 1 } },
  { what: 'rate limits of the range', times: ranged.length + 1, rows: { limits: WIDTHS } },
];

const tables = Object.keys(bytesOfRow) as Table[];

/** Rows of each table in a day. */
export const rowsInADay = (): Record<Table, number> =>
  Object.fromEntries(
    tables.map((table) => [
      table,
      writings.reduce((sum, { times, rows }) => sum + times * (rows[table] ?? 0), 0),
    ]),
  ) as Record<Table, number>;

const bytesOf = (rows: Partial<Record<Table, number>>): number =>
  tables.reduce((sum, table) => sum + (rows[table] ?? 0) * bytesOfRow[table], 0);
const rowsOf = (rows: Partial<Record<Table, number>>): number =>
  tables.reduce((sum, table) => sum + (rows[table] ?? 0), 0);

/** The table of SECURITY.md. */
export function strangerRows(): string[] {
  const lines = writings.map(({ what, times, rows }) =>
    line(what, say(times), times * rowsOf(rows), times * bytesOf(rows)),
  );
  const all = rowsInADay();
  return [
    '| what one IP range does in a day | at most | rows | MB |',
    '|---|---|---|---|',
    ...lines,
    line('total', '', rowsOf(all), bytesOf(all)),
  ];
}

const line = (what: string, times: string, rows: number, bytes: number): string =>
  `| ${what} | ${times} | ${say(rows)} | ${(bytes / 1e6).toFixed(1)} |`;

const say = (count: number): string => count.toLocaleString('en-US');

if (import.meta.main) process.stdout.write(`${strangerRows().join('\n')}\n`);
