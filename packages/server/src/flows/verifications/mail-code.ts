import type { World } from '../../context.ts';
import { type CodePurpose, purposes } from '../../core/codes/purposes.ts';
import { type BegunFlow, beginFlow, type Wish } from '../../core/codes.ts';
import type { Origin } from '../../core/events.ts';
import {
  addressAndRange,
  countInRanges,
  countInWindow,
  type Refused,
  type Verdict,
} from '../../core/limits.ts';
import type { CodeMailKind } from '../../core/mails/kinds.ts';
import { type MailKind, queueMail } from '../../core/mails.ts';
import type { User } from '../../core/users.ts';
import { clientRanges } from '../../edge/address.ts';
import type { Answer, Call } from '../../edge/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { recordReached, refuseReached } from '../limits/limit-reached.ts';
import { codeRules } from './code-rules.ts';

/** A mail with a code and a link that somebody asked for. */
export interface Asked {
  purpose: CodePurpose;
  kind: CodeMailKind;
  user: Pick<User, 'id' | 'username' | 'admin_since'> | undefined;
  /** The normalised address that the flow is about, whether a mail goes to it or not. */
  address: string;
  /** The stored address, or null when the mail goes nowhere; the rest is the same. */
  to: string | null;
  /** Who has the address already: told of the attempt instead, and given no code. */
  owner?: User | undefined;
  /** The name in the mail, where no user has it yet. */
  username?: string;
  /** Who asked for it in the reader's place: then the mail does not say from where. */
  actorId?: string | null;
  /** Whether a browser asks that the account knows: its caller has counted it already, and it has room of its own in the outbox. */
  isKnown?: boolean;
  wish?: Wish;
}

/**
 * Begins a flow and queues its mail, in the transaction of what asked for it. An address that was mailed often enough
 * gets none, and nothing else is different.
 */
export async function mailCode(
  tx: Db,
  world: World,
  asked: Asked,
  origin: Origin,
): Promise<{ flow: BegunFlow; mailed: boolean; refused: Refused | undefined }> {
  const { purpose, kind, user, address, to, owner, username, actorId = null, wish } = asked;
  const { clock, config, keys, publicUrl } = world;
  const now = clock.now();
  const rules = codeRules(config);
  const { page, linkLifetime } = purposes[purpose];
  const budget = await countMailTo(tx, world, asked, origin);
  const userId = (owner ?? user)?.id ?? null;
  if (!budget.allowed) await recordReached(tx, world, origin, budget, { userId, actorId });
  const flow = await beginFlow(tx, keys, { purpose, userId: user?.id, address }, rules, now, wish);
  const mail = {
    kind: owner ? 'sign_up_attempt' : kind,
    to: budget.allowed ? (owner?.email ?? to) : null,
    userId,
    values: {
      username: username ?? user?.username ?? '',
      code: to !== null && (!user || rules.isFor(user)) ? flow.code : '',
      link: `${publicUrl}${page}#token=${flow.link}`,
      ip: (actorId === null && origin.ip) || '',
      user_agent: (actorId === null && origin.userAgent) || '',
      minutes: String(rules.lifetime / 60_000),
      link_minutes: String(linkLifetime / 60_000),
      when: new Date(now).toISOString(),
    },
    expiresAt: owner ? null : flow.expiresAt,
    isKnown: asked.isKnown ?? false,
  } as const;
  await queueMail(tx, keys, mail, now);
  return { flow, mailed: budget.allowed, refused: budget.allowed ? undefined : budget };
}

/**
 * A recovery has budgets of its own, so that nothing else that strangers have mailed to an address stands in its way: what
 * uses these up are mails with a link that works.
 */
async function countMailTo(
  tx: Db,
  { keys, clock }: Pick<World, 'keys' | 'clock'>,
  { purpose, address, isKnown }: Asked,
  { ip }: Origin,
): Promise<Verdict> {
  const now = clock.now();
  if (isKnown) return { allowed: true, count: 0 };
  if (purpose !== 'reset_password') return countInWindow(tx, keys.limits, 'mailsTo', address, now);
  if (ip !== null) {
    const ranges = clientRanges(ip).map((range) => addressAndRange(address, range));
    const fromRange = await countInRanges(tx, keys.limits, 'recoveryToFrom', ranges, now);
    if (!fromRange.allowed) return fromRange;
  }
  return countInWindow(tx, keys.limits, 'recoveryTo', address, now);
}

/** One address range asks for so many mails and no more. @throws Refusal `too_many_requests` */
export async function countMailFrom(world: World, origin: Call['origin']): Promise<void> {
  const { db, clock, keys } = world;
  const range = await countInRanges(db, keys.limits, 'mailsFrom', clientRanges(origin.ip), clock.now());
  if (!range.allowed) throw await refuseReached(world, origin, range);
}

/** The cookie that tells later which flow this browser began, for as long as the link works. */
export function flowCookie(
  { clock }: Pick<World, 'clock'>,
  { id, expiresAt }: BegunFlow,
): NonNullable<Answer['sideCookies']> {
  return { flow: { value: id, maxAge: Math.ceil((expiresAt - clock.now()) / 1000) } };
}
