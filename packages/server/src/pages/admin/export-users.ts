import type { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { recordUserExport } from '../../flows/admin/exports.ts';
import { findAllUsers } from '../../flows/admin/find-users.ts';
import { csvLine } from '../../flows/export/csv.ts';
import { exportedFields, exportedUser } from '../../flows/export/users.ts';
import { download } from '../../http/download.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { type exportUsersQuery, type UserFilters, userQueryOf } from './users-query.ts';

/** The most users in one file: `usher user export` has no limit. */
const MAX_EXPORTED = 100_000;

/** The users of the list, with its filters and in its order, without password hashes. */
export const exportUserList =
  (format: 'csv' | 'jsonl') =>
  async (
    context: AppContext,
    call: SignedInCall<undefined, z.infer<typeof exportUsersQuery>>,
  ): Promise<RouteResponse> =>
    download(context, call, {
      name: `users.${format}`,
      type: format === 'csv' ? 'text/csv' : 'application/jsonl',
      parts: linesOf(context, call, format),
    });

async function* linesOf(
  context: AppContext,
  call: SignedInCall<undefined, UserFilters>,
  format: 'csv' | 'jsonl',
): AsyncGenerator<string> {
  const fields = exportedFields(false);
  // Recorded before the first line: whoever cancels the download has what was sent until then.
  await recordUserExport(context, call);
  if (format === 'csv') yield csvLine(fields);
  const query = userQueryOf(call.query, context.clock.now(), MAX_EXPORTED);
  for await (const users of findAllUsers(context, query)) {
    const rows = users.map(exportedUser);
    yield rows
      .map((user) =>
        format === 'csv'
          ? csvLine(fields.map((field) => user[field]))
          : `${JSON.stringify(Object.fromEntries(fields.map((field) => [field, user[field] || null])))}\n`,
      )
      .join('');
  }
}
