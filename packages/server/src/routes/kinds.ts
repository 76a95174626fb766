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

/** A form of a page that links from emails lead to: it also takes an opened link, and then shows its own form. */
export const LINK_FORM = { ...FORM, responses: { 200: undefined, 303: undefined } } as const;
