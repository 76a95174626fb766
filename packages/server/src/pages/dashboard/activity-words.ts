import type { RecordedEvent } from '../../core/events.ts';
import { activity, type EventName, notableEvents } from '../../events.ts';
import { emailAbout, isByOther, limitActivity } from '../../flows/account/activity.ts';
import type { Translator } from '../../languages/translator.ts';

/** The fields of an event that its description depends on. */
type Told = Pick<RecordedEvent, 'name' | 'userId' | 'actorId' | 'details'>;

const notable: ReadonlySet<string> = new Set(notableEvents);

export function wordsFor({ name, details }: Told, t: Translator): string {
  const key = activity[name as EventName];
  // An event added by a later version has only its name.
  if (!key) return name;
  const what = t(limitActivity(details.limit) ?? key);
  const about = emailAbout(details.kind);
  return about === undefined ? what : t('activity_page.about', { what, about: t(about) });
}

export const isNotable = (told: Told): boolean => notable.has(told.name) && otherOf(told) === undefined;

/** Who else performed the action; undefined if it was the user, or if the actor is unknown. */
export function otherOf(told: Told): 'activity_page.by_operator' | 'activity_page.by_admin' | undefined {
  if (!isByOther(told)) return undefined;
  return told.actorId === 'operator' ? 'activity_page.by_operator' : 'activity_page.by_admin';
}
