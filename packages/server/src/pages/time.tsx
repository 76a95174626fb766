import { exactTime, formatDay } from '../platform/dates.ts';

export { exactTime };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago something was, which no time zone changes; the date if it is more than a week ago. */
export function Ago({ at, now }: { at: number; now: number }) {
  return (
    <time datetime={new Date(at).toISOString()} title={exactTime(at)}>
      {ago(now - at) ?? formatDay(at)}
    </time>
  );
}

function ago(milliseconds: number): string | undefined {
  const count = (of: number, one: string): string => {
    const number = Math.floor(milliseconds / of);
    return `${number} ${one}${number === 1 ? '' : 's'} ago`;
  };
  if (milliseconds < MINUTE) return 'just now';
  if (milliseconds < HOUR) return count(MINUTE, 'minute');
  if (milliseconds < DAY) return count(HOUR, 'hour');
  return milliseconds < 8 * DAY ? count(DAY, 'day') : undefined;
}

/** The time left until something, to the second if that matters. */
export function Until({ at, now }: { at: number; now: number }) {
  const left = Math.max(0, at - now);
  const [unit, length] =
    left < 2 * MINUTE ? ['second', 1_000] : left < 2 * HOUR ? ['minute', MINUTE] : ['hour', HOUR];
  const number = Math.ceil(left / (length as number));
  return (
    <time datetime={new Date(at).toISOString()} title={exactTime(at)}>
      {number} {unit}
      {number === 1 ? '' : 's'} left
    </time>
  );
}

/** A date in words. */
export function Day({ at }: { at: number }) {
  return <time datetime={new Date(at).toISOString()}>{formatDay(at)}</time>;
}
