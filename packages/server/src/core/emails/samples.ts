import { type EmailKind, emailKinds, sampleValues } from './kinds.ts';
import type { RenderEmail, RenderedEmail } from './render.ts';

/** Every email with sample data, for previews. */
export function sampleEmails(
  renderEmail: RenderEmail,
  url: string,
  now: number,
  language = '',
): { kind: EmailKind | 'test'; email: RenderedEmail }[] {
  const values = { ...sampleValues(url, now), language };
  return emailKinds.map((kind) => ({ kind, email: renderEmail(kind, values) }));
}
