import { Context } from 'hono';
import type { AppContext } from '../context.ts';
import type { ActiveSession } from '../core/sessions.ts';
import { createRequestHandler, type HttpSettings, type Peer } from './handle-request.ts';
import { type Route, route, type SignedInCall } from './route.ts';

/** Who sends a request to the application that Usher is mounted in; or the answer to give instead. */
export type Visitor =
  | { activeSession: ActiveSession; headers: Headers; error?: undefined }
  | { activeSession?: undefined; error: Response };

/** What an answer to somebody who is signed in must carry: the cookie that follows, and that no cache keeps it. */
const carried = [
  'access-control-allow-credentials',
  'access-control-allow-origin',
  'cache-control',
  'set-cookie',
  'vary',
  'x-request-id',
];

const hostRoute = {
  method: 'GET',
  path: '(application)',
  summary: '',
  access: 'user',
  responses: {},
  errors: [],
} satisfies Omit<Route, 'handler'>;

/** Checks a request of the host's as every request of our own is checked, its body apart: that is the host's to read. */
export function hostAuthentication(
  context: AppContext,
  http: HttpSettings,
): (request: Request, peer?: Peer) => Promise<Visitor> {
  const routeResponse = createRequestHandler(context, http);
  return async (request, peer) => {
    let activeSession: ActiveSession | undefined;
    const line = route({
      ...hostRoute,
      handler: (_context: AppContext, call: SignedInCall) => {
        activeSession = call.activeSession;
        return { status: 204 };
      },
    });
    const response = await routeResponse(new Context(request, { env: peer ?? {} }), line);
    if (!activeSession) return { error: response };
    return {
      activeSession,
      headers: new Headers([...response.headers].filter(([name]) => carried.includes(name))),
    };
  };
}
