import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../../platform/db/index.ts';
import type { UserSearchTable } from '../../platform/db/tables.ts';
import { contains, withTrigrams } from '../../platform/db/user-search.ts';
import type { UserQuery } from './query.ts';

interface Found {
  ids: string[];
  /** Where the next page begins: after this id or username. */
  next: string | null;
}

/**
 * How many users are read in order before the index of trigrams is asked. What more than one in two hundred users have
 * fills a page of 50 by then, and what fewer have is soon sorted.
 */
const READ_FIRST = 10_000;
/** With a filter, each user costs more. */
const READ_FIRST_FILTERED = 4_000;
/** How many rows from the index are sorted at most. */
const MOST_SORTED = 5_000;
/** How often as many users again are read in order, if the text is too common to sort and was not found yet. */
const MOST_READS = 20;
/** Trigrams that the index is asked for: each costs time, and the whole text is compared only where these are found. */
const MOST_TRIGRAMS = 6;

/**
 * The users whose username, email or display name contains the text, in the order asked for. Text of one or two
 * characters must be at the start of one of them.
 *
 * No search reads more than a bounded number of rows: common text is found by reading in order, rare text by the index.
 * Common text that only users far away in this order have is given up on after a while; the page is then shorter than
 * its limit, or empty, and has a `next`.
 */
export async function searchUsers(db: Db, asked: UserQuery, text: string): Promise<Found> {
  const sought = [...text].length < 3 ? `${START}${text}` : text;
  let found = await readInOrder(db, asked, sought, asked.after);
  if (found.next === null || found.ids.length === asked.limit) return found;
  const sorted = await sortFound(db, asked, sought);
  if (sorted) return sorted;
  for (let read = 1; read < MOST_READS && found.next !== null && found.ids.length < asked.limit; read++) {
    const limit = asked.limit - found.ids.length;
    const more = await readInOrder(db, { ...asked, limit }, sought, found.next);
    found = { ids: [...found.ids, ...more.ids], next: more.next };
  }
  return found;
}

/** Before each username, email and display name in `user_search.text`, so that three characters say: at the start. */
const START = '\n\n';

/** Reads the next users in the order asked for, and keeps those with the text. */
async function readInOrder(
  db: Db,
  asked: UserQuery,
  sought: string,
  after: string | undefined,
): Promise<Found> {
  const { part, order, last } = isFiltered(asked) ? filteredPart(asked, after) : wholePart(asked, after);
  const { rows } = await sql<UserSearchTable>`
    SELECT user_id, text FROM (${part}) AS part
    WHERE ${contains(db, 'text', sought)} ${order} LIMIT ${asked.limit + 1}`.execute(db);
  if (rows.length > asked.limit) return pageOf(asked, rows);
  const end = (await last.execute(db)).rows[0];
  return { ids: rows.map(({ user_id }) => user_id), next: end ? keyOf(asked, end) : null };
}

interface Part {
  /** The rows to read. */
  part: RawBuilder<UserSearchTable>;
  order: RawBuilder<unknown>;
  /** The last of them, if there may be more. */
  last: RawBuilder<UserSearchTable>;
}

function wholePart(asked: UserQuery, after: string | undefined): Part {
  const rows = sql`SELECT user_id, text FROM user_search ${where(afterKey(asked, after))} ORDER BY ${orderOf(asked)}`;
  return {
    part: sql`${rows} LIMIT ${READ_FIRST}`,
    // They are in order, and the database may stop at the last one that is needed.
    order: sql``,
    last: sql`${rows} LIMIT 1 OFFSET ${READ_FIRST - 1}`,
  };
}

/** With a filter, the users that it keeps are read first: administrators are few among many. */
function filteredPart(asked: UserQuery, after: string | undefined): Part {
  const key = isByUsername(asked) ? sql`username_key` : sql`id`;
  const isAfter = after === undefined ? [] : [sql`${key} ${isTurned(asked) ? sql`<` : sql`>`} ${after}`];
  const rest = sql`FROM users ${where(filtersOf(asked), isAfter)} ORDER BY ${key} ${isTurned(asked) ? sql`DESC` : sql`ASC`}`;
  return {
    part: sql`SELECT user_id, text FROM (SELECT id ${rest} LIMIT ${READ_FIRST_FILTERED}) AS kept CROSS JOIN user_search WHERE user_id = id`,
    order: sql`ORDER BY ${orderOf(asked)}`,
    last: sql`SELECT id AS user_id, ${START} || username_key || ${START} AS text ${rest} LIMIT 1 OFFSET ${READ_FIRST_FILTERED - 1}`,
  };
}

/**
 * Sorts all users that the index finds; undefined if they are too many. The outer rows of a CROSS JOIN are read
 * first: the few that were found, not all users.
 */
async function sortFound(db: Db, asked: UserQuery, sought: string): Promise<Found | undefined> {
  const trigrams = trigramsOf(sought);
  const { rows } = await sql<Partial<UserSearchTable> & { candidates: number }>`
    WITH found AS MATERIALIZED (${withTrigrams(db, trigrams, MOST_SORTED + 1)})
    SELECT (SELECT count(*) FROM found) AS candidates, page.user_id, page.text FROM (SELECT 1) AS one LEFT JOIN (
      SELECT user_id, text FROM found ${isFiltered(asked) ? sql`CROSS JOIN users` : sql``}
      ${where([contains(db, 'text', sought)], isFiltered(asked) ? [sql`id = user_id`, ...filtersOf(asked)] : [], afterKey(asked, asked.after))}
      ORDER BY ${orderOf(asked)} LIMIT ${asked.limit + 1}
    ) AS page ON TRUE ORDER BY ${orderOf(asked)}`.execute(db);
  if ((rows[0]?.candidates ?? 0) > MOST_SORTED) return undefined;
  return pageOf(
    asked,
    rows.flatMap(({ user_id, text }) => (user_id == null || text == null ? [] : [{ user_id, text }])),
  );
}

/** Some trigrams of the text, spread over all of it. */
function trigramsOf(text: string): string[] {
  const characters = [...text];
  const last = characters.length - 3;
  const count = Math.min(MOST_TRIGRAMS, last + 1);
  const starts = Array.from({ length: count }, (_, n) =>
    count === 1 ? 0 : Math.round((n * last) / (count - 1)),
  );
  return [...new Set(starts.map((at) => characters.slice(at, at + 3).join('')))];
}

function pageOf(asked: UserQuery, rows: readonly UserSearchTable[]): Found {
  const page = rows.slice(0, asked.limit);
  const last = page.at(-1);
  return {
    ids: page.map(({ user_id }) => user_id),
    next: rows.length > asked.limit && last ? keyOf(asked, last) : null,
  };
}

const isFiltered = ({ role, disabled }: UserQuery): boolean => role !== undefined || disabled !== undefined;

const filtersOf = ({ role, disabled }: UserQuery): RawBuilder<unknown>[] => [
  ...(role === undefined ? [] : [sql`admin_since ${role === 'admin' ? sql`IS NOT` : sql`IS`} NULL`]),
  ...(disabled === undefined ? [] : [sql`disabled_at ${disabled ? sql`IS NOT` : sql`IS`} NULL`]),
];

const where = (...conditions: RawBuilder<unknown>[][]): RawBuilder<unknown> =>
  conditions.flat().length === 0 ? sql`` : sql`WHERE ${sql.join(conditions.flat(), sql` AND `)}`;

const isByUsername = ({ order }: UserQuery): boolean => order?.endsWith('username') ?? false;
const isTurned = ({ order }: UserQuery): boolean => order?.startsWith('-') ?? false;

const orderOf = (asked: UserQuery): RawBuilder<unknown> =>
  sql`${sql.ref(isByUsername(asked) ? 'text' : 'user_id')} ${isTurned(asked) ? sql`DESC` : sql`ASC`}`;

/** The condition for rows after an id or username. */
function afterKey(asked: UserQuery, after: string | undefined): RawBuilder<unknown>[] {
  if (after === undefined) return [];
  const than = isTurned(asked) ? sql`<` : sql`>`;
  if (!isByUsername(asked)) return [sql`user_id ${than} ${after}`];
  // Every text with this username begins with it and a line break; no username contains a control character.
  return [sql`text ${than} ${`${START}${after}${isTurned(asked) ? '\n' : '\v'}`}`];
}

/** The id or username of a row. */
const keyOf = (asked: UserQuery, { user_id, text }: UserSearchTable): string =>
  isByUsername(asked) ? text.slice(START.length, text.indexOf('\n', START.length)) : user_id;
