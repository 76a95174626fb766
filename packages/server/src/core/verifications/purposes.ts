/** What a mailed code or link is for, with all that hangs on it. A new purpose is a row here: what lacks an answer does not compile. */

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

/**
 * What happens to an account, and may end the verifications that were begun before it. A deletion is not among them: it removes
 * all verifications of the account.
 */
export type AccountChange =
  | 'sign_in'
  /** A new password, chosen by its owner or set by an administrator. */
  | 'password_change'
  /** A new password by the mailbox. */
  | 'recovery'
  /** Also when all sessions but one's own are ended. */
  | 'sign_out_everywhere'
  | 'email_change'
  | 'disable';

/** `oldest_stays` ends all but those that went to the oldest email that still has one. */
type Effect = 'ends' | 'stays' | 'oldest_stays';

interface Answers {
  /** Who gets it, and what it does. */
  why: string;
  /** The page that the link leads to. */
  page: '/setup' | '/verify' | '/reset-password' | '/restore-email';
  /** How long the link works, in milliseconds. How long a code does goes by its length (`flows/code-rules`). */
  linkLifetime: number;
  /** Whether there is a code beside the link. */
  hasCode: boolean;
  /** What whoever uses it has shown (`core/sessions/methods`). */
  shows: 'email' | 'setup_link';
  /** Whether a new one ends those before it. Where a stranger can ask for one, that would take it from the owner. */
  endsOlder: boolean;
  /** Whether its link follows from its id and a key, so that it can be shown again while it works. Others are stored nowhere. */
  canRepeatLink: boolean;
  /** Whether it ends when an older copy of the database is put back. */
  endsWithRestoredDatabase: boolean;
}

/** One that belongs to an account. */
interface OfAccount extends Answers {
  of: 'account';
  endedBy: Record<AccountChange, Effect>;
}

/** One that belongs to no account yet, so that nothing that happens to an account ends it. */
interface OfNobody extends Answers {
  of: 'nobody';
}

/**
 * Links of emails that somebody asked for work as long as the windows that count these emails: when a stranger has used one
 * up, a link that works is in the owner's mailbox.
 */
const MAILED = HOUR;

export const purposes = {
  setup: {
    why: 'Printed by a start: makes the first administrator.',
    of: 'nobody',
    page: '/setup',
    linkLifetime: HOUR,
    hasCode: false,
    shows: 'setup_link',
    endsOlder: true,
    canRepeatLink: true,
    endsWithRestoredDatabase: true,
  },
  sign_up: {
    why: 'Sent to whoever signs up where emails are verified first: makes the account.',
    of: 'nobody',
    page: '/verify',
    linkLifetime: MAILED,
    hasCode: true,
    shows: 'email',
    endsOlder: false,
    canRepeatLink: false,
    endsWithRestoredDatabase: true,
  },
  verify_email: {
    why: 'Sent to the email of an account: verifies it.',
    of: 'account',
    page: '/verify',
    linkLifetime: MAILED,
    hasCode: true,
    shows: 'email',
    endsOlder: false,
    canRepeatLink: false,
    endsWithRestoredDatabase: true,
    endedBy: {
      sign_in: 'stays',
      password_change: 'stays',
      recovery: 'ends',
      sign_out_everywhere: 'stays',
      email_change: 'ends',
      disable: 'stays',
    },
  },
  change_email: {
    why: 'Sent to the new email of an account: makes the change.',
    of: 'account',
    page: '/verify',
    linkLifetime: MAILED,
    hasCode: true,
    shows: 'email',
    endsOlder: false,
    canRepeatLink: false,
    endsWithRestoredDatabase: true,
    endedBy: {
      sign_in: 'stays',
      password_change: 'ends',
      recovery: 'ends',
      sign_out_everywhere: 'ends',
      email_change: 'ends',
      disable: 'ends',
    },
  },
  reset_password: {
    why: 'Sent to the email of an account whose password was forgotten: sets a new one.',
    of: 'account',
    page: '/reset-password',
    linkLifetime: MAILED,
    hasCode: true,
    shows: 'email',
    endsOlder: false,
    canRepeatLink: false,
    endsWithRestoredDatabase: true,
    endedBy: {
      // Whoever is signed in needs none any more; one that lies in a mailbox is one that can be found there.
      sign_in: 'ends',
      password_change: 'ends',
      recovery: 'ends',
      sign_out_everywhere: 'stays',
      email_change: 'ends',
      disable: 'ends',
    },
  },
  restore_email: {
    why: 'Sent to the email that an account had before a change: takes the change back.',
    of: 'account',
    page: '/restore-email',
    linkLifetime: 7 * DAY,
    hasCode: false,
    shows: 'email',
    endsOlder: false,
    canRepeatLink: false,
    // What it undid is undone again in an older copy of the database, so its owner needs it.
    endsWithRestoredDatabase: false,
    // Nothing but its use ends the owner's: whoever stole an account could do the rest (`restore-links`).
    endedBy: {
      sign_in: 'stays',
      password_change: 'oldest_stays',
      recovery: 'oldest_stays',
      sign_out_everywhere: 'oldest_stays',
      email_change: 'stays',
      disable: 'stays',
    },
  },
} as const satisfies Record<string, PurposeRow>;

type Purposes = typeof purposes;

/** What a mailed code or link is good for. One for another purpose is rejected. */
export type Purpose = keyof Purposes;

/** The purposes whose links lead to a page. */
export type PurposeAt<Page extends Answers['page']> = {
  [P in Purpose]: Purposes[P]['page'] extends Page ? P : never;
}[Purpose];

/** The purposes that have a code beside the link. */
export type CodePurpose = { [P in Purpose]: Purposes[P]['hasCode'] extends true ? P : never }[Purpose];

/** The purposes whose link can be shown again. */
export type RepeatablePurpose = {
  [P in Purpose]: Purposes[P]['canRepeatLink'] extends true ? P : never;
}[Purpose];

/** A row of the table. */
export type PurposeRow = OfAccount | OfNobody;

const all = Object.keys(purposes) as Purpose[];

export const purposesAt = <const Page extends Answers['page']>(page: Page): PurposeAt<Page>[] =>
  all.filter((purpose): purpose is PurposeAt<Page> => purposes[purpose].page === page);

/** The purposes on which a change to the account has this effect. */
export const affectedBy = (change: AccountChange, effect: Exclude<Effect, 'stays'>): Purpose[] =>
  all.filter((purpose) => {
    const row: PurposeRow = purposes[purpose];
    return row.of === 'account' && row.endedBy[change] === effect;
  });

/** The purposes that end when an older copy of the database is put back. */
export const endedByRestoredDatabase = (): Purpose[] =>
  all.filter((purpose) => purposes[purpose].endsWithRestoredDatabase);
