import { type ErrorCode, errors } from '../errors.ts';
import { curlOf } from './docs-curl.ts';
import { FieldTable, Name, Prose, rowsOf, Type } from './docs-fields.tsx';
import type { OpenApi, Operation, Success } from './openapi.ts';
import { codesOf } from './openapi-refusals.ts';

/** One line of the document: an operation and where it is. */
export interface Line {
  method: string;
  path: string;
  operation: Operation;
}

/** All operations of a document, in its order. */
export const linesOf = ({ paths }: OpenApi): Line[] =>
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method, path, operation })),
  );

/** The refusals of an operation. */
export const refusalsOf = ({ responses }: Operation): ErrorCode[] =>
  Object.values(responses).flatMap((response) => ('application/problem+json' in response.content ? codesOf(response) : []));
