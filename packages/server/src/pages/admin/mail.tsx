import { z } from 'zod';
import type { World } from '../../context.ts';
import { mailLabels } from '../../core/mails/kinds.ts';
import type { ListedMail } from '../../core/mails/listed.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { readMail } from '../../flows/admin/mails.ts';
import { Card, Facts, Notice, page } from '../layout.tsx';
import { framing, MailFrame, mailDocument } from '../mail-frame.tsx';
import { Ago, exactTime } from '../time.tsx';
import { console } from './area.ts';
import { doneQuery, MAILS, MailActs, MailDone } from './mail-acts.tsx';
import { MailState, triesOf } from './mails.tsx';
import { Who } from './who.tsx';

export const oneMailParams = z.strictObject({ id: z.uuid() });
export const oneMailQuery = z.object({ done: doneQuery });
type MailCall<Query = undefined> = SignedInCall<undefined, Query, z.infer<typeof oneMailParams>>;

/** The delivery of one email, and a preview of it. */
export async function oneMailPage(
  world: World,
  call: MailCall<z.infer<typeof oneMailQuery>>,
): Promise<Answer> {
  const { mail, names, preview } = await readMail(world, call.params.id);
  const { isOwn, subject, text } = preview;
  const now = world.clock.now();
  const answer = page(
    world,
    call,
    { title: subject, area: console, at: MAILS },
    <>
      <nav class="breadcrumb" aria-label="Breadcrumb">
        <a href={MAILS}>Emails</a>
      </nav>
      <h1>{subject}</h1>
      <MailDone done={call.query.done} />
      <Card title="Details">
        <MailFacts mail={mail} names={names} now={now} />
      </Card>
      <h2>Preview</h2>
      {isOwn ? (
        <Notice>The code and link are hidden, because anyone who has them can access the account.</Notice>
      ) : (
        <Notice>The original is no longer stored. This preview uses sample data.</Notice>
      )}
      <MailFrame src={`${MAILS}/${mail.id}/html`} text={text} who="other" />
    </>,
  );
  return framing(answer);
}

/** The email itself, for the frame. */
export async function oneMailHtml(world: World, call: MailCall): Promise<Answer> {
  return mailDocument((await readMail(world, call.params.id)).preview, 'other');
}

interface MailFactsProps {
  mail: ListedMail;
  names: ReadonlyMap<string, string>;
  now: number;
}

function MailFacts({ mail, names, now }: MailFactsProps) {
  const { kind, userId, createdAt, endedAt, expiresAt } = mail;
  return (
    <Facts
      of={[
        ['Type', mailLabels[kind] ?? kind],
        ['Recipient', userId === null ? 'An email without an account' : <Who id={userId} names={names} />],
        ['Created', <Ago at={createdAt} now={now} />],
        [
          'Status',
          <>
            <MailState mail={mail} />
            <MailActs mail={mail} now={now} hidden={{ at: 'mail' }} />
          </>,
        ],
        ['Attempts', triesOf(mail)],
        ...(endedAt === null
          ? []
          : [['Finished', <Ago at={endedAt} now={now} />] satisfies [string, unknown]]),
        ['Expires', exactTime(expiresAt)],
        ['Server response', <Said mail={mail} />],
        ['Email ID', <code>{mail.id}</code>],
      ]}
    />
  );
}

function Said({ mail: { outcome, answer, words } }: Pick<MailFactsProps, 'mail'>) {
  if (words !== null) return <>{words}</>;
  if (answer !== null) return <code>{answer}</code>;
  return <>{outcome === 'kept' ? 'None (no mail server)' : 'None yet'}</>;
}
