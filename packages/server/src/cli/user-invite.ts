import type { Command } from 'commander';
import { OPERATOR } from '../core/events.ts';
import { readInvitations, showInvitation } from '../flows/invitations/invitations.ts';
import { invitationTo, invite, resendInvitation } from '../flows/invitations/invite.ts';
import { revokeInvitation } from '../flows/invitations/revoke-invitation.ts';
import { withContext } from './open.ts';
import { minuteOf, printJson, printTable, say } from './output.ts';
import { withSettings } from './settings.ts';

const LARGEST_LIST = 1_000;
const JSON_HELP = 'Output as JSON.';
const EMAIL_HELP = 'Email address of the invited person.';
const BY = { actor: 'operator', client: OPERATOR } as const;

/** The commands that invite people by email. */
export function addInvitations(user: Command): void {
  withSettings(user.command('invite'), ['database', 'publicUrl', 'port'])
    .description('Invite a person by email. They choose a password to get their account.')
    .requiredOption('--username <name>', 'Username.')
    .requiredOption('--email <address>', 'Email address.')
    .option('--display-name <name>', 'Display name.')
    .option('--locale <tag>', 'Language tag of the email and of the account, such as de.')
    .option('--admin', 'Give the user the admin role.')
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher user invite --username ada --email ada@example.org')
    .action(send);
  withSettings(user.command('invitations'), ['database'])
    .description('List open invitations, newest first.')
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher user invitations')
    .action(list);
  withSettings(user.command('resend-invitation'), ['database', 'publicUrl', 'port'])
    .description('Send an invitation again. The earlier link ends.')
    .argument('<email>', EMAIL_HELP)
    .addHelpText('after', '\nExample:\n  usher user resend-invitation ada@example.org')
    .action(resend);
  withSettings(user.command('revoke-invitation'), ['database'])
    .description('Revoke an invitation: its link no longer works.')
    .argument('<email>', EMAIL_HELP)
    .addHelpText('after', '\nExample:\n  usher user revoke-invitation ada@example.org')
    .action(revoke);
}

interface InviteOptions {
  username: string;
  email: string;
  displayName?: string;
  locale?: string;
  admin?: true;
  json?: true;
}

async function send(
  { username, email, displayName, locale, admin, json }: InviteOptions,
  command: Command,
): Promise<void> {
  await withContext(command, async (context) => {
    const role = admin ? 'admin' : 'user';
    const open = await invite(context, { username, email, display_name: displayName, locale, role }, BY);
    if (json) return printJson({ invitation: showInvitation(open) });
    say(`Queued an invitation to ${open.email}. A running server sends it within seconds.`);
  });
}

async function list({ json }: { json?: true }, command: Command): Promise<void> {
  await withContext(command, async (context) => {
    const { invitations } = await readInvitations(context, { limit: LARGEST_LIST });
    const shown = invitations.map(showInvitation);
    if (json) return printJson({ invitations: shown });
    if (shown.length === 0) return say('No open invitations.');
    printTable(
      ['USERNAME', 'EMAIL', 'ROLE', 'EXPIRES (UTC)'],
      shown.map((one) => [one.id, one.username, one.email, one.role, minuteOf(Date.parse(one.expires_at))]),
    );
  });
}

async function resend(to: string, _options: unknown, command: Command): Promise<void> {
  await withContext(command, async (context) => {
    const { id } = await invitationTo(context, to);
    const { email } = await resendInvitation(context, id, BY);
    say(`Queued a new invitation to ${email}. A running server sends it within seconds.`);
  });
}

async function revoke(to: string, _options: unknown, command: Command): Promise<void> {
  await withContext(command, async (context) => {
    const { id } = await invitationTo(context, to);
    await revokeInvitation(context, id, BY);
    say('Invitation revoked.');
  });
}
