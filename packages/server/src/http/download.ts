import type { AppContext } from '../context.ts';
import type { RouteResponse, SignedInCall } from './route.ts';

/** A file that somebody downloads. */
interface Download {
  /** What the browser calls it. */
  name: string;
  type: 'application/json' | 'application/jsonl' | 'text/csv';
  /** What is in it, in UTF-8: read while it is sent. */
  parts: AsyncGenerator<string>;
}

/** A file that is sent while it is made, for as long as the caller may have it. @throws HttpError `export_in_progress` */
export function download(
  { exports }: Pick<AppContext, 'exports'>,
  {
    activeSession,
    client,
    checkAgain,
  }: Pick<SignedInCall<unknown, unknown>, 'activeSession' | 'client' | 'checkAgain'>,
  { name, type, parts }: Download,
): RouteResponse {
  const stream = exports.open({
    userId: activeSession.user.id,
    requestId: client.requestId,
    parts,
    check: checkAgain,
  });
  return {
    status: 200,
    stream,
    type: `${type}; charset=utf-8`,
    headers: { 'content-disposition': `attachment; filename="${name}"` },
  };
}
