import { z } from 'zod';

/** A time in the API. */
export const timeShape = z.iso.datetime().describe('RFC 3339, UTC');

export const toTime = (milliseconds: number): string => new Date(milliseconds).toISOString();
