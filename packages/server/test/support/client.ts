import { type Client, createClient, type ErrorCode, type Result } from '../../../client/src/index.ts';
import { send, type TestApp } from './app.ts';
import { newIp } from './forge.ts';

type Served = Pick<TestApp, 'url' | 'port'> & Partial<Pick<TestApp, 'clock'>>;

/**
 * The client of a program that nobody is signed in to: for tests where HTTP itself is not the matter. It calls over the wire
 * like any other, from an address that nothing was counted against yet.
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

/** The client of a program that somebody with an account has signed in to. */
export async function signedIn(
  app: Served,
  { email, password }: { email: string; password: string },
): Promise<Client> {
  const client = clientOf(app);
  given(await client.signIn({ email, password }));
  return client;
}

/** What a call gave. @throws The error that it gave instead. */
export function given<T>({ data, error }: Result<T>): T {
  if (error) throw error;
  return data;
}

/** Why a call was refused; undefined for one that was not. */
export const refusal = ({ error }: Result<unknown>): ErrorCode | undefined => error?.code;
