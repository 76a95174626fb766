import type { Context } from 'hono';
import { HttpError } from '../errors.ts';
import { text } from '../languages/text.ts';
import { readBody, requireJson } from './body.ts';
import { parseForm, requireForm } from './form.ts';
import { parseJson } from './json.ts';
import type { Route } from './route.ts';
import { lowerCaseFields, validate } from './validate.ts';

/**
 * The body, query and path parameters of a request, validated by the route's schemas; each is read only from its own
 * place.
 */
export interface Input {
  // biome-ignore lint/suspicious/noExplicitAny: the route table ties each handler to its own schemas (`route`).
  body: any;
  // biome-ignore lint/suspicious/noExplicitAny: likewise.
  query: any;
  // biome-ignore lint/suspicious/noExplicitAny: likewise.
  params: any;
  /** The `form_token` of a form. */
  formToken: string | undefined;
  /** The `password` of a form whose route requires reauthentication. */
  password: string | undefined;
}

/** @throws HttpError `invalid_request`, `invalid_json`, `content_too_large`, `unsupported_media_type`. */
export async function readInput(c: Context, route: Route): Promise<Input> {
  return {
    params: readParams(c, route),
    query: readQuery(c, route),
    ...(route.encoding === 'form'
      ? await readForm(c.req.raw, route)
      : { body: await readJson(c.req.raw, route), formToken: undefined, password: undefined }),
  };
}

/** For a person, a page with a malformed ID in its URL does not exist. */
function readParams(c: Context, { params, isPage }: Route): unknown {
  if (!params) return undefined;
  if (isPage && !params.safeParse(c.req.param()).success) throw new HttpError('not_found');
  return validate(params, c.req.param());
}

/** Rejects a repeated or unknown name, so that no value can be read differently than it was meant. */
function readQuery(c: Context, route: Route): unknown {
  const start = c.req.url.indexOf('?');
  if (route.query === undefined) return undefined;
  return validate(route.query, start === -1 ? {} : parseForm(c.req.url.slice(start + 1)));
}

/** A form without a body schema may only contain the token. */
async function readForm(
  request: Request,
  { body, requiresReauthentication }: Route,
): Promise<Pick<Input, 'body' | 'formToken' | 'password'>> {
  requireForm(request.headers);
  const { form_token: formToken, ...fields } = parseForm(await readBody(request));
  if (!requiresReauthentication)
    return { body: body && validate(body, fields), formToken, password: undefined };
  const { password, ...others } = fields;
  return { body: body && validate(body, others), formToken, password };
}

async function readJson(request: Request, { body: schema, optionalBody, anyCase }: Route): Promise<unknown> {
  if (!schema) return undefined;
  if (optionalBody && !request.headers.has('content-type')) return validate(schema, undefined);
  requireJson(request);
  const body = await readBody(request);
  if (body === '') {
    if (optionalBody) return validate(schema, undefined);
    throw new HttpError('invalid_json', { text: text('request.empty') });
  }
  const json = parseJson(body);
  return validate(schema, anyCase ? lowerCaseFields(json) : json);
}
