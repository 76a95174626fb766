// The most rows that one IP range without an account can cause in a day, from the server's rate limits. SECURITY.md
// shows the output; tests compare the two, and flood a server to see that it stays below.
import { rateLimits } from '../packages/server/src/core/rate-limits.ts';

const DAY = 24 * 60 * 60_000;
/** Recorded rejections in one window: the first ten, then one at each doubling, up to ten million. */
const RECORDED = 10 + 20;
/** An IPv6 client is counted by its /64, /56 and /48, an IPv4 client by its IP only. */
const WIDTHS = 3;

type Windows = {
  [K in keyof typeof rateLimits]: (typeof rateLimits)[K]['kind'] extends 'back-off' ? never : K;
}[keyof typeof rateLimits];
type Table =
  | 'users'
  | 'sessions'
  | 'devices'
  | 'verifications'
  | 'emails'
  | 'events'
  | 'rate_limits'
  | 'rate_limit_members';

const windows = (name: Windows): number => DAY / rateLimits[name].length;
/** How many attempts a rate limit allows in a day. */
const inADay = (name: Windows): number => rateLimits[name].max * windows(name);

/** The maximum size of a row in each table, in bytes, with the longest possible user agent, email and username. */
export const bytesOfRow: Record<Table, number> = {
  users: 1_000,
  sessions: 800,
  devices: 500,
  verifications: 1_600,
  emails: 3_000,
  events: 1_000,
  rate_limits: 120,
  rate_limit_members: 120,
};

interface Writing {
  what: string;
  times: number;
  rows: Partial<Record<Table, number>>;
}

const ranged = [
  'sign_ups_per_ip_range',
  'emails_per_ip_range',
  'passwords_per_ip_range',
  'codes_per_ip_range',
  'invalid_tokens_per_ip_range',
] as const;
const rejections = ranged.reduce((sum, name) => sum + windows(name) * RECORDED, 0);

/** The rows that each kind of attempt writes, for every attempt or for each new identifier. */
export const writings: readonly Writing[] = [
  {
    what: 'sign-ups, completed ones too',
    times: inADay('sign_ups_per_ip_range'),
    rows: { users: 1, sessions: 1, devices: 1, verifications: 1, emails: 1, events: 5, rate_limits: 1 },
  },
  {
    what: 'requested recovery emails',
    times: inADay('emails_per_ip_range'),
    rows: { verifications: 1, emails: 1, events: 3, rate_limits: 1 + WIDTHS },
  },
  { what: 'wrong passwords', times: inADay('passwords_per_ip_range'), rows: { events: 1 } },
  {
    what: 'different identifiers that they are tried for',
    times: inADay('identifiers_per_ip_range'),
    rows: { rate_limits: 3, rate_limit_members: WIDTHS },
  },
  { what: 'wrong emailed codes', times: inADay('codes_per_ip_range'), rows: { events: 1, rate_limits: 2 } },
  { what: 'recorded rejections by a rate limit', times: rejections, rows: { events: 1 } },
  { what: 'rate limits of the range', times: ranged.length + 1, rows: { rate_limits: WIDTHS } },
];

const tables = Object.keys(bytesOfRow) as Table[];

/** Rows in each table per day. */
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

/** The table in SECURITY.md. */
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
