import { z } from 'zod';
import { budgets, type LimitName, type LimitState } from '../../core/limits.ts';
import { timeShape, toTime } from './times.ts';

export const limitShape = z
  .object({
    limit: z.enum(Object.keys(budgets) as [LimitName, ...LimitName[]]),
    why: z.string().describe('Description of the limit'),
    from: z.string().nullable().describe('IP range or identifier the limit applies to'),
    count: z.int().describe('Attempts counted'),
    most: z.int().describe('Attempts allowed'),
    refused: z.int().describe('Requests blocked since the last allowed one'),
    reached: z.boolean().describe('Whether the next attempt will be blocked'),
    until: timeShape.nullable().describe('When the block ends; null if not blocked, or if it doesn’t expire'),
  })
  .meta({ id: 'Limit' });

const isShown = (of: string): boolean => of === 'range' || of === 'name' || of === 'address and range';

export const showLimit = ({
  limit,
  subject,
  times = 1,
  isReached,
  ...state
}: LimitState): z.infer<typeof limitShape> => {
  const budget = budgets[limit];
  return {
    limit,
    why: budget.why,
    from: isShown(budget.of) ? subject : null,
    count: state.count,
    most: (budget.kind === 'back-off' ? budget.free : budget.most) * times,
    refused: state.refused,
    reached: isReached,
    until: state.until === null ? null : toTime(state.until),
  };
};
