import type { RecordedEvent } from '../../core/events.ts';
import { budgets, type LimitName } from '../../core/limits.ts';
import { mailLabels } from '../../core/mails/kinds.ts';
import { type EventDetail, type EventName, eventDetails, events, reasons } from '../../events.ts';

/** The label of an event; its name, if a later version wrote it. */
export const eventLabel = (name: string): string => events[name as EventName]?.[0] ?? name;

/** The details of an event as short texts, without those that have nothing to add. */
export const detailLabels = (event: RecordedEvent): string[] =>
  Object.entries(event.details)
    .map(([detail, value]) => detailLabel(event, detail, String(value)))
    .filter((label) => label !== '');

function detailLabel(event: RecordedEvent, detail: string, value: string): string {
  if (detail === 'reason') return reasonLabel(event, value);
  const text: string | Readonly<Record<string, string>> | undefined = eventDetails[detail as EventDetail];
  if (text === undefined) return `${detail.replaceAll('_', ' ')}: ${value}`;
  // A notice that a rate limit stopped has a kind and no id.
  if (detail === 'mail' && value in mailLabels) return nameOf(value);
  return typeof text === 'string'
    ? text.replace('{value}', () => nameOf(value))
    : (text[value] ?? nameOf(value));
}

/** A limit and a kind of email by their labels; anything else as it is. */
const nameOf = (value: string): string =>
  budgets[value as LimitName]?.label ?? mailLabels[value as keyof typeof mailLabels] ?? value;

function reasonLabel({ name, userId }: RecordedEvent, reason: string): string {
  if (name === 'sign_in_refused' && userId === null) return reasons.sign_in_refused.unknown;
  const known: Readonly<Record<string, string>> | undefined = reasons[name as keyof typeof reasons];
  return known?.[reason] ?? reason;
}
