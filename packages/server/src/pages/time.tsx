import { english, type Translator } from '../languages/translator.ts';
import { useTranslator } from './translator.tsx';

/** For pages that have not been translated. */
export const exactTime = (at: number): string => english.time(at);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago something was, which no time zone changes; the date if it is more than a week ago. */
export function Ago({ at, now }: { at: number; now: number }) {
  const t = useTranslator();
  return (
    <time datetime={new Date(at).toISOString()} title={t.time(at)}>
      {ago(now - at, t) ?? t.day(at)}
    </time>
  );
}

function ago(milliseconds: number, t: Translator): string | undefined {
  if (milliseconds < MINUTE) return t('time.just_now');
  if (milliseconds < HOUR) return t.ago(Math.floor(milliseconds / MINUTE), 'minute');
  if (milliseconds < DAY) return t.ago(Math.floor(milliseconds / HOUR), 'hour');
  return milliseconds < 8 * DAY ? t.ago(Math.floor(milliseconds / DAY), 'day') : undefined;
}

/** The time left until something, to the second if that matters. */
export function Until({ at, now }: { at: number; now: number }) {
  const t = useTranslator();
  return (
    <time datetime={new Date(at).toISOString()} title={t.time(at)}>
      {left(Math.max(0, at - now), t)}
    </time>
  );
}

function left(milliseconds: number, t: Translator): string {
  if (milliseconds < 2 * MINUTE) return t('time.seconds_left', { count: Math.ceil(milliseconds / 1_000) });
  if (milliseconds < 2 * HOUR) return t('time.minutes_left', { count: Math.ceil(milliseconds / MINUTE) });
  return t('time.hours_left', { count: Math.ceil(milliseconds / HOUR) });
}

/** A date in words. */
export function Day({ at }: { at: number }) {
  return <time datetime={new Date(at).toISOString()}>{useTranslator().day(at)}</time>;
}
