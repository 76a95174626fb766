import type { AppContext } from '../../context.ts';
import { queueEmail } from '../../core/emails.ts';
import { recordEvent } from '../../core/events.ts';
import { parseEmail } from '../../core/identifiers.ts';
import { serializeAdminChanges } from '../../core/installation.ts';
import { countInWindow } from '../../core/rate-limits.ts';
import type { NewUser } from '../../core/users.ts';
import {
  endInvitationsTo,
  findInvitation,
  findInvitationTo,
  type Invitation,
} from '../../core/verifications/invitations.ts';
import { purposes } from '../../core/verifications/purposes.ts';
import { createVerification } from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import { text } from '../../languages/text.ts';
import type { Db } from '../../platform/db/index.ts';
import type { Role } from '../../user-fields.ts';
import { actorIdOf, type ChangedBy, checkActor } from '../accounts/actor.ts';
import { checkNewUser } from '../accounts/check-new-user.ts';
import { rejectTaken } from '../accounts/free-names.ts';
import { countWrite } from '../limits/count-write.ts';
import { rateLimitError, recordRateLimit, waitInWords } from '../limits/rate-limited.ts';
import { verificationRules } from '../verifications/verification-rules.ts';

/** How long an invitation is valid, in days. */
const DAYS = purposes.invitation.linkLifetime / (24 * 60 * 60_000);

/** The account that an invited person will get. */
export interface InvitationInput {
  username: string;
  email: string;
  display_name?: string | undefined;
  locale?: string | undefined;
  role: Role;
}

type Invited = Omit<NewUser, 'passwordHash'>;

/**
 * Emails an invitation. The account does not exist until the invited person chooses a password, so nobody can use it
 * before. An earlier invitation to the same email ends. Only the administrator is told that an email has an account.
 *
 * @throws HttpError `signup_rejected` and `user_exists` with a reason for each field; `conflict` without a mail server;
 * `too_many_requests`; `invalid_token` and `forbidden` as `checkActor` does.
 */
export async function invite(
  context: AppContext,
  input: InvitationInput,
  by: ChangedBy,
): Promise<Invitation> {
  const names = await checkNewUser(input, context);
  return sendInvitation(context, { ...names, role: input.role }, by);
}

/**
 * Sends an invitation again, with a new link and a new lifetime. The earlier link ends.
 *
 * @throws HttpError `not_found`, and as `invite` does.
 */
export async function resendInvitation(context: AppContext, id: string, by: ChangedBy): Promise<Invitation> {
  const { db, keys, clock } = context;
  const open = await findInvitation(db, keys, id, clock.now());
  if (!open) throw invitationNotFound();
  return sendInvitation(context, invitedOf(open), by, id);
}

/** The open invitation to an email. @throws HttpError `not_found` */
export async function invitationTo(
  { db, keys, clock }: Pick<AppContext, 'db' | 'keys' | 'clock'>,
  email: string,
): Promise<Invitation> {
  const parsed = parseEmail(email);
  const open = parsed.ok && (await findInvitationTo(db, keys, parsed.key, clock.now()));
  if (!open) throw invitationNotFound();
  return open;
}

export const invitationNotFound = (): HttpError =>
  new HttpError('not_found', { text: text('error.invitation_not_found') });

/** The account that an invitation describes. */
const invitedOf = (open: Invitation): Invited => ({
  username: open.username ?? '',
  usernameKey: open.usernameKey ?? '',
  email: open.email,
  emailKey: open.emailKey,
  displayName: open.displayName ?? null,
  displayNameKey: open.displayNameKey ?? null,
  locale: open.locale ?? null,
  role: open.role ?? 'user',
});

/** @param replaced The id of the invitation that this one replaces. */
async function sendInvitation(
  context: AppContext,
  invited: Invited,
  by: ChangedBy,
  replaced?: string,
): Promise<Invitation> {
  const { db, config, hasMailbox } = context;
  const { actor, client } = by;
  if (!config.smtpUrl && !hasMailbox) throw new HttpError('conflict', { text: text('error.no_mail_server') });
  await rejectTaken(db, context, invited);
  if (actor !== 'operator') await countWrite(context, actor, client, 'invitations_per_account');
  await countEmail(context, invited.emailKey, by);
  return db.transaction().execute(async (tx) => {
    await serializeAdminChanges(tx);
    await checkActor(tx, actor);
    const now = context.clock.now();
    if (replaced !== undefined && !(await findInvitation(tx, context.keys, replaced, now)))
      throw invitationNotFound();
    await rejectTaken(tx, context, invited);
    return begin(tx, context, invited, by);
  });
}

/** @throws HttpError `too_many_requests`, for a recipient that got many emails within the hour. */
async function countEmail(
  context: AppContext,
  emailKey: string,
  { actor, client }: ChangedBy,
): Promise<void> {
  const { db, keys, clock } = context;
  const counted = await countInWindow(db, keys.rateLimits, 'emails_per_recipient', emailKey, clock.now());
  if (counted.allowed) return;
  await recordRateLimit(db, context, client, counted, { userId: null, actorId: actorIdOf(actor) });
  const wait = waitInWords(counted.retryAfter);
  throw rateLimitError(counted, text('error.invitation_limit', { wait }));
}

/** Creates the invitation, and queues its email. */
async function begin(
  tx: Db,
  context: AppContext,
  invited: Invited,
  { actor, client }: ChangedBy,
): Promise<Invitation> {
  const { keys, config, clock, publicUrl } = context;
  const now = clock.now();
  const { role, ...names } = invited;
  const invitedBy = actor === 'operator' ? null : actor.user.id;
  await endInvitationsTo(tx, keys, names.emailKey, now);
  const subject = { purpose: 'invitation', userId: invitedBy ?? undefined, email: names.emailKey } as const;
  const pendingChange = { ...names, role };
  const made = await createVerification(tx, keys, subject, verificationRules(config), now, pendingChange);
  const email = {
    kind: 'invitation',
    to: names.email,
    userId: null,
    language: names.locale ?? null,
    values: {
      username: names.username,
      link: `${publicUrl}${purposes.invitation.page}#token=${made.link}`,
      days: String(DAYS),
      when: new Date(now).toISOString(),
    },
    expiresAt: null,
  } as const;
  await queueEmail(tx, keys, email, now);
  const about = { userId: null, actorId: actorIdOf(actor), details: { invitation: made.id, role } };
  await recordEvent(tx, 'user_invited', client, about, now);
  return { ...pendingChange, id: made.id, invitedBy, createdAt: now, expiresAt: made.expiresAt };
}
