// How likely it is that somebody takes over an account by guessing mailed codes, from the budgets that the server goes by.
// SECURITY.md shows what this prints, and a test compares the two.
import { rateLimits } from '../packages/server/src/core/rate-limits.ts';
import { verificationRules } from '../packages/server/src/flows/verifications/verification-rules.ts';

const DAY = 24 * 60 * 60_000;
const YEAR = 365;
const FLEET = 10_000;

/** The chance that at least one of so many guesses, each at a code of so many digits, is right. */
const chance = (guesses: number, digits: number): number =>
  -Math.expm1(guesses * Math.log1p(-(10 ** -digits)));

/** The table of SECURITY.md, a line for each length of code. */
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

/** Two figures that count. */
function say(probability: number): string {
  const percent = probability * 100;
  return `${percent >= 10 ? percent.toFixed(0) : percent.toPrecision(2)} %`;
}

if (import.meta.main) process.stdout.write(`${chances().join('\n')}\n`);
