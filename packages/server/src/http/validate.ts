import type { z } from 'zod';
import { type FieldError, HttpError } from '../errors.ts';

/**
 * Validates input against a schema.
 *
 * @throws HttpError `invalid_request` that names every invalid field, including unknown ones.
 */
export function validate<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  throw new HttpError('invalid_request', { fields: result.error.issues.flatMap(toFieldErrors) });
}

function toFieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const field = issue.path.join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      field: field === '' ? key : `${field}.${key}`,
      code: 'unknown_field',
      message: `Unknown field "${key}".`,
    }));
  if (issue.code === 'invalid_type' && issue.input === undefined)
    return [
      {
        field,
        code: 'required',
        message: field === '' ? 'The body must be a JSON object.' : `"${field}" is required.`,
      },
    ];
  return [{ field, code: issue.code, message: `${issue.message}.` }];
}

/** Lower-cases the field names of a body (`Email` becomes `email`); rejects a name that then appears twice. */
export function lowerCaseFields(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const lowered: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    const lower = name.toLowerCase();
    if (lower in lowered)
      throw new HttpError('invalid_request', {
        fields: [
          {
            field: lower,
            code: 'duplicate_field',
            message: `"${lower}" appears twice with different capitalization.`,
          },
        ],
      });
    lowered[lower] = value;
  }
  return lowered;
}
