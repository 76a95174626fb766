import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { type Invitation, openInvitations } from '../../core/verifications/invitations.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { timeShape } from '../shapes/times.ts';
import { invite, resendInvitation } from './invite.ts';
import { revokeInvitation } from './revoke-invitation.ts';

const LARGEST_PAGE = 100;

/** The id of an invitation: 128 bits in base64url. */
const invitationId = z.string().regex(/^[\w-]{22}$/);

export const invitationParams = z.strictObject({ id: invitationId });
type ById = z.infer<typeof invitationParams>;

export const listInvitationsQuery = z.strictObject({
  cursor: invitationId.optional().describe('`next_cursor` from the previous page'),
  limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(50),
});

export const inviteBody = z.strictObject({
  username: z.string(),
  email: z.string(),
  display_name: z.string().optional(),
  locale: z.string().optional().describe('The language of the email and of the account: a tag of RFC 5646'),
  role: z.enum(['user', 'admin']).default('user'),
});

export const invitationShape = z
  .object({
    id: z.string(),
    username: z.string(),
    email: z.string(),
    display_name: z.string().nullable(),
    locale: z.string().nullable(),
    role: z.enum(['user', 'admin']),
    invited_by: z.uuid().nullable().describe('The administrator; null for the CLI'),
    created_at: timeShape,
    expires_at: timeShape,
  })
  .meta({ id: 'Invitation' });

export const INVITATION_SENT = 'Invitation sent.';
export const INVITATION_REVOKED = 'Invitation revoked.';

export const showInvitation = (open: Invitation): z.infer<typeof invitationShape> => ({
  id: open.id,
  username: open.username ?? '',
  email: open.email,
  display_name: open.displayName ?? null,
  locale: open.locale ?? null,
  role: open.role ?? 'user',
  invited_by: open.invitedBy,
  created_at: new Date(open.createdAt).toISOString(),
  expires_at: new Date(open.expiresAt).toISOString(),
});

/** A page of the open invitations, newest first, and the start of the next page. */
export async function readInvitations(
  { db, keys, clock }: Pick<AppContext, 'db' | 'keys' | 'clock'>,
  { cursor: after, limit }: { cursor?: string | undefined; limit: number },
): Promise<{ invitations: Invitation[]; next: string | null }> {
  const found = await openInvitations(db, keys, { after, limit: limit + 1 }, clock.now());
  const invitations = found.slice(0, limit);
  return { invitations, next: found.length > limit ? (invitations.at(-1)?.id ?? null) : null };
}

/** Lists the open invitations, newest first. */
export async function showInvitations(
  context: AppContext,
  { query }: SignedInCall<undefined, z.infer<typeof listInvitationsQuery>>,
): Promise<RouteResponse> {
  const { invitations, next } = await readInvitations(context, query);
  return { status: 200, body: { invitations: invitations.map(showInvitation), next_cursor: next } };
}

/** Invites a person by email. */
export async function inviteUser(
  context: AppContext,
  { body, activeSession, client }: SignedInCall<z.infer<typeof inviteBody>>,
): Promise<RouteResponse> {
  const open = await invite(context, body, { actor: activeSession, client });
  return { status: 201, body: { message: INVITATION_SENT, invitation: showInvitation(open) } };
}

/** Sends an invitation again: the earlier link ends. */
export async function inviteAgain(
  context: AppContext,
  { params, activeSession, client }: SignedInCall<undefined, undefined, ById>,
): Promise<RouteResponse> {
  const open = await resendInvitation(context, params.id, { actor: activeSession, client });
  return { status: 201, body: { message: INVITATION_SENT, invitation: showInvitation(open) } };
}

/** Revokes an invitation. */
export async function removeInvitation(
  context: AppContext,
  { params, activeSession, client }: SignedInCall<undefined, undefined, ById>,
): Promise<RouteResponse> {
  await revokeInvitation(context, params.id, { actor: activeSession, client });
  return { status: 200, body: { message: INVITATION_REVOKED } };
}
