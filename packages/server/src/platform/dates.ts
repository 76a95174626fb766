/** US English, in UTC: a page without scripts cannot know the reader's time zone, and neither can an email. */
const LOCALE = 'en-US';

const day = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'long', timeZone: 'UTC' });
const time = new Intl.DateTimeFormat(LOCALE, { timeStyle: 'short', hourCycle: 'h23', timeZone: 'UTC' });

/** Formats a time in milliseconds as `March 1, 2026`. */
export const formatDay = (at: number): string => day.format(at);

/** Formats a time in milliseconds as `March 1, 2026 at 12:00 UTC`. */
export const exactTime = (at: number): string => `${day.format(at)} at ${time.format(at)} UTC`;
