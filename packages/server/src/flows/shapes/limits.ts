import { z } from 'zod';
import { budgets, type LimitName, type LimitState } from '../../core/limits.ts';
import { timeShape, toTime } from './times.ts';

export const limitShape = z
  .object({
    limit: z.enum(Object.keys(budgets) as [LimitName, ...LimitName[]]),
    why: z.string().describe('What it counts'),
    from: z.string().nullable().describe('The address range or the name, for a limit of one'),
    count: z.int().describe('What it has counted'),
    most: z.int().describe('What it lets pass without a wait'),
    refused: z.int().describe('What it has refused since it let something pass'),
    reached: z.boolean().describe('Whether it refuses the next attempt'),
    until: timeShape
      .nullable()
      .describe('When it lets one pass again; null when it does now, or not by time'),
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
