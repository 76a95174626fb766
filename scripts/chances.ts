// The probability of taking over an account by guessing emailed codes, from the server's rate limits. SECURITY.md shows
// the output, and a test compares the two.
import { rateLimits } from '../packages/server/src/core/rate-limits.ts';
import { verificationRules } from '../packages/server/src/flows/verifications/verification-rules.ts';

const DAY = 24 * 60 * 60_000;
const YEAR = 365;
const FLEET = 10_000;

/** The probability that at least one of these guesses matches a code with this many digits. */
const chance = (guesses: number, digits: number): number =>
  -Math.expm1(guesses * Math.log1p(-(10 ** -digits)));

/** The table in SECURITY.md, with one row for each code length. */
export function chances(): string[] {
  const perDayOfFleet = rateLimits.codes_total.max * (DAY / rateLimits.codes_total.length);
  const lines = [4, 6, 8].map((digits) => {
    const { daily, total } = verificationRules({ codesDigits: digits });
    const idle = rateLimits[total].max;
    const busy = rateLimits[daily].max * YEAR;
    const fleet = Math.min(idle * FLEET, perDayOfFleet * YEAR);
    return `| ${digits} | ${idle} | ${say(chance(idle, digits))} | ${busy} | ${say(chance(busy, digits))} | ${fleet} | ${say(chance(fleet, digits))} |`;
  });
  return [
    '| digits | guesses until the owner’s next success | chance | guesses in a year, with a reset every day | chance | guesses in a year at 10,000 accounts | chance for one of them |',
    '|---|---|---|---|---|---|---|',
    ...lines,
  ];
}

/** Rounds to two significant digits. */
function say(probability: number): string {
  const percent = probability * 100;
  return `${percent >= 10 ? percent.toFixed(0) : percent.toPrecision(2)} %`;
}

if (import.meta.main) process.stdout.write(`${chances().join('\n')}\n`);
