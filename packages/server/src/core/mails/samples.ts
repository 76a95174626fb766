import { type MailKind, mailKinds, sampleValues } from './kinds.ts';
import type { RenderedMail, RenderMail } from './render.ts';

/** Every mail with sample data, to be looked at. */
export function sampleMails(
  renderMail: RenderMail,
  url: string,
  now: number,
): { kind: MailKind | 'test'; mail: RenderedMail }[] {
  const values = sampleValues(url, now);
  return mailKinds.map((kind) => ({ kind, mail: renderMail(kind, values) }));
}
