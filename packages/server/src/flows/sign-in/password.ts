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
import { text } from '../../languages/text.ts';
import { authenticateWithPassword } from '../passwords/authenticate-with-password.ts';
import { audienceField, checkAudience } from '../sessions/audience.ts';
import { finishSignIn, type SignedIn } from '../sessions/finish-sign-in.ts';
import { showUser } from '../shapes/users.ts';

/**
 * The fields that identify an account. `login` accepts either a username or an email, for forms with a single field.
 */
const identifierFields = {
  email: z.string().optional(),
  username: z.string().optional(),
  login: z.string().optional(),
};
type Identifier = { login?: string | undefined; email?: string | undefined; username?: string | undefined };

const NEEDS_ONE_IDENTIFIER = {
  params: { text: text('field.identifier') },
  path: ['login'],
};
const identifiersOf = ({ login, email, username }: Identifier): string[] =>
  [login, email, username].filter((one) => one !== undefined);
const hasOneIdentifier = (body: Identifier): boolean => identifiersOf(body).length === 1;

export const signInBody = z
  .strictObject({
    ...identifierFields,
    password: z.string(),
    keep_signed_in: z
      .boolean()
      .optional()
      .describe('Stay signed in for `USHER_KEEP_SIGNED_IN`. Ignored if that is off, and for administrators.'),
  })
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
    // HTTP Basic carries the identifier and the password, so a body may hold the audience alone.
    if (audience !== undefined && Object.keys(given).length === 0) return;
    if (given.password === undefined)
      addIssue({ code: 'invalid_type', expected: 'string', input: undefined, path: ['password'] });
    if (!hasOneIdentifier(given)) addIssue({ code: 'custom', ...NEEDS_ONE_IDENTIFIER });
  })
  .describe(
    'One of `login`, `email` and `username`, plus `password`. With HTTP Basic, only `audience` is allowed.',
  )
  .optional();

/**
 * Signs in with a password, for browsers: responds 200 with the user and a session cookie, never with a token in the
 * body.
 */
export async function signIn(
  context: AppContext,
  { body, client, headers }: Call<SignIn>,
): Promise<RouteResponse & Pick<SignedIn, 'user'>> {
  const { kept } = context.sessionTimeouts;
  const keptUntil = body.keep_signed_in && kept ? context.clock.now() + kept.absolute : null;
  const signIn = { name: nameOf(body), password: body.password, kind: 'cookie', keptUntil } as const;
  const { user, cookies } = await signInWithPassword(context, signIn, { client, headers });
  return { user, status: 200, body: { message: 'login successful!', user: showUser(user) }, ...cookies };
}

/** Signs in with HTTP Basic (RFC 7617) or JSON, for programs: responds 200 with tokens, never with a cookie. */
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
 * Reads the identifier and the password from the header or the body, but not from both.
 *
 * @throws HttpError `invalid_credentials` when there are none, `multiple_credentials`.
 */
function credentialsOf(body: z.infer<typeof loginBody>, headers: Headers): [name: string, password: string] {
  const basic = readAuthorization(headers.get('authorization'));
  if (basic?.scheme === 'bearer') throw new HttpError('invalid_credentials');
  if (basic && body?.password !== undefined)
    throw new HttpError('multiple_credentials', {
      text: text('request.basic_and_body'),
    });
  if (basic) return [basic.name, basic.password];
  if (body?.password === undefined)
    throw new HttpError('invalid_credentials', { headers: challenge(headers) });
  return [nameOf(body), body.password];
}

/**
 * The challenge that RFC 9110 requires. For Basic, a browser opens its own password dialog and sends the password with
 * every later request, so requests from browsers get no Basic challenge.
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
  keptUntil?: number | null;
}

/**
 * Signs in with an identifier and a password.
 *
 * @throws HttpError `invalid_credentials`, the same for an unknown identifier, a wrong password, a disabled account and
 * a rate limit that is exceeded; `too_many_requests` and `busy` as `authenticateWithPassword` does.
 */
async function signInWithPassword(
  context: AppContext,
  { name, password, kind, ...how }: PasswordSignIn,
  { client, headers }: Pick<Call, 'client' | 'headers'>,
): Promise<SignedIn> {
  const parsed = looksLikeEmail(name)
    ? ({ by: 'email', ...parseEmail(name) } as const)
    : ({ by: 'username', ...parseUsername(name) } as const);
  // Reject what no account can have before doing any work. The timing reveals nothing: anybody can check the input.
  if (!parsed.ok || !couldBePassword(password)) throw new HttpError('invalid_credentials');

  const user = await findByIdentifier(context.db, parsed.by, parsed.key);
  const claimed = { user, name: `${parsed.by} ${parsed.key}` };
  const checked = await authenticateWithPassword(context, claimed, password, { client, headers });
  if (checked.result === 'limited')
    throw new HttpError('invalid_credentials', { limit: checked.rateLimited.limit });
  const about = { userId: user?.id ?? null, kind };
  if (checked.result === 'wrong') throw await signInFailed(context, about, 'wrong', client);
  const outcome = await finishSignIn(context, { client, headers }, { kind, ...how }, checked.proof);
  switch (outcome.result) {
    case 'session':
      return outcome;
    case 'rejected':
      throw await signInFailed(context, about, 'account_changed', client);
  }
}

async function signInFailed(
  { db, clock }: AppContext,
  { userId, kind }: { userId: string | null; kind: SessionKind },
  reason: string,
  client: Call['client'],
): Promise<HttpError> {
  const about = { userId, actorId: null, details: { kind, reason } };
  await recordEvent(db, 'sign_in_failed', client, about, clock.now());
  return new HttpError('invalid_credentials');
}
