import type { z } from 'zod';
import { type FieldError, HttpError } from '../errors.ts';
import { type Text, text } from '../languages/text.ts';

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
      message: text('field.unknown', { field: key }),
    }));
  if (issue.code === 'invalid_type' && issue.input === undefined)
    return [
      {
        field,
        code: 'required',
        message: field === '' ? text('field.object') : text('field.required', { field }),
      },
    ];
  return [{ field, code: issue.code, message: textOf(issue) }];
}

/** A schema's own check names its text: `.refine(isEven, { params: { text: text('...') } })`. */
function textOf(issue: z.core.$ZodIssue): Text {
  if (issue.code === 'custom') return (issue.params?.['text'] as Text | undefined) ?? text('field.invalid');
  if (issue.code === 'invalid_type') return text('field.type', { expected: issue.expected });
  if (issue.code === 'invalid_value') return text('field.choice', { options: issue.values.join(', ') });
  if (issue.code === 'too_small') return text('field.too_small', { limit: String(issue.minimum) });
  if (issue.code === 'too_big') return text('field.too_big', { limit: String(issue.maximum) });
  if (issue.code === 'invalid_format') return text('field.format', { format: issue.format });
  return text('field.invalid');
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
            message: text('field.capitalization', { field: lower }),
          },
        ],
      });
    lowered[lower] = value;
  }
  return lowered;
}
