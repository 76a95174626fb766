import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../../platform/db/index.ts';
import type { UserSearchTable } from '../../platform/db/tables.ts';
import { contains, withTrigrams } from '../../platform/db/user-search.ts';
import { indexedFilters, isByUsername, isDescending, otherFilters, type UserQuery } from './query.ts';

interface Found {
  ids: string[];
  /** Where the next page begins: after this id or username. */
  next: string | null;
}

/**
 * How many users are read in order before the index of trigrams is used. What more than one in two hundred users have
 * fills a page of 50 by then, and what fewer have is soon sorted.
 */
const READ_FIRST = 10_000;
/** With a filter, each user costs more. */
const READ_FIRST_FILTERED = 4_000;
/** How many rows from the index are sorted at most. */
const MAX_SORTED = 5_000;
/** How often as many users again are read in order, if the text is too common to sort and was not found yet. */
const MAX_READS = 20;
/** How many trigrams are looked up in the index: each costs time, and the whole text is compared only where these are found. */
const MAX_TRIGRAMS = 6;

/**
 * The users whose username, email or display name contains the text, in the order of the query. Text of one or two
 * characters must be at the start of one of them.
 *
 * No search reads more than a bounded number of rows: common text is found by reading in order, rare text by the index.
 * Common text that only users far away in this order have is given up on after a while; the page is then shorter than
 * its limit, or empty, and has a `next`.
 */
export async function searchUsers(db: Db, query: UserQuery, text: string): Promise<Found> {
  const term = [...text].length < 3 ? `${START}${text}` : text;
  let found = await readInOrder(db, query, term, query.after);
  if (found.next === null || found.ids.length === query.limit) return found;
  const sorted = await sortFound(db, query, term);
  if (sorted) return sorted;
  for (let read = 1; read < MAX_READS && found.next !== null && found.ids.length < query.limit; read++) {
    const limit = query.limit - found.ids.length;
    const more = await readInOrder(db, { ...query, limit }, term, found.next);
    found = { ids: [...found.ids, ...more.ids], next: more.next };
  }
  return found;
}

/** Before each username, email and display name in `user_search.text`, so that three characters say: at the start. */
const START = '\n\n';

/** Reads the next users in the order of the query, and keeps those with the text. */
async function readInOrder(
  db: Db,
  query: UserQuery,
  term: string,
  after: string | undefined,
): Promise<Found> {
  const { part, order, last } = isFiltered(query) ? filteredPart(query, after) : wholePart(query, after);
  const { rows } = await sql<UserSearchTable>`
    SELECT user_id, text FROM (${part}) AS part
    WHERE ${contains(db, 'text', term)} ${order} LIMIT ${query.limit + 1}`.execute(db);
  if (rows.length > query.limit) return pageOf(query, rows);
  const end = (await last.execute(db)).rows[0];
  return { ids: rows.map(({ user_id }) => user_id), next: end ? keyOf(query, end) : null };
}

interface Part {
  /** The rows to read. */
  part: RawBuilder<UserSearchTable>;
  order: RawBuilder<unknown>;
  /** The last of them, if there may be more. */
  last: RawBuilder<UserSearchTable>;
}

function wholePart(query: UserQuery, after: string | undefined): Part {
  const rows = sql`SELECT user_id, text FROM user_search ${where(afterKey(query, after))} ORDER BY ${orderOf(query)}`;
  return {
    part: sql`${rows} LIMIT ${READ_FIRST}`,
    // They are in order, and the database may stop at the last one that is needed.
    order: sql``,
    last: sql`${rows} LIMIT 1 OFFSET ${READ_FIRST - 1}`,
  };
}

/** With a filter, the users that it keeps are read first: administrators are few among many. */
function filteredPart(query: UserQuery, after: string | undefined): Part {
  const key = isByUsername(query) ? sql`username_key` : sql`id`;
  const isAfter = after === undefined ? [] : [sql`${key} ${isDescending(query) ? sql`<` : sql`>`} ${after}`];
  const order = sql`ORDER BY ${key} ${isDescending(query) ? sql`DESC` : sql`ASC`}`;
  const read = sql`FROM users ${where(indexedFilters(query), isAfter)} ${order}`;
  return {
    part: sql`SELECT user_id, text FROM (SELECT * ${read} LIMIT ${READ_FIRST_FILTERED}) AS kept
      CROSS JOIN user_search ${where([sql`user_id = id`], otherFilters(query))}`,
    order: sql`ORDER BY ${orderOf(query)}`,
    last: sql`SELECT id AS user_id, ${START} || username_key || ${START} AS text ${read} LIMIT 1 OFFSET ${READ_FIRST_FILTERED - 1}`,
  };
}

/**
 * Sorts all users that the index finds; undefined if they are too many. The outer rows of a CROSS JOIN are read
 * first: the few that were found, not all users.
 */
async function sortFound(db: Db, query: UserQuery, term: string): Promise<Found | undefined> {
  const trigrams = trigramsOf(term);
  const { rows } = await sql<Partial<UserSearchTable> & { candidates: number }>`
    WITH found AS MATERIALIZED (${withTrigrams(db, trigrams, MAX_SORTED + 1)})
    SELECT (SELECT count(*) FROM found) AS candidates, page.user_id, page.text FROM (SELECT 1) AS one LEFT JOIN (
      SELECT user_id, text FROM found ${isFiltered(query) ? sql`CROSS JOIN users` : sql``}
      ${where([contains(db, 'text', term)], isFiltered(query) ? [sql`id = user_id`, ...filtersOf(query)] : [], afterKey(query, query.after))}
      ORDER BY ${orderOf(query)} LIMIT ${query.limit + 1}
    ) AS page ON TRUE ORDER BY ${orderOf(query)}`.execute(db);
  if ((rows[0]?.candidates ?? 0) > MAX_SORTED) return undefined;
  return pageOf(
    query,
    rows.flatMap(({ user_id, text }) => (user_id == null || text == null ? [] : [{ user_id, text }])),
  );
}

/** Some trigrams of the text, spread over all of it. */
function trigramsOf(text: string): string[] {
  const characters = [...text];
  const last = characters.length - 3;
  const count = Math.min(MAX_TRIGRAMS, last + 1);
  const starts = Array.from({ length: count }, (_, n) =>
    count === 1 ? 0 : Math.round((n * last) / (count - 1)),
  );
  return [...new Set(starts.map((at) => characters.slice(at, at + 3).join('')))];
}

function pageOf(query: UserQuery, rows: readonly UserSearchTable[]): Found {
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  return {
    ids: page.map(({ user_id }) => user_id),
    next: rows.length > query.limit && last ? keyOf(query, last) : null,
  };
}

const isFiltered = (query: UserQuery): boolean => filtersOf(query).length > 0;

const filtersOf = (query: UserQuery): RawBuilder<unknown>[] => [
  ...indexedFilters(query),
  ...otherFilters(query),
];

const where = (...conditions: RawBuilder<unknown>[][]): RawBuilder<unknown> =>
  conditions.flat().length === 0 ? sql`` : sql`WHERE ${sql.join(conditions.flat(), sql` AND `)}`;

const orderOf = (query: UserQuery): RawBuilder<unknown> =>
  sql`${sql.ref(isByUsername(query) ? 'text' : 'user_id')} ${isDescending(query) ? sql`DESC` : sql`ASC`}`;

/** The condition for rows after an id or username. */
function afterKey(query: UserQuery, after: string | undefined): RawBuilder<unknown>[] {
  if (after === undefined) return [];
  const than = isDescending(query) ? sql`<` : sql`>`;
  if (!isByUsername(query)) return [sql`user_id ${than} ${after}`];
  // Every text with this username begins with it and a line break; no username contains a control character.
  return [sql`text ${than} ${`${START}${after}${isDescending(query) ? '\n' : '\v'}`}`];
}

/** The id or username of a row. */
const keyOf = (query: UserQuery, { user_id, text }: UserSearchTable): string =>
  isByUsername(query) ? text.slice(START.length, text.indexOf('\n', START.length)) : user_id;
