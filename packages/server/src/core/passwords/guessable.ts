import { createRequire } from 'node:module';
import type { MatchExtended, ZxcvbnFactory } from '@zxcvbn-ts/core';

/** Why a password is easy to guess; `password.REASON` in the catalogs says so. */
export type GuessableReason = 'repeats' | 'sequence' | 'keyboard' | 'date' | 'word';

/**
 * How many characters the matchers process at once. Their time grows with the cube of the length: 256 characters can
 * take two seconds, 32 take at most a few milliseconds, and they run on the event loop.
 */
const WINDOW = 32;

/** An attacker can make this many guesses (zxcvbn's scores 0 and 1) against a server within about a year. */
const FEW = 1e6;

/**
 * The guesses for a word with a year and a symbol. Applied only to those, so no random text of eight characters is
 * rejected.
 */
const FEW_AROUND_WORD = 1e8;

/**
 * Why a password can be found with few guesses, whatever its length; undefined if zxcvbn's matchers find no reason. A
 * long password is rejected only if both of its ends are guessable.
 */
export function findGuessable(password: string): GuessableReason | undefined {
  const reason = judge(password.slice(0, WINDOW));
  return reason !== undefined && password.length > WINDOW ? judge(password.slice(-WINDOW)) : reason;
}

function judge(text: string): GuessableReason | undefined {
  estimator ??= createEstimator();
  const { guesses, sequence } = estimator.check(text);
  if (guesses < FEW) return reasonOf(sequence);
  return guesses < FEW_AROUND_WORD && isDecoratedWord(sequence) ? 'word' : undefined;
}

/** Whether this is a single word with only digits and symbols around it. */
function isDecoratedWord(sequence: MatchExtended[]): boolean {
  const rest = sequence.filter(({ pattern }) => pattern !== 'dictionary');
  return rest.length === sequence.length - 1 && rest.every(({ token }) => !/\p{L}/u.test(token));
}

const reasonsByPattern: Record<string, GuessableReason> = {
  repeat: 'repeats',
  sequence: 'sequence',
  spatial: 'keyboard',
  date: 'date',
  regex: 'date',
};

/** A word is the best reason; otherwise the longest part is. */
function reasonOf(sequence: MatchExtended[]): GuessableReason {
  if (sequence.some(({ pattern }) => pattern === 'dictionary')) return 'word';
  const patterns = sequence.filter(({ pattern }) => pattern in reasonsByPattern);
  const longest = patterns.toSorted((a, b) => b.token.length - a.token.length)[0];
  return reasonsByPattern[longest?.pattern ?? ''] ?? 'word';
}

let estimator: ZxcvbnFactory | undefined;

/** Created on first use, like the list of common passwords: it takes 100 ms and 20 MB. */
function createEstimator(): ZxcvbnFactory {
  const require = createRequire(import.meta.url);
  const core: typeof import('@zxcvbn-ts/core') = require('@zxcvbn-ts/core');
  const common: typeof import('@zxcvbn-ts/language-common') = require('@zxcvbn-ts/language-common');
  return new core.ZxcvbnFactory({
    dictionary: {
      calendar: calendarWords(),
      'passwords-common': common.dictionary['passwords-common'],
    },
    graphs: common.adjacencyGraphs,
    maxLength: WINDOW,
    // More substitutions of `@`, `1` and `|` find almost nothing, and each is another pass over the dictionaries.
    l33tMaxSubstitutions: 10,
  });
}

/** Seasons, months and days of the week, which are common in passwords that had to be changed regularly. */
function calendarWords(): string[] {
  const languages = ['en', 'de', 'es', 'fr', 'it', 'nl', 'pt'];
  const named = (language: string, options: Intl.DateTimeFormatOptions, dates: number[]) => {
    const format = new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' });
    return dates.map((date) => format.format(date).toLowerCase());
  };
  const months = Array.from({ length: 12 }, (_, month) => Date.UTC(2026, month, 1));
  const days = Array.from({ length: 7 }, (_, day) => Date.UTC(2026, 0, day + 1));
  return [
    ...['spring', 'summer', 'autumn', 'winter', 'season'],
    ...languages.flatMap((language) => [
      ...named(language, { month: 'long' }, months),
      ...named(language, { weekday: 'long' }, days),
    ]),
  ];
}
