import type { ErrorCode } from '../errors.ts';

/** A page that a browser opens. */
export const PAGE = {
  method: 'GET',
  isPage: true,
  responses: { 200: undefined },
  errors: [] as ErrorCode[],
} as const;

/** A form of a page: on success it redirects to the next page. `route` adds the error of an expired form. */
export const FORM = {
  method: 'POST',
  isPage: true,
  encoding: 'form',
  responses: { 303: undefined },
} as const;
