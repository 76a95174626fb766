import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { looksLikeEmail, parseEmail, parseUsername } from '../../core/identifiers.ts';
import { couldBePassword } from '../../core/passwords.ts';
import type { SessionKind } from '../../core/sessions.ts';
import { findByIdentifier } from '../../core/users.ts';
import { HttpError } from '../../errors.ts';
import { readAuthorization } from '../../http/authorization.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import { authenticateWithPassword } from '../passwords/authenticate-with-password.ts';
import { audienceField, checkAudience } from '../sessions/audience.ts';
import { cannotAskForFactor, finishSignIn, type SignedIn } from '../sessions/finish-sign-in.ts';
import { showUser } from '../shapes/users.ts';

/** What names an account. `login` is either of the others, for a form with one field for both. */
const identifierFields = {
  email: z.string().optional(),
  username: z.string().optional(),
  login: z.string().optional(),
};
type Identifier = { login?: string | undefined; email?: string | undefined; username?: string | undefined };

const NEEDS_ONE_IDENTIFIER = {
  message: 'Provide exactly one of "login", "email" or "username"',
  path: ['login'],
};
const identifiersOf = ({ login, email, username }: Identifier): string[] =>
  [login, email, username].filter((one) => one !== undefined);
const hasOneIdentifier = (body: Identifier): boolean => identifiersOf(body).length === 1;

export const signInBody = z
  .strictObject({ ...identifierFields, password: z.string() })
  .refine(hasOneIdentifier, NEEDS_ONE_IDENTIFIER)
  .describe('One of `login` (an email or a username), `email` and `username`, plus `password`.');
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
    'One of `login`, `email` and `username`, plus `password`. With HTTP Basic, only `audience` is allowed.',
  )
  .optional();

/** Signs in with a password, for browsers: 200, the user and a session cookie, never a token in the body. */
export async function signIn(
  context: AppContext,
  { body, client, headers }: Call<SignIn>,
): Promise<RouteResponse & Pick<SignedIn, 'user'>> {
  const signIn = { name: nameOf(body), password: body.password, kind: 'cookie' } as const;
  const { user, cookies } = await signInWithPassword(context, signIn, { client, headers });
  return { user, status: 200, body: { message: 'login successful!', user: showUser(user) }, ...cookies };
}

/** Signs in with HTTP Basic (RFC 7617) or JSON, for programs: 200 and a pair of tokens, never a cookie. */
export async function login(
  context: AppContext,
  { body, headers, client }: Call<z.infer<typeof loginBody>>,
): Promise<RouteResponse> {
  const [name, password] = credentialsOf(body, headers);
  const audience = body?.audience === undefined ? context.publicUrl : checkAudience(context, body.audience);
  try {
    const forWhom = audience === context.publicUrl ? null : audience;
    const signIn = { name, password, kind: 'bearer', audience: forWhom } as const;
    const { tokens } = await signInWithPassword(context, signIn, { client, headers });
    return { status: 200, body: tokens };
  } catch (error) {
    if (error instanceof HttpError && error.code === 'invalid_credentials')
      throw new HttpError('invalid_credentials', {
        headers: challenge(headers),
        ...(error.limit === undefined ? {} : { limit: error.limit }),
      });
    throw error;
  }
}

/**
 * The name and the password of a login: from the header or from the body, not from both.
 *
 * @throws HttpError `invalid_credentials` where there are none, `multiple_credentials`.
 */
function credentialsOf(body: z.infer<typeof loginBody>, headers: Headers): [name: string, password: string] {
  const basic = readAuthorization(headers.get('authorization'));
  if (basic?.scheme === 'bearer') throw new HttpError('invalid_credentials');
  if (basic && body?.password !== undefined)
    throw new HttpError('multiple_credentials', {
      message: 'Use either HTTP Basic or a JSON body, not both.',
    });
  if (basic) return [basic.name, basic.password];
  if (body?.password === undefined)
    throw new HttpError('invalid_credentials', { headers: challenge(headers) });
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

interface PasswordSignIn {
  name: string;
  password: string;
  kind: SessionKind;
  audience?: string | null;
}

/**
 * The story of a sign-in with a password.
 *
 * @throws HttpError `invalid_credentials`, the same for an unknown name, a wrong password, a disabled account and a
 * limit that is reached; `too_many_requests` and `busy` as `authenticateWithPassword` says.
 */
async function signInWithPassword(
  context: AppContext,
  { name, password, kind, audience = null }: PasswordSignIn,
  { client, headers }: Pick<Call, 'client' | 'headers'>,
): Promise<SignedIn> {
  const parsed = looksLikeEmail(name)
    ? ({ by: 'email', ...parseEmail(name) } as const)
    : ({ by: 'username', ...parseUsername(name) } as const);
  // What no account can have is refused before any work, and tells nothing: anybody can see it.
  if (!parsed.ok || !couldBePassword(password)) throw new HttpError('invalid_credentials');

  const user = await findByIdentifier(context.db, parsed.by, parsed.key);
  const claimed = { user, name: `${parsed.by} ${parsed.key}` };
  const checked = await authenticateWithPassword(context, claimed, password, { client, headers });
  if (checked.result === 'limited')
    throw new HttpError('invalid_credentials', { limit: checked.rateLimited.limit });
  const about = { userId: user?.id ?? null, kind };
  if (checked.result === 'wrong') throw await refuse(context, about, 'wrong', client);
  const outcome = await finishSignIn(context, { client, headers }, { kind, audience }, checked.proof);
  switch (outcome.result) {
    case 'session':
      return outcome;
    case 'factor_required':
      throw cannotAskForFactor();
    case 'rejected':
      if (outcome.reason === 'password_change_required') throw new HttpError(outcome.reason);
      throw await refuse(context, about, outcome.reason, client);
  }
}

async function refuse(
  { db, clock }: AppContext,
  { userId, kind }: { userId: string | null; kind: SessionKind },
  reason: string,
  client: Call['client'],
): Promise<HttpError> {
  const about = { userId, actorId: null, details: { kind, reason } };
  await recordEvent(db, 'sign_in_failed', client, about, clock.now());
  return new HttpError('invalid_credentials');
}
