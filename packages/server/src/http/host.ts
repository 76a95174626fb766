import { Context } from 'hono';
import type { AppContext } from '../context.ts';
import type { ActiveSession } from '../core/sessions.ts';
import { createRequestHandler, type HttpSettings, type Peer } from './handle-request.ts';
import { type Route, route, type SignedInCall } from './route.ts';

/** The authenticated caller of the application that Usher is mounted in, or the error response to send. */
export type Visitor =
  | { activeSession: ActiveSession; headers: Headers; error?: undefined }
  | { activeSession?: undefined; error: Response };

/** Headers that a response to a signed-in caller must carry: the renewed cookie, and that no cache may store it. */
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

/**
 * Authenticates a request of the host application with the same checks as our own requests, except for the body, which
 * the host reads. The host must authenticate after it has read the body: a client that sends the body slowly could
 * otherwise act long after its session was revoked.
 */
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
