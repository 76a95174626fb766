import { type MailKind, mailKinds } from './kinds.ts';
import type { Values } from './markup.ts';
import type { RenderedMail, RenderMail } from './render.ts';

/** What the values of a mail could be. */
export function sampleValues(url: string, now: number): Values {
  return {
    username: 'ada',
    code: '482913',
    link: `${url}/sample#token=K7mPq2vXw9RtYb4NcLs8HdJf3GzAeUiO1TnVxBk5Wp0`,
    minutes: '10',
    link_minutes: '60',
    days: '7',
    outranked_days: '7',
    new_email: 'ada.lovelace@example.org',
    when: new Date(now).toISOString(),
    ip: '203.0.113.7',
    user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  };
}

/** Every mail with sample data, to be looked at. */
export function sampleMails(
  renderMail: RenderMail,
  url: string,
  now: number,
): { kind: MailKind | 'test'; mail: RenderedMail }[] {
  const values = sampleValues(url, now);
  return mailKinds.map((kind) => ({ kind, mail: renderMail(kind, values) }));
}
