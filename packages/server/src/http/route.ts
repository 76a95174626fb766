import type { z } from 'zod';
import type { AppContext } from '../context.ts';
import type { ClientInfo } from '../core/events.ts';
import type { WriteRateLimit } from '../core/rate-limits.ts';
import type { ActiveSession } from '../core/sessions.ts';
import type { Cookie } from '../core/tokens/cookie.ts';
import type { ErrorCode } from '../errors.ts';
import type { Credential } from './credential.ts';
import type { OtherCookie } from './other-cookies.ts';

/** What a handler receives: validated input and the client. */
export interface Call<Body = undefined, Query = undefined, Params = undefined> {
  body: Body;
  query: Query;
  params: Params;
  client: ClientInfo & { requestId: string; ip: string; userAgent: string };
  headers: Headers;
  /** The language of the caller, found when it is first needed. */
  language: () => string;
  /** The hidden field of every form of a page; its name there is `form_token`. */
  formToken: () => string;
  /** The remote IP address of the socket, regardless of what a proxy says about the client; undefined if unknown. */
  socketIp?: string | undefined;
}

/** A call by a signed-in user. */
export interface SignedInCall<Body = undefined, Query = undefined, Params = undefined>
  extends Call<Body, Query, Params> {
  activeSession: ActiveSession;
  credential: Credential;
  /** Sets the session's next cookie, whatever the handler responds: the request's cookie is no longer valid. */
  renewCookie: (cookie: Cookie) => void;
  /** For a stream: checks whether the caller would still be allowed in. @throws HttpError when not. */
  checkAgain: () => Promise<void>;
}

/** A call that may carry several credentials, some of which may be invalid. */
export interface OptionalAuthCall extends Call {
  credentials: Credential[];
}

export interface RouteResponse {
  status: number;
  /** Sent as JSON, unless `text`, `bytes` or `stream` is given. */
  body?: unknown;
  text?: string;
  /** Content that many responses share, instead of `text`. */
  bytes?: Uint8Array<ArrayBuffer>;
  /**
   * What the content belongs to, if it is the same for everyone and contains no secret: only then it is compressed, once
   * (`http/compression`).
   */
  shared?: object;
  /** Content sent in chunks, instead of `text` (`platform/streams`). */
  stream?: ReadableStream<Uint8Array>;
  /** The media type of `text`, `bytes` or `stream`. */
  type?: string;
  /** A cookie token to set, or `unset`. */
  cookie?: { token: string; maxAge: number } | 'unset' | undefined;
  /** Cookies to set besides the session's. */
  otherCookies?: Partial<Record<OtherCookie, { value: string; maxAge: number } | 'unset'>> | undefined;
  headers?: Record<string, string>;
}

interface Common<
  Body extends z.ZodType | undefined,
  Query extends z.ZodType | undefined,
  Params extends z.ZodType | undefined,
> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `:name` is a parameter. */
  path: string;
  summary: string;
  /** The body's schema; without one the body is not read. */
  body?: Body;
  /** The encoding of the body; JSON by default. */
  encoding?: 'json' | 'form';
  /** The body may be omitted; its schema then receives undefined. */
  optionalBody?: true;
  /** Field names of the body are case-insensitive: `Email` is `email`. */
  anyCase?: true;
  query?: Query;
  params?: Params;
  /** The schemas of successful responses, by status; undefined for a response that is not JSON. */
  responses: Record<number, z.ZodType | undefined>;
  /** The error codes of this route, besides those that any route may return. */
  errors: ErrorCode[];
  /** The rate limit that counts each call before the handler runs; only for routes that require a signed-in user. */
  limit?: WriteRateLimit;
  /** Not in the OpenAPI document: pages and their assets. */
  isPage?: true;
  /** Called by a script rather than by the user: it does not extend the session. */
  extendsSession?: false;
  /** Also for users who must choose a new password; all other routes reject them until they have (ASVS 6.4.1). */
  allowedBeforePasswordChange?: true;
  /**
   * Requires that the user authenticated in this session in the last five minutes (ASVS 7.5). The HTTP layer enforces
   * it. A form may include the `password`, which the handler does not see.
   */
  requiresReauthentication?: true;
  /** Accepts any Host header: probes know an IP address, not a hostname. */
  anyHost?: true;
}

type Input<T> = T extends z.ZodType ? z.output<T> : undefined;

/** A route: the URL, who may call it, its input, its responses and its handler. */
export type Route<
  Body extends z.ZodType | undefined = z.ZodType | undefined,
  Query extends z.ZodType | undefined = z.ZodType | undefined,
  Params extends z.ZodType | undefined = z.ZodType | undefined,
> = Common<Body, Query, Params> &
  (
    | {
        access: 'public';
        handler: (
          context: AppContext,
          call: Call<Input<Body>, Input<Query>, Input<Params>>,
        ) => RouteResponse | Promise<RouteResponse>;
      }
    | {
        access: 'optional';
        handler: (context: AppContext, call: OptionalAuthCall) => RouteResponse | Promise<RouteResponse>;
      }
    | ({ access: 'user' } & ForSignedIn<Body, Query, Params>)
    // Every change by an administrator requires reauthentication: a route without it does not compile.
    | ({ access: 'admin' } & ({ method: 'GET' } | { requiresReauthentication: true }) &
        ForSignedIn<Body, Query, Params>)
  );

interface ForSignedIn<
  Body extends z.ZodType | undefined,
  Query extends z.ZodType | undefined,
  Params extends z.ZodType | undefined,
> {
  handler: (
    context: AppContext,
    call: SignedInCall<Input<Body>, Input<Query>, Input<Params>>,
  ) => RouteResponse | Promise<RouteResponse>;
}

/**
 * Checks a route's handler against its own schemas and returns it as the type that all routes share. Adds the error of
 * an exceeded rate limit to a route with a limit, and that of an expired form to a form.
 */
export function route<
  Body extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Params extends z.ZodType | undefined = undefined,
>(line: Route<Body, Query, Params>): Route {
  const errors: ErrorCode[] = [
    ...(line.isPage && line.encoding === 'form' ? (['form_expired'] as const) : []),
    ...line.errors,
    ...(line.limit ? (['too_many_requests'] as const) : []),
  ];
  return { ...line, errors: [...new Set(errors)] } as unknown as Route;
}
