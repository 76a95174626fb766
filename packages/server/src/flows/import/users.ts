import type { AppContext } from '../../context.ts';
import { OPERATOR, recordEvents } from '../../core/events.ts';
import { replaceSlowestHash, serializeAdminChanges, slowestHash } from '../../core/installation.ts';
import { slowerStandIn } from '../../core/passwords/imported.ts';
import { importedAmong, insertImported, takenAmong } from '../../core/users/imported.ts';
import type { Db } from '../../platform/db/index.ts';
import { completeSetUp } from '../accounts/change-user.ts';
import type { Cells } from './columns.ts';
import { type Candidate, type RowRules, readRow } from './row.ts';

/** A row of a source. If it could not be read, `fault` says why. */
export type SourceRow = { line: number } & (
  | { cells: Cells; fault?: never }
  | { cells?: never; fault: string }
);

/** The result of a row, or in a dry run its expected result. */
export interface RowOutcome {
  line: number;
  status: 'imported' | 'skipped' | 'rejected';
  email: string;
  /**
   * The account of an imported or skipped row; none in a dry run that would create it, nor if a stranger may have signed
   * up with the email, nor for a skipped row `withoutIds`.
   */
  id?: string;
  /** Its id in the source, if there is one. */
  sourceId?: string;
  /** The hash family of an imported row. */
  family?: string;
  /** Why the row was rejected, or why a skipped row has no `id`. */
  reason?: string;
}

export interface ImportRules extends RowRules {
  dryRun: boolean;
  /**
   * Nobody asks which accounts the skipped rows have. It saves a search of the audit log for each account whose email is
   * not verified: only that tells whether an import created it.
   */
  withoutIds?: boolean;
}

type Waiting = Candidate & { line: number };

/**
 * Imports rows in batches. Each batch is imported entirely or not at all, and a repeated row only once. A row whose
 * email already has an account is `skipped`, however it was created, so an interrupted import can simply run
 * again. The account is taken for the user's own only if an import created it or its email is verified: anybody can sign
 * up with an email.
 */
export function userImporter(context: Pick<AppContext, 'db' | 'clock'>, rules: ImportRules) {
  const { db, clock } = context;
  const linesByEmail = new Map<string, number>();
  const linesById = new Map<string, number>();
  /** The usernames that a dry run would have created; it creates no accounts that could show them as taken. */
  const promised = new Set<string>();

  /** Why a row repeats an earlier one. If it does not, its email and its ID are noted. */
  function duplicate({ line, emailKey, id, sourceId }: Waiting): string | undefined {
    const idKey = id ?? sourceId;
    const sameEmail = linesByEmail.get(emailKey);
    if (sameEmail !== undefined) return `Duplicate email (also on line ${sameEmail}).`;
    const sameId = linesById.get(idKey);
    if (sameId !== undefined) return `Duplicate ID (also on line ${sameId}).`;
    linesByEmail.set(emailKey, line);
    if (idKey !== '') linesById.set(idKey, line);
    return undefined;
  }

  async function add(rows: readonly SourceRow[]): Promise<RowOutcome[]> {
    const now = clock.now();
    const outcomes: RowOutcome[] = [];
    const candidates: Waiting[] = [];
    for (const row of rows) {
      const read = row.cells && readRow(row.cells, rules, now);
      if (!read) outcomes.push({ line: row.line, status: 'rejected', email: '', reason: row.fault ?? '' });
      else if (!read.ok)
        outcomes.push({
          line: row.line,
          status: 'rejected',
          email: read.email,
          reason: read.reasons.join(' '),
        });
      else {
        const candidate = { ...read, line: row.line };
        const reason = duplicate(candidate);
        if (reason === undefined) candidates.push(candidate);
        else outcomes.push(failedRow(candidate, reason));
      }
    }
    if (candidates.length > 0)
      outcomes.push(
        ...(rules.dryRun
          ? (await choose(db, candidates, promised, rules)).outcomes
          : await db.transaction().execute((tx) => importBatch(tx, candidates, rules, now))),
      );
    return outcomes.sort((a, b) => a.line - b.line);
  }

  return { add };
}

const NOT_VERIFIED =
  'An account with this email exists, but its email is not verified, so it is not in the map.';

/** Chooses the candidates whose identifiers are free. `promised` holds the usernames of the chosen ones; it grows. */
async function choose(
  db: Db,
  candidates: Waiting[],
  promised: Set<string>,
  { withoutIds = false }: ImportRules,
): Promise<{ chosen: Waiting[]; outcomes: RowOutcome[] }> {
  const names = candidates.flatMap(({ usernameKey, otherUsername }) => [
    usernameKey,
    otherUsername ?? usernameKey,
  ]);
  const taken = await takenAmong(db, candidates, names);
  const unverified = [...taken.emails.values()].flatMap(({ id, isVerified }) => (isVerified ? [] : id));
  const imported = await importedAmong(db, withoutIds ? [] : unverified);
  const isTaken = (name: string) => taken.usernames.has(name) || promised.has(name);
  const chosen: Waiting[] = [];
  const outcomes = candidates.map((candidate): RowOutcome => {
    const { email, line, family, id, sourceId, otherUsername } = candidate;
    const named = sourceId === '' ? {} : { sourceId };
    const account = taken.emails.get(candidate.emailKey);
    if (account && withoutIds) return { line, status: 'skipped', email };
    if (account && !account.isVerified && !imported.has(account.id))
      return { line, status: 'skipped', email, reason: NOT_VERIFIED };
    if (account) return { line, status: 'skipped', email, id: account.id, ...named };
    if (id !== undefined && taken.ids.has(id)) return failedRow(candidate, 'This ID is already in use.');
    if (otherUsername !== undefined && isTaken(candidate.usernameKey))
      Object.assign(candidate, { username: otherUsername, usernameKey: otherUsername });
    if (isTaken(candidate.usernameKey)) return failedRow(candidate, 'This username is taken.');
    promised.add(candidate.usernameKey);
    if (id !== undefined) taken.ids.add(id);
    chosen.push(candidate);
    return { line, status: 'imported', email, ...named, family };
  });
  return { chosen, outcomes };
}

/** Creates the accounts of a batch and their events, or none of them. */
async function importBatch(
  tx: Db,
  candidates: Waiting[],
  rules: ImportRules,
  now: number,
): Promise<RowOutcome[]> {
  const hasAdmins = candidates.some(({ adminSince }) => adminSince !== null);
  if (hasAdmins) await serializeAdminChanges(tx);
  const { chosen, outcomes } = await choose(tx, candidates, new Set(), rules);
  const made = await insertImported(tx, chosen);
  await recordEvents(
    tx,
    'user_imported',
    OPERATOR,
    chosen.flatMap(({ emailKey, family }) => {
      const userId = made.get(emailKey);
      return userId ? [{ userId, actorId: 'operator', details: { hash: family } }] : [];
    }),
    now,
  );
  await recordSlowestHash(tx, chosen);
  if (hasAdmins) await completeSetUp(tx, now);
  // Someone may have signed up since the check: only accounts actually created count.
  const idsByLine = new Map(chosen.map(({ line, emailKey }) => [line, made.get(emailKey)]));
  return outcomes.map((outcome) => {
    if (!idsByLine.has(outcome.line)) return outcome;
    const id = idsByLine.get(outcome.line);
    return id === undefined
      ? failedRow(outcome, 'The email or username was just taken. Run the import again.')
      : { ...outcome, id };
  });
}

/** From now on a failed sign-in takes as long as the slowest imported hash (P4). */
async function recordSlowestHash(tx: Db, chosen: Waiting[]): Promise<void> {
  const known = await slowestHash(tx);
  const slowest = chosen.reduce((slowest, user) => slowerStandIn(slowest, user.passwordHash), known);
  if (slowest !== null && slowest !== known) await replaceSlowestHash(tx, known, slowest);
}

const failedRow = ({ line, email }: { line: number; email: string }, reason: string): RowOutcome => ({
  line,
  status: 'rejected',
  email,
  reason,
});
