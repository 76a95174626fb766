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

/** The path of a route, with an ID that nothing has, in the form that the route accepts. */
export function pathOf({ path, params }: Pick<Route, 'path' | 'params'>): string {
  const isAccepted = (id: string) =>
    (params?.safeParse({ id }).error?.issues ?? []).every((issue) => issue.path[0] !== 'id');
  return path.replace(':id', unknownIds.find(isAccepted) ?? unknownIds[0]);
}

/** Of a user, and of a session or device. */
const unknownIds = ['00000000-0000-7000-8000-000000000000', 'A'.repeat(22)] as const;
