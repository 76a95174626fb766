/** US English, in UTC: a page without scripts cannot know where its reader is, and an email never can. */
const LOCALE = 'en-US';

const day = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'long', timeZone: 'UTC' });
const time = new Intl.DateTimeFormat(LOCALE, { timeStyle: 'short', hourCycle: 'h23', timeZone: 'UTC' });

/** `March 1, 2026`, of a time in milliseconds. */
export const formatDay = (at: number): string => day.format(at);

/** `March 1, 2026 at 12:00 UTC`, of a time in milliseconds. */
export const exactTime = (at: number): string => `${day.format(at)} at ${time.format(at)} UTC`;
