import type { z } from 'zod';
import type { AppContext } from '../context.ts';
import type { ClientInfo } from '../core/events.ts';
import type { WriteRateLimit } from '../core/rate-limits.ts';
import type { ActiveSession } from '../core/sessions.ts';
import type { Cookie } from '../core/tokens/cookie.ts';
import type { ErrorCode } from '../errors.ts';
import type { Credential } from './credential.ts';

/** What a handler is called with: checked input, and who calls from where. */
export interface Call<Body = undefined, Query = undefined, Params = undefined> {
  body: Body;
  query: Query;
  params: Params;
  client: ClientInfo & { requestId: string; ip: string; userAgent: string };
  headers: Headers;
  /** What every form of a page carries, hidden; its name there is `form_token`. */
  formToken: () => string;
  /** The other end of the socket, whatever a proxy there says about the client; undefined when nobody told us. */
  socketIp?: string | undefined;
}

/** A call by someone who is signed in. */
export interface SignedInCall<Body = undefined, Query = undefined, Params = undefined>
  extends Call<Body, Query, Params> {
  activeSession: ActiveSession;
  credential: Credential;
  /** Sets the session's next cookie, whatever the handler answers: the one that came is dead. */
  renewCookie: (cookie: Cookie) => void;
  /** For an answer that goes on: whether the caller would still be let in. @throws HttpError when not. */
  checkAgain: () => Promise<void>;
}

/** A call that may carry several credentials, and some that are not good any more. */
export interface OptionalAuthCall extends Call {
  credentials: Credential[];
}

export interface RouteResponse {
  status: number;
  /** Sent as JSON, unless `text`, `bytes` or `stream` is given. */
  body?: unknown;
  text?: string;
  /** What many answers share, instead of `text`. */
  bytes?: Uint8Array<ArrayBuffer>;
  /** What is sent bit by bit, instead of `text` (`platform/streams`). */
  stream?: ReadableStream<Uint8Array>;
  /** The media type of `text`, `bytes` or `stream`. */
  type?: string;
  /** A cookie token to set, or `unset`. */
  cookie?: { token: string; maxAge: number } | 'unset' | undefined;
  /** What the browser is to keep beside its session. */
  otherCookies?: Partial<Record<OtherCookie, { value: string; maxAge: number } | 'unset'>> | undefined;
  headers?: Record<string, string>;
}

/**
 * Beside its session a browser keeps that it is known to an account, which recovery it began, what its forms carry, and that
 * it may read the mailbox page.
 */
export type OtherCookie = 'device' | 'verification' | 'form' | 'mailbox';

interface Common<
  Body extends z.ZodType | undefined,
  Query extends z.ZodType | undefined,
  Params extends z.ZodType | undefined,
> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `:name` is a parameter. */
  path: string;
  summary: string;
  /** The body's schema; without one a body is not read. */
  body?: Body;
  /** How the body is written; JSON unless said. */
  encoding?: 'json' | 'form';
  /** The body may be left out; then its schema is given undefined. */
  optionalBody?: true;
  /** The names of the body's fields are read in any case: `Email` is `email`. */
  anyCase?: true;
  query?: Query;
  params?: Params;
  /** What a success answers, by status; undefined for an answer that is not JSON. */
  responses: Record<number, z.ZodType | undefined>;
  /** The refusals that are this route's own, beside those any route may give. */
  errors: ErrorCode[];
  /** What each call counts against, before the handler runs; only for routes of those who are signed in. */
  limit?: WriteRateLimit;
  /** Not in the OpenAPI document: pages and what they load. */
  isPage?: true;
  /** Sent by a script and not by what somebody does: it postpones the end of no session. */
  extendsSession?: false;
  /** Also for users who must choose a new password; everything else refuses them until they have (ASVS 6.4.1). */
  allowedBeforePasswordChange?: true;
  /**
   * The user must have given the password in this session in the last five minutes (ASVS 7.5). The HTTP layer asks for it, and a form
   * may bring it along as `password`, which the handler does not see.
   */
  requiresReauthentication?: true;
  /** Answers under any Host header: probes know an address, not a name. */
  anyHost?: true;
}

type Input<T> = T extends z.ZodType ? z.output<T> : undefined;

/** One line of the route table: the URL, who may call it, what it takes, what it answers, who handles it. */
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
    // What an administrator changes always asks for a fresh sign-in: without it a line does not compile.
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
 * Checks a line of the table against its own schemas, and gives it the type that all lines share. A line with a limit can
 * answer that the limit is reached, and a form that it is out of date.
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
