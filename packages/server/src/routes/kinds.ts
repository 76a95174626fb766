import type { ErrorCode } from '../errors.ts';

/** A page that somebody opens. */
export const PAGE = {
  method: 'GET',
  isPage: true,
  responses: { 200: undefined },
  errors: [] as ErrorCode[],
} as const;

/** A form of a page: what is taken answers with the next page to open. `route` adds the error of a form out of date. */
export const FORM = {
  method: 'POST',
  isPage: true,
  encoding: 'form',
  responses: { 303: undefined },
} as const;
