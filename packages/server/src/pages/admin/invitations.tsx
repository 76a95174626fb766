import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { Invitation } from '../../core/verifications/invitations.ts';
import { HttpError } from '../../errors.ts';
import {
  invitationParams,
  listInvitationsQuery,
  readInvitations,
} from '../../flows/invitations/invitations.ts';
import { resendInvitation } from '../../flows/invitations/invite.ts';
import { revokeInvitation } from '../../flows/invitations/revoke-invitation.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Button, ButtonLink, Form } from '../form.tsx';
import {
  Badge,
  Empty,
  Notice,
  page,
  Row,
  seeOther,
  statusAndTitle,
  Table,
  withErrorHeaders,
} from '../layout.tsx';
import { Ago } from '../time.tsx';
import { Say, translatorOf, useTranslator } from '../translator.tsx';
import { adminArea } from './area.ts';
import { Pages } from './choices.tsx';
import { NEW_USER } from './new-user.tsx';

export const INVITATIONS = '/admin/invitations';
const PAGE = 50;

/** What was done, each with the notice about it. */
const done = { sent: 'admin.invitation_sent', revoked: 'admin.invitation_revoked' } as const;

export const invitationsQuery = z.object({
  cursor: listInvitationsQuery.shape.cursor.catch(undefined),
  done: z.enum(['sent', 'revoked']).optional().catch(undefined),
});
export const invitationsForm = z.strictObject({
  invitation: invitationParams.shape.id,
  action: z.enum(['resend', 'revoke']),
});

/** The open invitations. */
export const invitationsPage = (
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof invitationsQuery>>,
): Promise<RouteResponse> => show(context, call, call.query);

/** Sends an invitation again, or revokes it. */
export async function invitationsSubmit(
  context: AppContext,
  call: SignedInCall<z.infer<typeof invitationsForm>>,
): Promise<RouteResponse> {
  const { invitation, action } = call.body;
  const by = { actor: call.activeSession, client: call.client };
  try {
    if (action === 'resend') await resendInvitation(context, invitation, by);
    else await revokeInvitation(context, invitation, by);
    return seeOther(`${INVITATIONS}?done=${action === 'resend' ? 'sent' : 'revoked'}`);
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === 'invalid_token') throw error;
    return withErrorHeaders(error, await show(context, call, {}, error));
  }
}

async function show(
  context: AppContext,
  call: SignedInCall<unknown, unknown>,
  query: z.infer<typeof invitationsQuery>,
  error?: HttpError,
): Promise<RouteResponse> {
  const t = translatorOf(context, call);
  const { invitations, next } = await readInvitations(context, { cursor: query.cursor, limit: PAGE });
  const title = t('admin.invitations');
  const head = headOf(context, call);
  const labels = [t('admin.emails_first'), t('admin.emails_next')] as const;
  return page(
    context,
    call,
    { ...statusAndTitle(title, error, t), area: adminArea, at: '/admin/users', trail: [] },
    <>
      <div class="headline">
        <h1>{title}</h1>
        <ButtonLink href={NEW_USER} small>
          {t('admin.new_user')}
        </ButtonLink>
      </div>
      <p class="lead">{t('admin.invitations_lead')}</p>
      {query.done && <Notice kind="good">{t(done[query.done])}</Notice>}
      {error && (
        <Notice kind="bad">
          {(error.fields ?? [{ message: error.text }]).map(({ message }) => (
            <p>
              <Say of={message} />
            </p>
          ))}
        </Notice>
      )}
      {invitations.length === 0 ? (
        <Empty>{t('admin.invitations_none')}</Empty>
      ) : (
        <Table caption={title} head={head}>
          {invitations.map((open) => (
            <InvitationRow head={head} open={open} now={context.clock.now()} />
          ))}
        </Table>
      )}
      <Pages path={INVITATIONS} parameters={{ cursor: query.cursor }} cursor={next} labels={labels} />
    </>,
  );
}

function headOf(context: AppContext, call: SignedInCall<unknown, unknown>): string[] {
  const t = translatorOf(context, call);
  return [
    t('admin.invitation_person'),
    t('admin.invitation_sent_at'),
    t('admin.invitation_expires'),
    t('admin.invitation_actions'),
  ];
}

interface InvitationRowProps {
  head: readonly string[];
  open: Invitation;
  now: number;
}

function InvitationRow({ head, open, now }: InvitationRowProps) {
  const t = useTranslator();
  return (
    <Row
      head={head}
      cells={[
        <>
          <bdi>{open.username}</bdi>{' '}
          {open.role === 'admin' && <Badge kind="accent">{t('admin.invitation_admin')}</Badge>}
          {open.displayName && (
            <p>
              <bdi>{open.displayName}</bdi>
            </p>
          )}
          <p>
            <bdi>{open.email}</bdi>
          </p>
        </>,
        <Ago at={open.createdAt} now={now} />,
        t.time(open.expiresAt),
        <>
          <RowButton open={open} action="resend" label={t('admin.invitation_resend')} />{' '}
          <RowButton open={open} action="revoke" label={t('admin.invitation_revoke')} />
        </>,
      ]}
    />
  );
}

interface RowButtonProps {
  open: Invitation;
  action: 'resend' | 'revoke';
  label: string;
}

const RowButton = ({ open, action, label }: RowButtonProps) => (
  <Form action={INVITATIONS} shape="inline" hidden={{ invitation: open.id, action }}>
    <Button weight={action === 'revoke' ? 'danger' : 'plain'} small label={`${label}: ${open.email}`}>
      {label}
    </Button>
  </Form>
);
