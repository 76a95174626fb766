import type { AppContext } from '../../context.ts';
import { queueEmail } from '../../core/emails.ts';
import type { ClientInfo } from '../../core/events.ts';
import {
  countInRanges,
  countInWindow,
  emailAndRange,
  type RateLimited,
  type RateLimitResult,
} from '../../core/rate-limits.ts';
import type { User } from '../../core/users.ts';
import { type CodePurpose, purposes } from '../../core/verifications/purposes.ts';
import { createVerification, type NewVerification, type PendingChange } from '../../core/verifications.ts';
import { clientRanges } from '../../http/client-ip.ts';
import type { RouteResponse } from '../../http/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { recordRateLimit } from '../limits/rate-limited.ts';
import { verificationRules } from './verification-rules.ts';

/** A request for an email with a code and a link. */
export interface VerificationRequest {
  /** Also the kind of the email (`core/emails/kinds.ts`). */
  purpose: CodePurpose;
  user: Pick<User, 'id' | 'username' | 'admin_since' | 'locale' | 'time_zone'> | undefined;
  /** The normalized email that the verification is about, whether or not a message is sent to it. */
  email: string;
  /** The email as stored, or null when no message is sent; everything else is the same. */
  to: string | null;
  /** The user who already has the email. They are notified of the attempt instead and get no code. */
  owner?: User | undefined;
  /** The username in the email, when no user has it yet. */
  username?: string;
  /** The language of the email to someone without an account: that of the browser that signs up. */
  language?: string;
  /** Who requested it on behalf of the recipient. The email then does not state the client. */
  actorId?: string | null;
  /**
   * Whether the request comes from a known device. Its caller has counted it already, and the outbox reserves room for
   * it.
   */
  isKnown?: boolean;
  pendingChange?: PendingChange;
}

/**
 * Starts a verification and queues its email, in the transaction of the operation that requested it. A recipient that
 * has reached its rate limit gets no email; everything else stays the same.
 */
export async function sendVerification(
  tx: Db,
  context: AppContext,
  request: VerificationRequest,
  client: ClientInfo,
): Promise<{ verification: NewVerification; emailed: boolean; rateLimited: RateLimited | undefined }> {
  const { purpose, user, email: address, to, owner, username, actorId = null, pendingChange } = request;
  const { clock, config, keys, publicUrl } = context;
  const now = clock.now();
  const rules = verificationRules(config);
  const { page, linkLifetime } = purposes[purpose];
  const rateLimit = await countEmailTo(tx, context, request, client);
  const userId = (owner ?? user)?.id ?? null;
  if (!rateLimit.allowed) await recordRateLimit(tx, context, client, rateLimit, { userId, actorId });
  const verification = await createVerification(
    tx,
    keys,
    { purpose, userId: user?.id, email: address },
    rules,
    now,
    pendingChange,
  );
  const email = {
    kind: owner ? 'sign_up_attempt' : purpose,
    to: rateLimit.allowed ? (owner?.email ?? to) : null,
    userId,
    // Only its owner chooses the language of an account.
    language: owner || user ? ((owner ?? user)?.locale ?? null) : (request.language ?? null),
    timeZone: (owner ?? user)?.time_zone,
    values: {
      username: username ?? user?.username ?? '',
      code: to !== null && (!user || rules.isFor(user)) ? verification.code : '',
      link: `${publicUrl}${page}#token=${verification.link}`,
      ip: (actorId === null && client.ip) || '',
      user_agent: (actorId === null && client.userAgent) || '',
      minutes: String(rules.lifetime / 60_000),
      link_minutes: String(linkLifetime / 60_000),
      when: new Date(now).toISOString(),
    },
    expiresAt: owner ? null : verification.expiresAt,
    isKnown: request.isKnown ?? false,
  } as const;
  await queueEmail(tx, keys, email, now);
  return { verification, emailed: rateLimit.allowed, rateLimited: rateLimit.allowed ? undefined : rateLimit };
}

/** Counts an email to a recipient. Emails that recover an account are also counted by the client's IP range. */
async function countEmailTo(
  tx: Db,
  { keys, clock }: Pick<AppContext, 'keys' | 'clock'>,
  { purpose, email: address, isKnown }: VerificationRequest,
  { ip }: ClientInfo,
): Promise<RateLimitResult> {
  const now = clock.now();
  if (isKnown) return { allowed: true, count: 0 };
  const limit = purposes[purpose].emailLimit;
  if (limit === 'recovery_emails_per_recipient' && ip !== null) {
    const ranges = clientRanges(ip).map((range) => emailAndRange(address, range));
    const fromRange = await countInRanges(
      tx,
      keys.rateLimits,
      'recovery_emails_per_recipient_and_ip_range',
      ranges,
      now,
    );
    if (!fromRange.allowed) return fromRange;
  }
  return countInWindow(tx, keys.rateLimits, limit, address, now);
}

/** The cookie that tells later which verification this browser began, for as long as the link works. */
export function verificationCookie(
  { clock }: Pick<AppContext, 'clock'>,
  { id, expiresAt }: NewVerification,
): NonNullable<RouteResponse['otherCookies']> {
  return { verification: { value: id, maxAge: Math.ceil((expiresAt - clock.now()) / 1000) } };
}
