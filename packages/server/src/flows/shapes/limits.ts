import { z } from 'zod';
import { type RateLimitName, type RateLimitState, rateLimits } from '../../core/rate-limits.ts';
import { timeShape, toTime } from './times.ts';

export const rateLimitShape = z
  .object({
    limit: z.enum(Object.keys(rateLimits) as [RateLimitName, ...RateLimitName[]]),
    description: z.string().describe('Description of the limit'),
    from: z.string().nullable().describe('IP range or identifier the limit applies to'),
    count: z.int().describe('Attempts counted'),
    max: z.int().describe('Attempts allowed'),
    rejected: z.int().describe('Requests blocked since the last allowed one'),
    exceeded: z.boolean().describe('Whether the next attempt will be blocked'),
    until: timeShape.nullable().describe('When the block ends; null if not blocked, or if it doesn’t expire'),
  })
  .meta({ id: 'RateLimit' });

const isShown = (of: string): boolean => of === 'range' || of === 'identifier' || of === 'email and range';

export const showRateLimit = ({
  limit,
  subject,
  times = 1,
  isExceeded,
  ...state
}: RateLimitState): z.infer<typeof rateLimitShape> => {
  const rateLimit = rateLimits[limit];
  return {
    limit,
    description: rateLimit.description,
    from: isShown(rateLimit.of) ? subject : null,
    count: state.count,
    max: (rateLimit.kind === 'back-off' ? rateLimit.free : rateLimit.max) * times,
    rejected: state.rejected,
    exceeded: isExceeded,
    until: state.until === null ? null : toTime(state.until),
  };
};
