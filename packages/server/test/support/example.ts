import { z } from 'zod';
import type { Route } from '../../src/http/route.ts';
import { sampleBody, toJsonSchema } from '../../src/pages/openapi-schemas.ts';

/**
 * A body that the route accepts, as the API reference shows it; undefined if it takes none. Of the forms of one page,
 * that of an opened link.
 */
export function exampleOf({ body }: Pick<Route, 'body'>): Record<string, unknown> | undefined {
  if (!body) return undefined;
  const forms = body instanceof z.ZodUnion ? (body.options as z.ZodType[]) : [body];
  const samples = forms.map((form) => sampleBody(form, toJsonSchema(form, 'input', {})));
  return samples.find((sample) => sample && 'token' in sample) ?? samples.at(-1);
}
