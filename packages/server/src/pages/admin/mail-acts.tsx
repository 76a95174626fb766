import { z } from 'zod';
import type { World } from '../../context.ts';
import { mailLabels } from '../../core/mails/kinds.ts';
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
  hastened: 'Sending now.',
  late: 'This email is already being sent, is due in a few minutes or is finished.',
  retried: 'Resending email.',
  refused: 'This email can’t be resent. See the reason below.',
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
  /** The page with the button: the email's own page, or the list, filtered by this status. */
  at: z.enum(['mail', 'list']),
  state: z.enum(mailStates).optional(),
});

/** Retries a queued email now, or resends a rejected or failed one. */
export async function mailsAnswer(
  world: World,
  call: SignedInCall<z.infer<typeof mailsForm>>,
): Promise<Answer> {
  const { mail, act, at, state } = call.body;
  const done = act === 'hasten' ? await hasten(world, mail) : await retry(world, call, mail);
  // The email's own page shows why it cannot be resent.
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

/** The action for an email that was not sent, or the reason why there is none. */
export function MailActs({ mail, now, hidden }: MailActsProps) {
  const isUnsent = mail.outcome === 'refused' || mail.outcome === 'expired';
  const reason = isUnsent ? whyNotAgain(mail, now) : undefined;
  if (reason !== undefined) return <p class="note">{reason}</p>;
  if (isUnsent) return <ActButton mail={mail} act="retry" label="Resend" hidden={hidden} />;
  // The first try is a matter of seconds.
  if (mail.dueAt === null || mail.tries === mail.triesBefore) return null;
  return (
    <>
      <p class="note">Next attempt {exactTime(mail.dueAt)}</p>
      <ActButton mail={mail} act="hasten" label="Retry now" hidden={hidden} />
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
      <Button
        weight="plain"
        small
        label={`${label}: ${mailLabels[mail.kind] ?? mail.kind}, created ${exactTime(mail.createdAt)}`}
      >
        {label}
      </Button>
    </Form>
  );
}
