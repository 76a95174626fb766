import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { type Config, ConfigError } from '../config.ts';
import type { AppContext } from '../context.ts';
import { type StoredEmail, storedEmail, storedEmails } from '../core/emails/mailbox.ts';
import { emailRenderer, type RenderEmail } from '../core/emails/render.ts';
import { sampleEmails } from '../core/emails/samples.ts';
import { OPERATOR } from '../core/events.ts';
import { parseEmail } from '../core/identifiers.ts';
import { retryEmailNow } from '../flows/emails/retry-email.ts';
import { openLanguages } from '../languages/languages.ts';
import { english } from '../languages/translator.ts';
import { systemClock } from '../platform/clock.ts';
import { createEmailTransport, type Delivery } from '../platform/email-transport.ts';
import { newEmailId } from '../platform/random.ts';
import { withContext } from './open.ts';
import { Misuse, minuteOf, printJson, printLine, printRecord, printTable, say } from './output.ts';
import { settingsOf, withSettings } from './settings.ts';
import { isId } from './user-named.ts';

const LARGEST_LIST = 100;
const JSON_HELP = 'Output as JSON.';
/** A zero-width character that keeps mail programs from turning a name into a link; a terminal does not need it. */
const BREAK = '\u200b';

export function addEmail(program: Command): void {
  const email = program
    .command('email')
    .description('Test, view and resend emails.')
    .addHelpText('after', '\nExample:\n  usher email test you@example.org');
  withSettings(email.command('list'), ['database'])
    .description('List emails in the development mailbox, newest first. Not available in production.')
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher email list')
    .action(list);
  withSettings(email.command('show'), ['database', 'port', 'publicUrl'])
    .description('Show an email from the development mailbox. Not available in production.')
    .argument('<id>', 'Email ID from `usher email list`, or `last`.')
    .option('--html', 'Output the HTML version.')
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher email show last')
    .action(show);
  withSettings(email.command('retry'), ['database'])
    .description('Resend a rejected or failed email while it’s still valid.')
    .argument(
      '<id>',
      'Email ID from the admin console, the log or `usher events --name email_rejected`.',
      toId,
    )
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher email retry 01990a3c-5d2e-7c41-9f08-6b1d2e3f4a5b')
    .action(retry);
  withSettings(email.command('test'), ['emailFrom', 'emailTemplates', 'smtpTls', 'publicUrl', 'serviceName'])
    .description('Send a test email through USHER_SMTP_URL and show the server’s response.')
    .argument('<address>', 'Recipient email address.')
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher email test you@example.org')
    .action(test);
  withSettings(email.command('preview'), ['emailTemplates', 'publicUrl', 'serviceName'])
    .description('Render every email template with sample data, as HTML and text.')
    .argument('[folder]', 'Output folder.', 'email-preview')
    .addHelpText('after', '\nExample:\n  usher email preview --email-templates ./my-emails')
    .action(preview);
}

async function list({ json }: { json?: true }, command: Command): Promise<void> {
  rejectProduction(settingsOf(command).config);
  await withContext(command, async (context) => {
    const emails = await storedEmails(context.db, context.keys.emails, LARGEST_LIST);
    if (json) return printJson({ emails: emails.map((email) => membersOf(context, email)) });
    if (emails.length === 0) return say('No emails.');
    const rows = emails.map((email) => [minuteOf(email.createdAt), email.kind, email.to, email.id]);
    printTable(['WHEN (UTC)', 'KIND', 'TO', 'ID'], rows);
  });
}

interface ShowOptions {
  html?: true;
  json?: true;
}

async function show(id: string, { html, json }: ShowOptions, command: Command): Promise<void> {
  rejectProduction(settingsOf(command).config);
  await withContext(command, async (context) => {
    const { db, keys } = context;
    const email =
      id === 'last' ? (await storedEmails(db, keys.emails, 1))[0] : await storedEmail(db, keys.emails, id);
    if (!email) throw new Error('Email not found. See: usher email list');
    const rendered = rendererFor(email, context)(email.kind, email.values);
    if (json)
      return printJson({ email: { ...membersOf(context, email), text: rendered.text, html: rendered.html } });
    if (html) return printLine(rendered.html.replaceAll(BREAK, '&#8203;').trimEnd());
    printRecord({ To: email.to, Subject: rendered.subject, When: `${minuteOf(email.createdAt)} UTC` });
    printLine('');
    printLine(rendered.text.replaceAll(BREAK, '').trimEnd());
  });
}

/** A link in an email has the URL that the server had. For an email without one, it is the URL of the settings. */
function rendererFor({ values }: StoredEmail, { config, publicUrl }: AppContext): RenderEmail {
  const { link = publicUrl } = values;
  return rendererOf({ ...config, publicUrl: new URL(link).origin });
}

async function retry(id: string, { json }: { json?: true }, command: Command): Promise<void> {
  await withContext(command, async (context) => {
    const by = { actor: 'operator', client: OPERATOR } as const;
    const { kind, userId, attempts } = await retryEmailNow(context, id, by);
    if (json) return printJson({ email: { id, kind, user_id: userId, attempts } });
    say(`Queued the ${kind} email again. A running server sends it within seconds.`);
  });
}

function toId(text: string): string {
  if (isId(text)) return text.toLowerCase();
  throw new InvalidArgumentError('Expected an email ID.');
}

const membersOf = (
  { renderEmail }: Pick<AppContext, 'renderEmail'>,
  { id, kind, to, values, createdAt }: StoredEmail,
) => ({
  id,
  kind,
  to,
  subject: renderEmail(kind, values).subject,
  created_at: new Date(createdAt).toISOString(),
});

/** Anyone who can read a user's emails can sign in as that user. */
function rejectProduction({ env, smtpUrl }: Config): void {
  if (env === 'production')
    throw new Error('The development mailbox isn’t available when USHER_ENV is production.');
  if (smtpUrl) throw new Error('USHER_SMTP_URL is set, so emails are sent and not stored.');
}

async function test(address: string, { json }: { json?: true }, command: Command): Promise<void> {
  const { config } = settingsOf(command);
  const { smtpUrl } = config;
  if (!smtpUrl)
    throw new ConfigError(
      'USHER_SMTP_URL isn’t set, so email can’t be sent. Set it, e.g. smtp://USER:PASSWORD@HOST:587',
    );
  const to = parseEmail(address);
  if (!to.ok) throw new Misuse(`Invalid address ${address}. ${english(to.message)}`);
  const now = systemClock.now();
  const email = rendererOf(config)('test', { when: new Date(now).toISOString() });
  const transport = createEmailTransport({ ...config, smtpUrl }, publicUrlOf(config));
  try {
    const delivery = await transport.send({ ...email, id: newEmailId(), date: now, to: to.email });
    if (json) printJson({ accepted: delivery.end === 'sent', end: delivery.end, reply: delivery.reply });
    if (delivery.end !== 'sent') throw new Error(rejectionMessage(delivery));
    say(`Accepted for ${to.email}. Server response: ${delivery.reply}`);
  } finally {
    await transport.close();
  }
}

/** The mail server's reply, unchanged, so that the operator can look it up. */
function rejectionMessage({ end, reply }: Delivery): string {
  if (end === 'rejected') return `Rejected by the mail server: ${reply}`;
  if (end === 'later') return `Temporarily rejected by the mail server: ${reply}`;
  return `Couldn’t send through the mail server: ${reply}`;
}

function preview(folder: string, _options: unknown, command: Command): void {
  const { config } = settingsOf(command);
  const emails = sampleEmails(rendererOf(config), publicUrlOf(config), systemClock.now());
  mkdirSync(folder, { recursive: true });
  for (const { kind, email } of emails) {
    writeFileSync(join(folder, `${kind}.html`), email.html);
    writeFileSync(join(folder, `${kind}.txt`), `Subject: ${email.subject}\n\n${email.text}`);
    printLine(join(folder, `${kind}.html`));
  }
  say(`Wrote ${emails.length} emails to ${folder} (HTML and text).`);
}

const rendererOf = (config: Config): RenderEmail =>
  emailRenderer({
    languages: openLanguages({ folder: config.messages, fallback: config.language }),
    folder: config.emailTemplates,
    service: config.serviceName,
    url: publicUrlOf(config),
  });

const publicUrlOf = ({ publicUrl, port }: Config): string => publicUrl ?? `http://localhost:${port}`;
