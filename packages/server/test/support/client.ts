import { type Client, createClient, type ErrorCode, type Result } from '../../../client/src/index.ts';
import { send, type TestApp } from './app.ts';
import { newIp } from './forge.ts';

type Served = Pick<TestApp, 'url' | 'port'> & Partial<Pick<TestApp, 'clock'>>;

/**
 * A client without a session, for tests that are not about HTTP itself. It sends real requests, from an IP that no rate
 * limit has counted yet.
 */
export const clientOf = (app: Served, from = newIp()): Client =>
  createClient({
    url: app.url,
    session: 'bearer',
    ...(app.clock ? { clock: app.clock } : {}),
    async fetch(input, init) {
      const call = new Request(input, init);
      const { pathname, search } = new URL(call.url);
      const raw = await call.text();
      const reply = await send(app, call.method, `${pathname}${search}`, undefined, {
        from,
        headers: { host: new URL(app.url).host, ...Object.fromEntries(call.headers) },
        ...(raw === '' ? {} : { raw }),
      });
      return new Response(reply.text, reply);
    },
  });

/** A client that is signed in to an account. */
export async function signedIn(
  app: Served,
  { email, password }: { email: string; password: string },
): Promise<Client> {
  const client = clientOf(app);
  given(await client.signIn({ email, password }));
  return client;
}

/** The data of a call. @throws The error of the call, if it failed. */
export function given<T>({ data, error }: Result<T>): T {
  if (error) throw error;
  return data;
}

/** The error code of a call; undefined if it succeeded. */
export const refusal = ({ error }: Result<unknown>): ErrorCode | undefined => error?.code;
