import type { AppContext } from '../../context.ts';
import type { CodeEmailKind } from '../../core/emails/kinds.ts';
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

/** An email with a code and a link that somebody asked for. */
export interface VerificationRequest {
  purpose: CodePurpose;
  kind: CodeEmailKind;
  user: Pick<User, 'id' | 'username' | 'admin_since'> | undefined;
  /** The normalised address that the verification is about, whether an email goes to it or not. */
  email: string;
  /** The stored address, or null when the email goes nowhere; the rest is the same. */
  to: string | null;
  /** Who has the address already: told of the attempt instead, and given no code. */
  owner?: User | undefined;
  /** The name in the email, where no user has it yet. */
  username?: string;
  /** Who asked for it in the reader's place: then the email does not say from where. */
  actorId?: string | null;
  /** Whether a browser asks that the account knows: its caller has counted it already, and it has room of its own in the outbox. */
  isKnown?: boolean;
  pendingChange?: PendingChange;
}

/**
 * Begins a verification and queues its email, in the transaction of what asked for it. An address that was mailed often enough
 * gets none, and nothing else is different.
 */
export async function sendVerification(
  tx: Db,
  context: AppContext,
  request: VerificationRequest,
  client: ClientInfo,
): Promise<{ verification: NewVerification; emailed: boolean; rateLimited: RateLimited | undefined }> {
  const { purpose, kind, user, email: address, to, owner, username, actorId = null, pendingChange } = request;
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
    kind: owner ? 'sign_up_attempt' : kind,
    to: rateLimit.allowed ? (owner?.email ?? to) : null,
    userId,
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

/**
 * A recovery has budgets of its own, so that nothing else that strangers have mailed to an address stands in its way: what
 * uses these up are emails with a link that works.
 */
async function countEmailTo(
  tx: Db,
  { keys, clock }: Pick<AppContext, 'keys' | 'clock'>,
  { purpose, email: address, isKnown }: VerificationRequest,
  { ip }: ClientInfo,
): Promise<RateLimitResult> {
  const now = clock.now();
  if (isKnown) return { allowed: true, count: 0 };
  if (purpose !== 'reset_password')
    return countInWindow(tx, keys.rateLimits, 'emails_per_recipient', address, now);
  if (ip !== null) {
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
  return countInWindow(tx, keys.rateLimits, 'recovery_emails_per_recipient', address, now);
}

/** The cookie that tells later which verification this browser began, for as long as the link works. */
export function verificationCookie(
  { clock }: Pick<AppContext, 'clock'>,
  { id, expiresAt }: NewVerification,
): NonNullable<RouteResponse['otherCookies']> {
  return { verification: { value: id, maxAge: Math.ceil((expiresAt - clock.now()) / 1000) } };
}
