import type { World } from '../../context.ts';
import type { User } from '../../core/users.ts';
import type { SignedInCall } from '../../edge/route.ts';
import { changeAccount, getUser } from '../../flows/accounts/change-account.ts';
import {
  type Change,
  deleteAccount,
  endSessions,
  removeDevices,
  setDisabled,
  setRole,
} from '../../flows/accounts/change-user.ts';
import { changeProfile } from '../../flows/accounts/profile.ts';
import { mailNewPassword } from '../../flows/emails/mail-new-password.ts';
import { liftLimitsOf } from '../../flows/limits/user-limits.ts';
import { roleOf } from '../../user-fields.ts';

/** Something that an administrator can do to a user, and what it means. */
interface Act {
  /** On the button. */
  label: string;
  /** What it does, said before it is done. */
  means: string[];
  isDangerous?: true;
  /** Whether it can be done to this user at all; always, unless said. */
  fits?: (user: User) => boolean;
  /** What has to be typed for it. */
  asks?: 'username';
  /** What is said when it is done. */
  done: string;
  /** What it does, within the one transaction that keeps an administrator... */
  make?: (change: Change & { user: User; username: string }, world: World) => Promise<unknown>;
  /** ... or what it does in transactions of its own, because what a limit refuses is written all the same. */
  run?: (world: World, user: User, by: Pick<Change, 'actorId' | 'origin'>) => Promise<unknown>;
}

export const acts = {
  'lift-limits': {
    label: 'Let them try again at once',
    means: [
      'What the limits have counted about the account is forgotten: the next password and the next code are looked at.',
      'Whoever is guessing at the account gets the same attempts as its owner.',
    ],
    done: 'The limits are lifted.',
    make: (change, world) => liftLimitsOf(change.tx, world, change),
  },
  rename: {
    label: 'Rename',
    means: [
      'The user signs in with the new name, or with the address. The old name is free, and somebody else may take it.',
      'Sessions go on. Usher tells nobody of it: tell the user.',
    ],
    asks: 'username',
    done: 'The user has the new name.',
    make: (change) => changeProfile(change, { username: change.username }),
  },
  'send-mail': {
    label: 'Send a mail to choose a new password',
    means: [
      'A mail with a code and a link goes to the address of the account. You see neither; whoever reads that mailbox can choose a new password.',
      'Until they do, nothing changes: the password and all sessions stay good. Then every session ends.',
      'It is the mail of a forgotten password, and counts like one: six an hour go to an address, three of them asked for from one address range.',
    ],
    fits: (user) => user.disabled_at === null,
    done: 'A mail is on its way to the user. Its code works for a few minutes, its link for an hour.',
    run: (world, user, by) => mailNewPassword(world, user, by),
  },
  logout: {
    label: 'End all sessions',
    means: ['The user is signed out everywhere, at once, and can sign in again.'],
    done: 'All sessions are ended.',
    make: (change) => endSessions(change),
  },
  'remove-devices': {
    label: 'Remove known browsers',
    means: [
      'No browser of the user has guesses of its own any more, until the next sign-in from it. Sessions go on.',
      'While somebody guesses at the account, the user may have to wait, or to choose a new password by mail.',
    ],
    done: 'The known browsers are removed.',
    make: (change) => removeDevices(change),
  },
  promote: {
    label: 'Make an administrator',
    means: [
      'The user sees and changes every account, and these pages.',
      'Sessions then last four hours at most.',
    ],
    fits: (user) => roleOf(user) === 'user',
    done: 'The user is an administrator.',
    make: (change) => setRole(change, 'admin'),
  },
  demote: {
    label: 'Make a plain user',
    means: ['The user sees these pages no more, at once. The account stays as it is.'],
    fits: (user) => roleOf(user) === 'admin',
    done: 'The user is no administrator any more.',
    make: (change) => setRole(change, 'user'),
  },
  disable: {
    label: 'Disable',
    means: [
      'The user is signed out everywhere, at once, and cannot sign in.',
      'Nothing is lost; it can be enabled again.',
    ],
    isDangerous: true,
    fits: (user) => user.disabled_at === null,
    done: 'The account is disabled.',
    make: (change) => setDisabled(change, true),
  },
  enable: {
    label: 'Enable',
    means: ['The user can sign in again, with the same password. Sessions that were ended stay ended.'],
    fits: (user) => user.disabled_at !== null,
    done: 'The account is enabled.',
    make: (change) => setDisabled(change, false),
  },
  delete: {
    label: 'Delete for good',
    means: [
      'The account and all that belongs to it is gone. Nobody can take this back.',
      'Its user name and address are free, and somebody else may take them.',
    ],
    isDangerous: true,
    done: 'The account is deleted.',
    make: (change, world) => deleteAccount(world, change),
  },
} as const satisfies Record<string, Act>;

export type ActName = keyof typeof acts;
export const actNames = Object.keys(acts) as [ActName, ...ActName[]];
export const actOf = (name: ActName): Act => acts[name];

/** The heading of the pages that ask about an act. */
export const actTitle = (name: ActName, { username }: User): string => `${actOf(name).label}: ${username}`;

/** @throws Refusal as the act does. */
export async function perform(
  world: World,
  call: SignedInCall<{ username?: string | undefined }, unknown, unknown>,
  name: ActName,
  id: string,
): Promise<void> {
  const { make, run } = actOf(name);
  const by = { actorId: call.live.user.id, origin: call.origin };
  if (run) return void (await run(world, await getUser(world.db, id), by));
  await changeAccount(
    world,
    by,
    (tx) => getUser(tx, id),
    async (change) => make?.({ ...change, username: call.body.username ?? '' }, world),
  );
}
