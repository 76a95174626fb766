import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { type Config, ConfigError } from '../config.ts';
import type { World } from '../context.ts';
import { OPERATOR } from '../core/events.ts';
import { type KeptMail, keptMail, keptMails } from '../core/mails/mailbox.ts';
import { mailRenderer, type RenderMail } from '../core/mails/render.ts';
import { sampleMails } from '../core/mails/samples.ts';
import { parseEmail } from '../core/names.ts';
import { sendMailAgain } from '../flows/emails/retry-mail.ts';
import { systemClock } from '../platform/clock.ts';
import { createMailTransport, type Delivery } from '../platform/mail-transport.ts';
import { newMailId } from '../platform/random.ts';
import { withWorld } from './open.ts';
import { Misuse, minuteOf, printJson, printLine, printRecord, printTable, say } from './output.ts';
import { settingsOf, withSettings } from './settings.ts';
import { isId } from './user-named.ts';

const LARGEST_LIST = 100;
const JSON_HELP = 'Output as JSON.';
/** What keeps mail programs from making a link of a name has no width, and no terminal need show it. */
const BREAK = '\u200b';

export function addMail(program: Command): void {
  const mail = program
    .command('mail')
    .description('Test, view and resend emails.')
    .addHelpText('after', '\nExample:\n  usher mail test you@example.org');
  withSettings(mail.command('list'), ['database'])
    .description('List emails in the development mailbox, newest first. Not available in production.')
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher mail list')
    .action(list);
  withSettings(mail.command('show'), ['database'])
    .description('Show an email from the development mailbox. Not available in production.')
    .argument('<id>', 'Email ID from `usher mail list`, or `last`.')
    .option('--html', 'Output the HTML version.')
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher mail show last')
    .action(show);
  withSettings(mail.command('retry'), ['database'])
    .description('Resend a rejected or failed email while it’s still valid.')
    .argument('<id>', 'Email ID from the admin console, the log or `usher events --name mail_refused`.', toId)
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher mail retry 01990a3c-5d2e-7c41-9f08-6b1d2e3f4a5b')
    .action(retry);
  withSettings(mail.command('test'), ['mailFrom', 'mailTemplates', 'smtpTls', 'publicUrl', 'serviceName'])
    .description('Send a test email through USHER_SMTP_URL and show the server’s response.')
    .argument('<address>', 'Recipient email address.')
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher mail test you@example.org')
    .action(test);
  withSettings(mail.command('preview'), ['mailTemplates', 'publicUrl', 'serviceName'])
    .description('Render every email template with sample data, as HTML and text.')
    .argument('[folder]', 'Output folder.', 'mail-preview')
    .addHelpText('after', '\nExample:\n  usher mail preview --mail-templates ./my-mails')
    .action(preview);
}

async function list({ json }: { json?: true }, command: Command): Promise<void> {
  refuseProduction(settingsOf(command).config);
  await withWorld(command, async (world) => {
    const mails = await keptMails(world.db, world.keys.mail, LARGEST_LIST);
    if (json) return printJson({ mails: mails.map((mail) => membersOf(world, mail)) });
    if (mails.length === 0) return say('No emails.');
    const rows = mails.map((mail) => [minuteOf(mail.createdAt), mail.kind, mail.to, mail.id]);
    printTable(['WHEN (UTC)', 'KIND', 'TO', 'ID'], rows);
  });
}

interface ShowOptions {
  html?: true;
  json?: true;
}

async function show(id: string, { html, json }: ShowOptions, command: Command): Promise<void> {
  refuseProduction(settingsOf(command).config);
  await withWorld(command, async (world) => {
    const { db, keys } = world;
    const mail = id === 'last' ? (await keptMails(db, keys.mail, 1))[0] : await keptMail(db, keys.mail, id);
    if (!mail) throw new Error('Email not found. See: usher mail list');
    const rendered = world.renderMail(mail.kind, mail.values);
    if (json)
      return printJson({ mail: { ...membersOf(world, mail), text: rendered.text, html: rendered.html } });
    if (html) return printLine(rendered.html.replaceAll(BREAK, '&#8203;').trimEnd());
    printRecord({ To: mail.to, Subject: rendered.subject, When: `${minuteOf(mail.createdAt)} UTC` });
    printLine('');
    printLine(rendered.text.replaceAll(BREAK, '').trimEnd());
  });
}

async function retry(id: string, { json }: { json?: true }, command: Command): Promise<void> {
  await withWorld(command, async (world) => {
    const asked = { actorId: 'operator', origin: OPERATOR };
    const { kind, userId, tries } = await sendMailAgain(world, id, asked);
    if (json) return printJson({ mail: { id, kind, user_id: userId, tries } });
    say(`Queued the ${kind} email again. A running server sends it within seconds.`);
  });
}

function toId(text: string): string {
  if (isId(text)) return text.toLowerCase();
  throw new InvalidArgumentError('Expected an email ID.');
}

const membersOf = (
  { renderMail }: Pick<World, 'renderMail'>,
  { id, kind, to, values, createdAt }: KeptMail,
) => ({
  id,
  kind,
  to,
  subject: renderMail(kind, values).subject,
  created_at: new Date(createdAt).toISOString(),
});

/** Whoever reads another's mails can sign in as them. */
function refuseProduction({ env, smtpUrl }: Config): void {
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
  if (!to.ok) throw new Misuse(`Invalid address ${address}. ${to.message}`);
  const now = systemClock.now();
  const mail = rendererOf(config)('test', { when: new Date(now).toISOString() });
  const transport = createMailTransport({ ...config, smtpUrl }, publicUrlOf(config));
  try {
    const delivery = await transport.send({ ...mail, id: newMailId(), date: now, to: to.email });
    if (json) printJson({ accepted: delivery.end === 'sent', end: delivery.end, answer: delivery.answer });
    if (delivery.end !== 'sent') throw new Error(refusalIn(delivery));
    say(`Accepted for ${to.email}. Server response: ${delivery.answer}`);
  } finally {
    await transport.close();
  }
}

/** What the server said goes on as it is: whoever runs it can look it up. */
function refusalIn({ end, answer }: Delivery): string {
  if (end === 'refused') return `Rejected by the mail server: ${answer}`;
  if (end === 'later') return `Temporarily rejected by the mail server: ${answer}`;
  return `Couldn’t send through the mail server: ${answer}`;
}

function preview(folder: string, _options: unknown, command: Command): void {
  const { config } = settingsOf(command);
  const mails = sampleMails(rendererOf(config), publicUrlOf(config), systemClock.now());
  mkdirSync(folder, { recursive: true });
  for (const { kind, mail } of mails) {
    writeFileSync(join(folder, `${kind}.html`), mail.html);
    writeFileSync(join(folder, `${kind}.txt`), `Subject: ${mail.subject}\n\n${mail.text}`);
    printLine(join(folder, `${kind}.html`));
  }
  say(`Wrote ${mails.length} emails to ${folder} (HTML and text).`);
}

const rendererOf = (config: Config): RenderMail =>
  mailRenderer({ folder: config.mailTemplates, service: config.serviceName, url: publicUrlOf(config) });

const publicUrlOf = ({ publicUrl, port }: Config): string => publicUrl ?? `http://localhost:${port}`;
