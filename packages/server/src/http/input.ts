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

/**
 * The text of a body that has arrived; undefined if the route reads none, or the client may omit it and did.
 *
 * @throws HttpError `invalid_request`, `invalid_json`, `content_too_large`, `unsupported_media_type`.
 */
export type ReceivedBody = () => string | undefined;

/**
 * Waits for the body of a request. A client may take its time with it, so whatever can change meanwhile is checked
 * afterwards. What is wrong with the body is thrown by the function that it returns: other errors come first.
 */
export async function receiveBody(request: Request, route: Route): Promise<ReceivedBody> {
  try {
    const body = await readText(request, route);
    return () => body;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

async function readText(
  request: Request,
  { body, encoding, optionalBody }: Route,
): Promise<string | undefined> {
  if (encoding === 'form') {
    requireForm(request.headers);
    return readBody(request);
  }
  if (!body || (optionalBody && !request.headers.has('content-type'))) return undefined;
  requireJson(request);
  return readBody(request);
}

/** @throws HttpError as `ReceivedBody` does; `invalid_request` and `invalid_json` for what the schemas do not allow. */
export function readInput(c: Context, route: Route, received: ReceivedBody): Input {
  return {
    params: readParams(c, route),
    query: readQuery(c, route),
    ...(route.encoding === 'form'
      ? readForm(received() ?? '', route)
      : { body: readJson(received(), route), formToken: undefined, password: undefined }),
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
function readForm(
  source: string,
  { body, requiresReauthentication }: Route,
): Pick<Input, 'body' | 'formToken' | 'password'> {
  const { form_token: formToken, ...fields } = parseForm(source);
  if (!requiresReauthentication)
    return { body: body && validate(body, fields), formToken, password: undefined };
  const { password, ...others } = fields;
  return { body: body && validate(body, others), formToken, password };
}

function readJson(source: string | undefined, { body: schema, optionalBody, anyCase }: Route): unknown {
  if (!schema) return undefined;
  if (!source) {
    if (optionalBody) return validate(schema, undefined);
    throw new HttpError('invalid_json', { text: text('request.empty') });
  }
  const json = parseJson(source);
  return validate(schema, anyCase ? lowerCaseFields(json) : json);
}
