import { z } from 'zod';
import type { World } from '../../context.ts';
import type { ListedMail } from '../../core/mails/listed.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import { mailStates, tryMailNow } from '../../flows/admin/mails.ts';
import { sendMailAgain, whyNotAgain } from '../../flows/emails/retry-mail.ts';
import { Button, Form } from '../form.tsx';
import { Notice, seeOther } from '../layout.tsx';
import { exactTime } from '../time.tsx';
import { withQuery } from './choices.tsx';

export const MAILS = '/admin/mails';

const done = {
  hastened: 'The mail is tried now.',
  late: 'The mail is being sent, is due in a few minutes, or has ended: there is nothing to hasten.',
  retried: 'The mail is sent again now.',
  refused: 'The mail is not sent again. What is in the way is said below.',
};
type Done = keyof typeof done;

export const doneQuery = z
  .enum(Object.keys(done) as Done[])
  .optional()
  .catch(undefined);

export function MailDone({ done: what }: { done: Done | undefined }) {
  if (what === undefined) return null;
  return <Notice kind={what === 'hastened' || what === 'retried' ? 'good' : 'warn'}>{done[what]}</Notice>;
}

export const mailsForm = z.strictObject({
  mail: z.uuid(),
  act: z.enum(['hasten', 'retry']),
  /** Where it was asked for: the page of the mail, or the list, of the mails in this state. */
  at: z.enum(['mail', 'list']),
  state: z.enum(mailStates).optional(),
});

/** Has a mail tried now that waits for its next try, or sent again that was refused or given up. */
export async function mailsAnswer(
  world: World,
  call: SignedInCall<z.infer<typeof mailsForm>>,
): Promise<Answer> {
  const { mail, act, at, state } = call.body;
  const done = act === 'hasten' ? await hasten(world, mail) : await retry(world, call, mail);
  // Why it is not sent again is said on its own page.
  const isAtList = at === 'list' && done !== 'refused';
  return seeOther(isAtList ? withQuery(MAILS, { state, done }) : `${MAILS}/${mail}?done=${done}`);
}

const hasten = async (world: World, id: string): Promise<Done> =>
  (await tryMailNow(world, id)) ? 'hastened' : 'late';

async function retry(world: World, { live, origin }: SignedInCall<unknown>, id: string): Promise<Done> {
  try {
    await sendMailAgain(world, id, { actorId: live.user.id, origin });
    return 'retried';
  } catch (error) {
    if (error instanceof Refusal && error.code === 'conflict') return 'refused';
    throw error;
  }
}

interface MailActsProps {
  mail: ListedMail;
  now: number;
  /** Where the page goes on. */
  hidden: Record<string, string>;
}

/** What can be done about a mail that was not sent, or why nothing can. */
export function MailActs({ mail, now, hidden }: MailActsProps) {
  const isUnsent = mail.outcome === 'refused' || mail.outcome === 'expired';
  const reason = isUnsent ? whyNotAgain(mail, now) : undefined;
  if (reason !== undefined) return <p class="note">{reason}</p>;
  if (isUnsent) return <ActButton mail={mail} act="retry" label="Send again" hidden={hidden} />;
  // The first try is a matter of seconds.
  if (mail.dueAt === null || mail.tries === mail.triesBefore) return null;
  return (
    <>
      <p class="note">next at {exactTime(mail.dueAt)}</p>
      <ActButton mail={mail} act="hasten" label="Try now" hidden={hidden} />
    </>
  );
}

interface ActButtonProps extends Pick<MailActsProps, 'mail' | 'hidden'> {
  act: 'hasten' | 'retry';
  label: string;
}

function ActButton({ mail, act, label, hidden }: ActButtonProps) {
  return (
    <Form action={MAILS} shape="inline" hidden={{ mail: mail.id, act, ...hidden }}>
      <Button weight="plain" small label={`${label}: ${mail.kind}, queued ${exactTime(mail.createdAt)}`}>
        {label}
      </Button>
    </Form>
  );
}
