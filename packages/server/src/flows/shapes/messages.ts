import { z } from 'zod';

/** A response with a message. Its text is a literal, since the contract fixes its sentences. */
export const saying = <const T extends string>(message: T) => z.object({ message: z.literal(message) });
