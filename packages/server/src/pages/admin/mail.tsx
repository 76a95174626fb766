import { z } from 'zod';
import type { World } from '../../context.ts';
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

/** What became of a mail, and what it looks like to its reader. */
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
      <p>
        <a href={MAILS}>All mails</a>
      </p>
      <h1>{subject}</h1>
      <MailDone done={call.query.done} />
      <Card title="Facts">
        <MailFacts mail={mail} names={names} now={now} />
      </Card>
      <h2>What it says</h2>
      {isOwn ? (
        <Notice>
          Its code and its link are hidden: whoever has one of them can act as the owner of the account, and
          that is nobody else, not even an administrator.
        </Notice>
      ) : (
        <Notice>
          What it said is no longer kept. This is what such a mail looks like: name, code, link and the like
          are made up.
        </Notice>
      )}
      <MailFrame src={`${MAILS}/${mail.id}/html`} text={text} who="other" />
    </>,
  );
  return framing(answer);
}

/** The mail itself, for the frame. */
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
        ['Kind', <code>{kind}</code>],
        [
          'For',
          userId === null ? (
            'an address that has no account, or had none then'
          ) : (
            <Who id={userId} names={names} />
          ),
        ],
        ['Queued', <Ago at={createdAt} now={now} />],
        [
          'State',
          <>
            <MailState mail={mail} />
            <MailActs mail={mail} now={now} hidden={{ at: 'mail' }} />
          </>,
        ],
        ['Tries', triesOf(mail)],
        ...(endedAt === null ? [] : [['Ended', <Ago at={endedAt} now={now} />] satisfies [string, unknown]]),
        ['Worth sending until', exactTime(expiresAt)],
        ['The server said', <Said mail={mail} />],
        ['Id', <code>{mail.id}</code>],
      ]}
    />
  );
}

function Said({ mail: { outcome, answer, words } }: Pick<MailFactsProps, 'mail'>) {
  if (words !== null) return <>{words}</>;
  if (answer !== null) return <code>{answer}</code>;
  return <>{outcome === 'kept' ? 'nothing: there is none, so it is kept here' : 'nothing yet'}</>;
}
