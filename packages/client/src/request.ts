import type { Calls, Problem } from './api.ts';
import { failed, good, type Result, UsherError } from './error.ts';

/** The input of a call: the path parameters, query and body that it has. */
export type Input<Name extends keyof Calls> = Omit<Calls[Name], 'response'>;
export type ResponseBody<Name extends keyof Calls> = Calls[Name]['response'];
export type Body<Name extends keyof Calls> = Calls[Name] extends { body?: infer B } ? NonNullable<B> : never;
export type Query<Name extends keyof Calls> = Calls[Name] extends { query?: infer Q }
  ? NonNullable<Q>
  : never;
/** The result of a call. */
export type CallResult<Name extends keyof Calls> = Promise<Result<ResponseBody<Name>>>;

export interface Sender {
  url: string;
  fetch: typeof globalThis.fetch;
  /** Whether the browser sends cookies. */
  credentials: 'include' | 'omit';
}

interface Parts {
  path?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
}

/** Sends a call. It never throws: network errors are results, too. */
export async function request<Name extends keyof Calls>(
  { url, fetch, credentials }: Sender,
  name: Name,
  input: Input<Name>,
  token?: string,
): CallResult<Name> {
  const [method = '', path = ''] = name.split(' ');
  const { path: parameters = {}, query = {}, body } = input as Parts;
  const headers = new Headers();
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${url}${fill(path, parameters)}${queryOf(query)}`, {
      method,
      headers,
      credentials,
      redirect: 'error',
      cache: 'no-store',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch (cause) {
    return failed(new UsherError('network_error', unreachableMessage(url, cause), { cause }));
  }
  const parsed = parse(text);
  if (response.ok && parsed !== undefined) return good(parsed as ResponseBody<Name>);
  return failed(errorOf(response, parsed));
}

/**
 * The reason why there is no response, as far as it is known. A browser does not tell a page whether the server was
 * unreachable or CORS blocked the response, so for another origin the message names both.
 */
function unreachableMessage(url: string, cause: unknown): string {
  const { location }: { location?: { origin?: string } } = globalThis as object;
  const page = 'document' in globalThis ? location?.origin : undefined;
  if (page !== undefined && page !== url)
    return `${url} could not be reached. If it is running, it does not allow this page's origin (CORS): add ${page} to its setting USHER_ALLOWED_ORIGINS.`;
  const { code } = ((cause as Error | undefined)?.cause ?? {}) as { code?: unknown };
  return `${url} could not be reached${typeof code === 'string' ? ` (${code})` : ''}. Try again.`;
}

const fill = (path: string, parameters: Record<string, string>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ''));

function queryOf(query: Record<string, unknown>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(
    given.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return text === '' ? '' : `?${text}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A proxy or a captive portal may have responded instead of the server. */
function errorOf({ status, headers }: Response, parsed: unknown): UsherError {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  const retryAfter = Number.isFinite(seconds) ? seconds : undefined;
  if (!isProblem(parsed) || status < 400)
    return new UsherError('unexpected_answer', `Unexpected response (${status}) from the server.`, {
      status,
      retryAfter,
    });
  return new UsherError(parsed.code, parsed.message, { problem: parsed, status, retryAfter });
}

const isProblem = (parsed: unknown): parsed is Problem =>
  typeof parsed === 'object' && parsed !== null && 'code' in parsed && 'message' in parsed;
