import { useContext } from 'hono/jsx';
import { english, type Translator } from '../languages/translator.ts';
import { TimeZoneContext, useTranslator } from './translator.tsx';

/** For pages that have not been translated. */
export const exactTime = (at: number): string => english.time(at);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago something was, which no time zone changes; the date if it is more than a week ago. */
export function Ago({ at, now }: { at: number; now: number }) {
  const t = useTranslator();
  const words = ago(now - at, t);
  return words === undefined ? <Day at={at} /> : <Moment at={at}>{words}</Moment>;
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
  return <Moment at={at}>{left(Math.max(0, at - now), t)}</Moment>;
}

function left(milliseconds: number, t: Translator): string {
  if (milliseconds < 2 * MINUTE) return t('time.seconds_left', { count: Math.ceil(milliseconds / 1_000) });
  if (milliseconds < 2 * HOUR) return t('time.minutes_left', { count: Math.ceil(milliseconds / MINUTE) });
  return t('time.hours_left', { count: Math.ceil(milliseconds / HOUR) });
}

/** A date in words. */
export function Day({ at }: { at: number }) {
  const t = useTranslator();
  return (
    <Moment at={at} isDay>
      {t.day(at, useContext(TimeZoneContext))}
    </Moment>
  );
}

/**
 * A time with the exact time in its title. For readers without a time zone, the script shows both in the one of the
 * browser (`assets/session.js`).
 */
function Moment({ at, isDay, children }: { at: number; isDay?: true; children: string }) {
  const timeZone = useContext(TimeZoneContext);
  return (
    <time
      datetime={new Date(at).toISOString()}
      title={useTranslator().time(at, timeZone)}
      data-zone={timeZone === null ? '' : undefined}
      data-day={isDay && ''}
    >
      {children}
    </time>
  );
}
