import { queueAdminChange } from '../../core/installation.ts';
import { roleOf, type User } from '../../core/users.ts';
import type { SignedInCall } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { getUser } from '../../flows/admin/users.ts';
import { type Change, deleteAccount, endSessions, setDisabled, setRole } from '../../flows/change-user.ts';
import { liftLimitsOf } from '../../flows/user-limits.ts';

/** Something that an administrator can do to a user, and what it means. */
interface Act {
  /** On the button. */
  label: string;
  /** What it does, said before it is done. */
  means: string[];
  isDangerous?: true;
  /** Whether it can be done to this user at all; always, unless said. */
  fits?: (user: User) => boolean;
  /** What is said when it is done. */
  done: string;
  make: (change: Change & { user: User }, world: World) => Promise<unknown>;
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
  logout: {
    label: 'End all sessions',
    means: ['The user is signed out everywhere, at once, and can sign in again.'],
    done: 'All sessions are ended.',
    make: (change) => endSessions(change),
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
    make: (change) => deleteAccount(change),
  },
} as const satisfies Record<string, Act>;

export type ActName = keyof typeof acts;
export const actNames = Object.keys(acts) as [ActName, ...ActName[]];
export const actOf = (name: ActName): Act => acts[name];

/** @throws Refusal as the act does. */
export async function perform(
  world: World,
  call: SignedInCall<unknown, unknown, unknown>,
  name: ActName,
  id: string,
): Promise<void> {
  const { db, clock } = world;
  await db.transaction().execute(async (tx) => {
    await queueAdminChange(tx);
    const user = await getUser(tx, id);
    await actOf(name).make(
      { tx, user, actorId: call.live.user.id, origin: call.origin, now: clock.now() },
      world,
    );
  });
}
