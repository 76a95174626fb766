import type { World } from '../../context.ts';
import { sampleValues } from '../../core/mails/kinds.ts';
import { type ListedMail, listedMail, listMails, type MailState } from '../../core/mails/listed.ts';
import { hastenMail } from '../../core/mails/outbox.ts';
import { previewValues } from '../../core/mails/preview.ts';
import type { RenderedMail } from '../../core/mails/render.ts';
import { usernamesOf } from '../../core/users.ts';
import { Refusal } from '../../errors.ts';

export { mailStates } from '../../core/mails/listed.ts';

interface MailPage {
  mails: ListedMail[];
  next: string | null;
  /** The usernames of their readers, by id. */
  names: ReadonlyMap<string, string>;
}

/** What became of the mails, newest first. */
export async function readMails(
  { db, keys }: Pick<World, 'db' | 'keys'>,
  { limit, ...asked }: { state: MailState | undefined; before: string | undefined; limit: number },
): Promise<MailPage> {
  const found = await listMails(db, keys.mail, { ...asked, limit: limit + 1 });
  const mails = found.slice(0, limit);
  const next = found.length > limit ? (mails.at(-1)?.id ?? null) : null;
  return { mails, next, names: await readersOf(db, mails) };
}

/** What became of a mail, and what it looks like to its reader. @throws Refusal `not_found` */
export async function readMail(
  world: Pick<World, 'db' | 'keys' | 'clock' | 'publicUrl' | 'renderMail'>,
  id: string,
): Promise<{ mail: ListedMail; names: ReadonlyMap<string, string>; preview: Preview }> {
  const { db, keys } = world;
  const mail = await listedMail(db, keys.mail, id);
  if (!mail) throw new Refusal('not_found', { message: 'Email not found. It may have been removed.' });
  return { mail, names: await readersOf(db, [mail]), preview: await preview(world, mail) };
}

/** Has a mail tried now that waits for its next try. @returns false when it does not wait. */
export const tryMailNow = ({ db, clock }: Pick<World, 'db' | 'clock'>, id: string): Promise<boolean> =>
  hastenMail(db, id, clock.now());

type Preview = RenderedMail & { isOwn: boolean };

/** As its reader sees it, but for what is a secret; with sample values once its own are gone. */
async function preview(
  { db, keys, clock, publicUrl, renderMail }: Parameters<typeof readMail>[0],
  { id, kind }: ListedMail,
): Promise<Preview> {
  const own = await previewValues(db, keys.mail, id);
  const values = own ?? sampleValues(publicUrl, clock.now());
  return { ...renderMail(kind, values), isOwn: own !== undefined };
}

const readersOf = (db: World['db'], mails: readonly ListedMail[]) =>
  usernamesOf(
    db,
    mails.flatMap(({ userId }) => userId ?? []),
  );
