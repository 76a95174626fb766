import { Context } from 'hono';
import type { World } from '../context.ts';
import type { Live } from '../core/sessions.ts';
import { answering, type EdgeSettings, type Peer } from './answering.ts';
import { type Route, route, type SignedInCall } from './route.ts';

/** Who sends a request to the application that Usher is mounted in; or the answer to give instead. */
export type Visitor =
  | { live: Live; headers: Headers; refusal?: undefined }
  | { live?: undefined; refusal: Response };

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
  who: 'session',
  answers: {},
  errors: [],
} satisfies Omit<Route, 'handler'>;

/** Checks a request of the host's as every request of our own is checked, its body apart: that is the host's to read. */
export function hostAuthentication(
  world: World,
  edge: EdgeSettings,
): (request: Request, peer?: Peer) => Promise<Visitor> {
  const answer = answering(world, edge);
  return async (request, peer) => {
    let live: Live | undefined;
    const line = route({
      ...hostRoute,
      handler: (_world: World, call: SignedInCall) => {
        live = call.live;
        return { status: 204 };
      },
    });
    const response = await answer(new Context(request, { env: peer ?? {} }), line);
    if (!live) return { refusal: response };
    return { live, headers: new Headers([...response.headers].filter(([name]) => carried.includes(name))) };
  };
}
