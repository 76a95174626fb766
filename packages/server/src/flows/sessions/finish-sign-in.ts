import type { AppContext } from '../../context.ts';
import { type NewEvent, recordEvent } from '../../core/events.ts';
import { amrOf } from '../../core/sessions/methods.ts';
import { recordAuthentication, startSession } from '../../core/sessions/start.ts';
import { cookieExpiryOf, type Expiring, expiryOf } from '../../core/sessions/timeouts.ts';
import { type ActiveSession, evictSessions, revokeSession, type SessionKind } from '../../core/sessions.ts';
import type { Cookie } from '../../core/tokens/cookie.ts';
import { type LockedUser, lockUser } from '../../core/users/lock.ts';
import type { User } from '../../core/users.ts';
import { endVerificationsOf } from '../../core/verifications.ts';
import { type ErrorCode, HttpError, StepRequired } from '../../errors.ts';
import { readSessionCookie } from '../../http/credential.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import type { Tx } from '../../platform/db/index.ts';
import { type RecoveryProof, recoverAccount } from '../accounts/recover-account.ts';
import { sendSecurityNotice } from '../emails/security-notices.ts';
import type { PasswordProof } from '../passwords/authenticate-with-password.ts';
import type { TokenPair } from '../shapes/sessions.ts';
import { rememberBrowser, rememberClient } from './known-devices.ts';
import type { SignInProof } from './sign-in-proof.ts';

/**
 * A proof, or a function that produces one in the same transaction as the result, so that both commit or neither does.
 */
type ProofSource<Proof> = Proof | ((tx: Tx) => Promise<Proof>);

/** The outcome. Callers `switch` over every case: a missing case does not compile. */
export type Outcome<Done> = Done | Rejected;

/** The user was disabled, deleted or given another password after the proof. */
export interface Rejected {
  result: 'rejected';
}

/** The user is signed in. */
export interface SignedIn {
  result: 'session';
  user: Readonly<User>;
  /** The session cookie and the device cookie; none for a bearer session. */
  cookies: Pick<RouteResponse, 'cookie' | 'otherCookies'>;
  /** The first access and refresh token of a bearer session. */
  tokens: TokenPair | undefined;
}

/** The owner recovered the account by email. This does not sign them in: they sign in with the new password next. */
export interface Recovered {
  result: 'recovered';
  user: Readonly<User>;
  /** The device cookie: the browser is now a known device. */
  cookies: Pick<RouteResponse, 'otherCookies'>;
}

/** The session was reauthenticated. */
export interface Confirmed {
  result: 'session';
  /** The new session cookie; undefined for a bearer session. */
  cookie: Cookie | undefined;
}

interface SessionOptions {
  kind: SessionKind;
  audience?: string | null;
  keptUntil?: number | null;
}

interface Started {
  lock: LockedUser;
  proof: SignInProof;
  sessionId: string;
  /** Milliseconds since 1970. */
  at: number;
  session: Expiring['session'];
  otherCookies: RouteResponse['otherCookies'];
}

/**
 * The single exit of every sign-in: nothing else starts a session. One transaction starts the session, records the
 * event, remembers the device and notifies the owner; the cookie or the tokens follow.
 *
 * If the browser sends the cookie of a session, of this user or another, that session is revoked: the new cookie
 * replaces it.
 *
 * @param options.audience The audience of the access tokens of a bearer session; null for Usher itself.
 * @param options.keptUntil Until when the user asked to stay signed in; null for an ordinary session.
 */
export async function finishSignIn(
  context: AppContext,
  { client, headers }: Pick<Call, 'client' | 'headers'>,
  { kind, audience = null, keptUntil = null }: SessionOptions,
  proofSource: ProofSource<SignInProof>,
): Promise<Outcome<SignedIn>> {
  const outcome = await finishInTransaction(context, proofSource, {
    of: 'sign_in',
    audience,
    finish: async (lock, proof) => {
      const at = context.clock.now();
      const options = { kind, audience, keptUntil, client, headers };
      const started = await startSignInSession(lock, context, proof, options, at);
      return { result: 'started' as const, lock, proof, at, ...started };
    },
  });
  if (outcome.result !== 'started') return outcome;
  const { user } = outcome.lock;
  if (kind === 'bearer')
    return { result: 'session', user, cookies: {}, tokens: await tokenPairFor(context, outcome, audience) };
  const cookies = { cookie: cookieFor(context, outcome), otherCookies: outcome.otherCookies };
  return { result: 'session', user, cookies, tokens: undefined };
}

/**
 * The exit of every reauthentication. Renews the session's authentication time and replaces its cookie (ASVS 7.2.4), so
 * that a stolen copy of the old cookie stops working. A bearer session keeps its tokens; its access token expires
 * within minutes.
 */
export async function finishReauthentication(
  context: AppContext,
  activeSession: ActiveSession,
  proofSource: ProofSource<PasswordProof>,
): Promise<Outcome<Confirmed>> {
  const { clock, cookieTokens } = context;
  const { id: sessionId, kind, amr } = activeSession.session;
  const outcome = await finishInTransaction(context, proofSource, {
    of: 'reauthentication',
    finish: async (lock, { shown }) => {
      const authenticatedAt = await recordAuthentication(lock, sessionId, shown);
      if (authenticatedAt === undefined) throw new RolledBack();
      return { result: 'reauthenticated' as const, authenticatedAt };
    },
  });
  if (outcome.result !== 'reauthenticated') return outcome;
  if (kind !== 'cookie') return { result: 'session', cookie: undefined };
  const subject = {
    userId: activeSession.user.id,
    sessionId,
    signedInAt: outcome.authenticatedAt,
    amr: amr.split(' '),
  };
  const now = clock.now();
  const until = cookieExpiryOf(context.sessionTimeouts, activeSession, now);
  return { result: 'session', cookie: cookieTokens.make(subject, now, until) };
}

/**
 * The exit of every account recovery by email, with a new password. Revokes all sessions and starts none: the user
 * signs in next, from a device that is now known, so that wrong passwords from strangers do not lock the owner out.
 */
export async function finishRecovery(
  context: AppContext,
  { client, headers }: Pick<Call, 'client' | 'headers'>,
  password: { hash: string; isGenerated: boolean },
  proofSource: (tx: Tx) => Promise<RecoveryProof>,
): Promise<Outcome<Recovered>> {
  return finishInTransaction(context, proofSource, {
    of: 'recovery',
    finish: async (lock, proof) => {
      const user = await recoverAccount(lock, context, proof, password, client);
      const { device } = await rememberBrowser(lock, context, { client, headers });
      return { result: 'recovered', user, cookies: { otherCookies: { device } } };
    },
  });
}

/** Rolls back the transaction of a rejected sign-in. */
class RolledBack extends Error {}

interface FinishOptions<Proof, Done> {
  /** A sign-in updates the user's last sign-in. Recovery also works for a disabled account, which stays disabled. */
  of: 'sign_in' | 'reauthentication' | 'recovery';
  audience?: string | null;
  /** Runs when no other step must come first. */
  finish: (lock: LockedUser, proof: Proof) => Promise<Done>;
}

/**
 * Locks the user that the proof names, decides whether the proof is enough, and finishes. If the proof is rejected or
 * another step must come first, everything is rolled back, including what `proofSource` did.
 *
 * @throws StepRequired
 */
async function finishInTransaction<Proof extends SignInProof | RecoveryProof, Done>(
  { db, clock }: AppContext,
  proofSource: ProofSource<Proof>,
  { of, audience = null, finish }: FinishOptions<Proof, Done>,
): Promise<Outcome<Done>> {
  try {
    return await db.transaction().execute(async (tx) => {
      const proof = typeof proofSource === 'function' ? await proofSource(tx) : proofSource;
      const lock = await lockUser(tx, lockableOf(proof), of === 'sign_in' ? clock.now() : undefined);
      if (!lock || (lock.user.disabled_at !== null && of !== 'recovery')) throw new RolledBack();
      const step = stepBefore(lock, audience);
      if (step) throw new StepRequired(new HttpError(step));
      return await finish(lock, proof);
    });
  } catch (error) {
    if (error instanceof RolledBack) return { result: 'rejected' };
    throw error;
  }
}

/** A password must still be the account's current one; a code or link was used up in this transaction. */
const lockableOf = (proof: SignInProof | RecoveryProof) =>
  'user' in proof ? proof.user : { id: proof.userId ?? '' };

/** The step that the user must take before they can be signed in; undefined if there is none. */
function stepBefore({ user }: LockedUser, audience: string | null): ErrorCode | undefined {
  // Issue no service token to a user who must first choose a password that nobody else knows.
  if (audience !== null && user.password_change_required_at !== null) return 'password_change_required';
  return undefined;
}

interface NewSession extends Pick<Call, 'client' | 'headers'> {
  kind: SessionKind;
  audience: string | null;
  keptUntil: number | null;
}

/** Starts the session and everything that belongs to it. */
async function startSignInSession(
  lock: LockedUser,
  context: AppContext,
  proof: SignInProof,
  { kind, audience, keptUntil, client, headers }: NewSession,
  now: number,
): Promise<Pick<Started, 'sessionId' | 'session' | 'otherCookies'>> {
  const { tx, user } = lock;
  await endVerificationsOf(tx, user.id, 'sign_in', now);
  const { id: deviceId, isNew, device } = await rememberClient(lock, context, kind, { client, headers });
  const from = { ip: client.ip, userAgent: client.userAgent, deviceId };
  const sessionId = await startSession(lock, { kind, shown: proof.shown, ...from, audience, keptUntil }, now);
  const about = { userId: user.id, actorId: user.id } satisfies NewEvent;
  const details = { kind, amr: amrOf(proof.shown) };
  await recordEvent(tx, 'signed_in', client, { ...about, sessionId, details }, now);
  if (kind === 'cookie') await revokeReplacedSession(tx, context, { client, headers }, now);
  for (const ended of await evictSessions(tx, user.id, sessionId, now))
    await recordEvent(tx, 'session_evicted', client, { ...about, sessionId: ended }, now);
  await proof.resetAttempts(tx);
  // Notify the owner once of a new device, program or network; from now on it is known.
  const reported = { context, tx, user, client };
  if (proof.change === 'password_changed') await sendSecurityNotice(reported, 'password_changed');
  else if (proof.change === 'signed_in' && isNew) await sendSecurityNotice(reported, 'new_device');
  const session = { kind, created_at: now, refreshed_at: now, kept_until: keptUntil };
  return { sessionId, session, otherCookies: device && { device } };
}

async function revokeReplacedSession(
  tx: Tx,
  context: AppContext,
  { client, headers }: Pick<Call, 'client' | 'headers'>,
  now: number,
): Promise<void> {
  const sent = readSessionCookie(context, headers);
  if (!sent || !(await revokeSession(tx, sent.sid, sent.sub, 'replaced', now))) return;
  const about = { userId: sent.sub, actorId: sent.sub, sessionId: sent.sid };
  await recordEvent(tx, 'session_replaced', client, about, now);
}

const subjectOf = ({ lock, proof, sessionId, at }: Started) => ({
  userId: lock.user.id,
  sessionId,
  signedInAt: at,
  amr: amrOf(proof.shown).split(' '),
});

/** The cookie of a new session. */
const cookieFor = (context: AppContext, started: Started): Cookie =>
  context.cookieTokens.make(
    subjectOf(started),
    started.at,
    cookieExpiryOf(
      context.sessionTimeouts,
      { session: started.session, user: started.lock.user },
      started.at,
    ),
  );

/** The first tokens of a new session. */
async function tokenPairFor(
  context: AppContext,
  started: Started,
  audience: string | null,
): Promise<TokenPair> {
  const { at, lock, session, sessionId } = started;
  const { token, expiresIn } = await context.accessTokens.make(
    subjectOf(started),
    audience ?? context.publicUrl,
    at,
    expiryOf(context.sessionTimeouts, { session, user: lock.user }),
  );
  return {
    access_token: token,
    token_type: 'Bearer',
    expires_in: expiresIn,
    refresh_token: context.refreshTokens.make(sessionId, 1),
  };
}
