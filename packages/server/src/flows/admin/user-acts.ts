import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { User } from '../../core/users.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { changeAccount, getUser } from '../accounts/change-account.ts';
import { type Change, removeDevices, revokeSessions } from '../accounts/change-user.ts';
import { resetRateLimitsOf } from '../limits/user-rate-limits.ts';

/** An act of an administrator or operator that needs nothing but the user. */
export interface UserAct {
  /** @returns How many things it ended or removed. */
  make: (change: Change & { user: User }) => Promise<number>;
  /** Its route and the message of the response; with `counted`, the response also has the number, under that name. */
  api: {
    method: 'POST' | 'DELETE';
    path: `/v1/users/:id/${string}`;
    summary: string;
    message: string;
    counted?: string;
  };
  /** Its command, `usher user NAME`, and what the command prints. */
  command: { help: string; done: (user: User, count: number) => string };
}

/** The acts, by the names of their commands. The API and the command line derive theirs from this table. */
export const userActs: Readonly<Record<string, UserAct>> = {
  'reset-rate-limits': {
    make: resetRateLimitsOf,
    api: {
      method: 'DELETE',
      path: '/v1/users/:id/limits',
      summary: 'Reset a user’s rate limits',
      message: 'Rate limits reset.',
    },
    command: {
      help: 'Reset a user’s rate limits after too many failed attempts.',
      done: ({ username }, count) =>
        count === 0
          ? `${username} has no active rate limits.`
          : `Reset ${count} rate ${count === 1 ? 'limit' : 'limits'} for ${username}.`,
    },
  },
  'remove-devices': {
    make: removeDevices,
    api: {
      method: 'DELETE',
      path: '/v1/users/:id/devices',
      summary: 'Remove a user’s known devices',
      message: 'Devices removed.',
      counted: 'devices',
    },
    command: {
      help: 'Remove all known browsers and API clients of a user. Sessions continue.',
      done: ({ username }, count) =>
        `Removed ${count} known ${count === 1 ? 'device' : 'devices'} of ${username}.`,
    },
  },
  logout: {
    make: revokeSessions,
    api: {
      method: 'POST',
      path: '/v1/users/:id/logout-everywhere',
      summary: 'Sign a user out everywhere',
      message: 'logout successful!',
    },
    command: {
      help: 'Sign a user out everywhere.',
      done: ({ username }, count) =>
        `Signed ${username} out everywhere (${count} ${count === 1 ? 'session' : 'sessions'} ended).`,
    },
  },
};

/** The response of an act by the API. */
export const shapeOf = ({ message, counted }: UserAct['api']) =>
  z.object({ message: z.literal(message), ...(counted === undefined ? {} : { [counted]: z.int() }) });

/** Does an act by the API. @throws HttpError `not_found`, and as `make` does. */
export const doAct =
  ({ make, api: { message, counted } }: UserAct) =>
  async (
    context: AppContext,
    { params, activeSession, client }: SignedInCall<undefined, undefined, { id: string }>,
  ): Promise<RouteResponse> => {
    const by = { actor: activeSession, client };
    const count = await changeAccount(context, by, (tx) => getUser(tx, params.id), make);
    return { status: 200, body: { message, ...(counted === undefined ? {} : { [counted]: count }) } };
  };
