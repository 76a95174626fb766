import { emailLabels } from '../../core/emails/kinds.ts';
import type { RecordedEvent } from '../../core/events.ts';
import { type RateLimitName, rateLimits } from '../../core/rate-limits.ts';
import { amrLabels } from '../../core/sessions/methods.ts';
import { type EventDetail, type EventName, eventDetails, events, reasons } from '../../events.ts';
import type { TextKey } from '../../languages/text.ts';
import type { Translator } from '../../languages/translator.ts';

/** The label of an event; its name for an event that a later version recorded. */
export const eventLabel = (name: string, t: Translator): string =>
  name in events ? t(events[name as EventName][0]) : name;

/** The details of an event as short texts, without those that add nothing. */
export const detailLabels = (event: RecordedEvent, t: Translator): string[] =>
  Object.entries(event.details)
    .map(([detail, value]) => detailLabel(event, detail, String(value), t))
    .filter((label) => label !== '');

function detailLabel(event: RecordedEvent, detail: string, value: string, t: Translator): string {
  if (detail === 'reason') return reasonLabel(event, value, t);
  if (detail === 'amr') return value.split(' ').map(amrLabel(t)).join(', ');
  const label: string | Readonly<Record<string, string>> | undefined = eventDetails[detail as EventDetail];
  if (label === undefined) return `${detail.replaceAll('_', ' ')}: ${value}`;
  // A security notice that a rate limit stopped has a kind, but no id.
  if (label === '{value}' || (detail === 'email' && value in emailLabels)) return nameOf(value, t);
  if (typeof label === 'string') return t({ key: label as TextKey, values: { value: nameOf(value, t) } });
  return said(label[value], t) ?? nameOf(value, t);
}

const amrLabel =
  (t: Translator) =>
  (amr: string): string =>
    amr in amrLabels ? t(amrLabels[amr as keyof typeof amrLabels]) : amr;

/** The label of a rate limit or of a kind of email; any other value unchanged. */
const nameOf = (value: string, t: Translator): string =>
  value in rateLimits
    ? t(rateLimits[value as RateLimitName].label)
    : (emailLabels[value as keyof typeof emailLabels] ?? value);

function reasonLabel({ name, userId }: RecordedEvent, reason: string, t: Translator): string {
  if (name === 'sign_in_failed' && userId === null) return t(reasons.sign_in_failed.unknown);
  const known: Readonly<Record<string, string>> | undefined = reasons[name as keyof typeof reasons];
  return said(known?.[reason], t) ?? reason;
}

/** A text of a table; '' stands for none. */
const said = (key: string | undefined, t: Translator): string | undefined =>
  key ? t({ key: key as TextKey }) : key;
