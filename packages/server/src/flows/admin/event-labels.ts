import { emailLabels } from '../../core/emails/kinds.ts';
import type { RecordedEvent } from '../../core/events.ts';
import { type RateLimitName, rateLimits } from '../../core/rate-limits.ts';
import { amrLabels } from '../../core/sessions/methods.ts';
import { type EventDetail, type EventName, eventDetails, events, reasons } from '../../events.ts';

/** The label of an event; its name for an event that a later version recorded. */
export const eventLabel = (name: string): string => events[name as EventName]?.[0] ?? name;

/** The details of an event as short texts, without those that add nothing. */
export const detailLabels = (event: RecordedEvent): string[] =>
  Object.entries(event.details)
    .map(([detail, value]) => detailLabel(event, detail, String(value)))
    .filter((label) => label !== '');

function detailLabel(event: RecordedEvent, detail: string, value: string): string {
  if (detail === 'reason') return reasonLabel(event, value);
  if (detail === 'amr') return value.split(' ').map(amrLabel).join(', ');
  const text: string | Readonly<Record<string, string>> | undefined = eventDetails[detail as EventDetail];
  if (text === undefined) return `${detail.replaceAll('_', ' ')}: ${value}`;
  // A security notice that a rate limit stopped has a kind, but no id.
  if (detail === 'email' && value in emailLabels) return nameOf(value);
  return typeof text === 'string'
    ? text.replace('{value}', () => nameOf(value))
    : (text[value] ?? nameOf(value));
}

const amrLabel = (amr: string): string => amrLabels[amr as keyof typeof amrLabels] ?? amr;

/** The label of a rate limit or of a kind of email; any other value unchanged. */
const nameOf = (value: string): string =>
  rateLimits[value as RateLimitName]?.label ?? emailLabels[value as keyof typeof emailLabels] ?? value;

function reasonLabel({ name, userId }: RecordedEvent, reason: string): string {
  if (name === 'sign_in_failed' && userId === null) return reasons.sign_in_failed.unknown;
  const known: Readonly<Record<string, string>> | undefined = reasons[name as keyof typeof reasons];
  return known?.[reason] ?? reason;
}
