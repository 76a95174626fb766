import { z } from 'zod';
import { recordEvent } from '../../core/events.ts';
import { looksLikeEmail, parseEmail, parseUsername } from '../../core/names.ts';
import { couldBePassword } from '../../core/passwords.ts';
import type { SessionKind } from '../../core/sessions.ts';
import { findByName } from '../../core/users.ts';
import { readAuthorization } from '../../edge/authorization.ts';
import type { Answer, Call } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { Refusal } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';
import { audienceField, checkAudience } from '../audience.ts';
import { cookieFor, finishSignIn, type Started, tokenPairFor } from '../finish-sign-in.ts';
import { type RememberedBrowser, rememberBrowser, rememberProgram } from '../known-devices.ts';
import { notify } from '../notices.ts';
import { provePassword } from '../prove-password.ts';
import { showUser } from '../shapes.ts';

/** What names an account. `login` is either of the others, for a form with one field for both. */
const identifierFields = {
  email: z.string().optional(),
  username: z.string().optional(),
  login: z.string().optional(),
};
type Identifier = { login?: string | undefined; email?: string | undefined; username?: string | undefined };

const NEEDS_ONE_IDENTIFIER = {
  message: 'Give exactly one of "login", "email" and "username"; "login" takes either',
  path: ['login'],
};
const identifiersOf = ({ login, email, username }: Identifier): string[] =>
  [login, email, username].filter((one) => one !== undefined);
const hasOneIdentifier = (body: Identifier): boolean => identifiersOf(body).length === 1;

export const signInBody = z
  .strictObject({ ...identifierFields, password: z.string() })
  .refine(hasOneIdentifier, NEEDS_ONE_IDENTIFIER)
  .describe('One of `login` (an email or a username), `email` and `username`, and the password.');
type SignIn = z.infer<typeof signInBody>;

export const loginBody = z
  .strictObject({
    ...identifierFields,
    password: z.string().optional(),
    audience: audienceField,
  })
  .superRefine(({ audience, ...given }, { addIssue }) => {
    // HTTP Basic brings the name and the password, so that the audience alone is left to say.
    if (audience !== undefined && Object.keys(given).length === 0) return;
    if (given.password === undefined)
      addIssue({ code: 'invalid_type', expected: 'string', input: undefined, path: ['password'] });
    if (!hasOneIdentifier(given)) addIssue({ code: 'custom', ...NEEDS_ONE_IDENTIFIER });
  })
  .describe(
    'One of `login` (an email or a username), `email` and `username`, and the password; with HTTP Basic none of them, but perhaps the audience.',
  )
  .optional();

/** Signs in with a password, for browsers: 200, the user and a session cookie, never a token in the body. */
export async function signIn(
  world: World,
  { body, origin, headers }: Call<SignIn>,
): Promise<Answer & Pick<Started, 'user'>> {
  const started = await signInWithPassword(world, nameOf(body), body.password, 'cookie', { origin, headers });
  return {
    user: started.user,
    status: 200,
    body: { message: 'login successful!', user: showUser(started.user) },
    cookie: cookieFor(world, started),
    ...(started.device && { sideCookies: { device: started.device } }),
  };
}

/** Signs in with HTTP Basic (RFC 7617) or JSON, for programs: 200 and a pair of tokens, never a cookie. */
export async function login(
  world: World,
  { body, headers, origin }: Call<z.infer<typeof loginBody>>,
): Promise<Answer> {
  const [name, password] = credentialsOf(body, headers);
  const audience = body?.audience === undefined ? world.publicUrl : checkAudience(world, body.audience);
  try {
    const started = await signInWithPassword(world, name, password, 'bearer', {
      origin,
      headers,
      audience: audience === world.publicUrl ? null : audience,
    });
    return { status: 200, body: await tokenPairFor(world, started) };
  } catch (error) {
    if (error instanceof Refusal && error.code === 'invalid_credentials')
      throw new Refusal('invalid_credentials', {
        headers: challenge(headers),
        ...(error.limit === undefined ? {} : { limit: error.limit }),
      });
    throw error;
  }
}

/**
 * The name and the password of a login: from the header or from the body, not from both.
 *
 * @throws Refusal `invalid_credentials` where there are none, `ambiguous_credentials`.
 */
function credentialsOf(body: z.infer<typeof loginBody>, headers: Headers): [name: string, password: string] {
  const basic = readAuthorization(headers.get('authorization'));
  if (basic?.scheme === 'bearer') throw new Refusal('invalid_credentials');
  if (basic && body?.password !== undefined)
    throw new Refusal('ambiguous_credentials', {
      message: 'Send name and password by HTTP Basic or in a JSON body, not both.',
    });
  if (basic) return [basic.name, basic.password];
  if (body?.password === undefined) throw new Refusal('invalid_credentials', { headers: challenge(headers) });
  return [nameOf(body), body.password];
}

/**
 * The challenge that RFC 9110 asks for. A browser would open its own password window for Basic and keep the password
 * for every later request, so what comes from one is not asked for Basic.
 */
function challenge(headers: Headers): Record<string, string> {
  const isBrowser = headers.has('origin') || headers.has('sec-fetch-site');
  return { 'www-authenticate': isBrowser ? 'Bearer realm="usher"' : 'Basic realm="usher", charset="UTF-8"' };
}

const nameOf = (body: Identifier): string => identifiersOf(body)[0] ?? '';

/**
 * The story of a sign-in with a password.
 *
 * @throws Refusal `invalid_credentials`, the same for an unknown name, a wrong password, a disabled account and a
 * limit that is reached; `too_many_requests` and `busy` as `provePassword` says.
 */
async function signInWithPassword(
  world: World,
  name: string,
  password: string,
  kind: SessionKind,
  { origin, headers, audience }: Pick<Call, 'origin' | 'headers'> & { audience?: string | null },
): Promise<Started & { device?: RememberedBrowser['device'] | undefined }> {
  const { db, clock } = world;
  const parsed = looksLikeEmail(name)
    ? ({ by: 'email', ...parseEmail(name) } as const)
    : ({ by: 'username', ...parseUsername(name) } as const);
  // What no account can have is refused before any work, and tells nothing: anybody can see it.
  if (!parsed.ok || !couldBePassword(password)) throw new Refusal('invalid_credentials');

  const user = await findByName(db, parsed.by, parsed.key);
  const proof = await provePassword(world, { user, name: `${parsed.by} ${parsed.key}` }, password, {
    origin,
    headers,
  });
  if (proof.result === 'limited') throw new Refusal('invalid_credentials', { limit: proof.refused.limit });
  const started =
    proof.result === 'right'
      ? await db.transaction().execute(async (tx) => {
          const begun = await finishSignIn(tx, world, proof.user, kind, 'pwd', { origin, headers }, audience);
          await proof.forget(tx);
          return (
            begun && { ...begun, ...(await rememberClient(tx, world, begun, kind, { origin, headers })) }
          );
        })
      : undefined;
  if (started) return started;
  const about = { userId: user?.id ?? null, actorId: null, details: { kind, reason: proof.result } };
  await recordEvent(db, 'sign_in_refused', origin, about, clock.now());
  throw new Refusal('invalid_credentials');
}

/** Tells the owner of a browser, program or network that the account did not know, once: from then on it does. */
async function rememberClient(
  tx: Db,
  world: World,
  { user }: Started,
  kind: SessionKind,
  { origin, headers }: Pick<Call, 'origin' | 'headers'>,
): Promise<{ device?: RememberedBrowser['device'] }> {
  if (kind === 'cookie') {
    const { isNew, device } = await rememberBrowser(tx, world, user.id, { origin, headers });
    if (isNew) await notify(tx, world, 'new_device', user, origin);
    return { device };
  }
  if (await rememberProgram(tx, world, user.id, origin)) await notify(tx, world, 'new_device', user, origin);
  return {};
}
