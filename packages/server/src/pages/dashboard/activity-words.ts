import type { RecordedEvent } from '../../core/events.ts';
import { activity, type EventName, notableEvents } from '../../events.ts';
import { emailAbout, isByOther, limitActivity } from '../../flows/account/activity.ts';

/** The fields of an event that its description depends on. */
type Told = Pick<RecordedEvent, 'name' | 'userId' | 'actorId' | 'details'>;

function purposeOf(kind: unknown): string {
  const about = emailAbout(kind);
  return about === undefined ? '' : `: ${about}`;
}

const notable: ReadonlySet<string> = new Set(notableEvents);

export function wordsFor({ name, details }: Told): string {
  // An event added by a later version has only its name.
  const text = activity[name as EventName] ?? name;
  return text
    .replace('{limit}', () => limitActivity(details.limit) ?? 'Blocked: too many attempts')
    .replace('{kind}', () => purposeOf(details.kind));
}

export const isNotable = (told: Told): boolean => notable.has(told.name) && otherOf(told) === undefined;

/** Who else performed the action; undefined if it was the user, or if the actor is unknown. */
export function otherOf(told: Told): string | undefined {
  if (!isByOther(told)) return undefined;
  return told.actorId === 'operator' ? 'By the system operator' : 'By an administrator';
}
