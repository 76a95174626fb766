import { z } from 'zod';

/** An answer that is a sentence; the contract's sentences are literal. */
export const saying = <const T extends string>(message: T) => z.object({ message: z.literal(message) });
