/**
 * The purposes of emailed codes and links, with all their properties. To add one, add a row: a missing property does
 * not compile.
 */

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

/** Changes to an account that may end its earlier verifications. Deletion is not listed: it removes all of them. */
export type AccountChange =
  | 'sign_in'
  /** A new password, chosen by its owner or set by an administrator. */
  | 'password_change'
  /** A new password after recovery by email. */
  | 'recovery'
  /** Also when all other sessions are revoked. */
  | 'sign_out_everywhere'
  | 'email_change'
  | 'disable';

/** `oldest_stays` ends all except those sent to the oldest email that still has one. */
type Effect = 'ends' | 'stays' | 'oldest_stays';

interface PurposeProperties {
  /** Who receives it, and what it does. */
  description: string;
  /** The page that the link leads to. */
  page: `/${string}`;
  /**
   * How long the link is valid, in milliseconds. A code's lifetime depends on its length
   * (`flows/verifications/verification-rules`).
   */
  linkLifetime: number;
  /** Whether it has a code as well as a link. */
  hasCode: boolean;
  /** The rate limit of its emails to one recipient (`core/rate-limits`); required with a code. */
  emailLimit?: string;
  /** What using it proves (`core/sessions/methods`). */
  shows: 'email' | 'setup_link';
  /**
   * Whether a new one ends the earlier ones. Not where strangers can request one: they could invalidate the owner's.
   */
  endsOlder: boolean;
  /**
   * Whether the link is derived from its id and a key, so it can be shown again while it is valid. Other links are not
   * stored.
   */
  canRepeatLink: boolean;
  /** Whether it ends when a backup of the database is restored. */
  endsWithRestoredDatabase: boolean;
}

/** A purpose that belongs to an account. */
interface OfAccount extends PurposeProperties {
  of: 'account';
  endedBy: Record<AccountChange, Effect>;
}

/** A purpose that belongs to no account yet, so no change to an account ends it. */
interface OfNobody extends PurposeProperties {
  of: 'nobody';
}

/** What the purposes have in common that send a code and a link by email. */
const EMAILED_CODE = {
  // As long as the windows that rate limit these emails: if a stranger has used up the window, the owner's mailbox has
  // a working link.
  linkLifetime: HOUR,
  hasCode: true,
  emailLimit: 'emails_per_recipient',
  shows: 'email',
  endsOlder: false,
  canRepeatLink: false,
  endsWithRestoredDatabase: true,
} as const;

export const purposes = {
  invitation: {
    description:
      'Sent to a person whom an administrator invites: creates the account, with a password of their own.',
    // The administrator's. What ends the access of a thief also ends the invitations that the thief has sent.
    of: 'account',
    page: '/invitation',
    linkLifetime: 7 * DAY,
    hasCode: false,
    shows: 'email',
    // An administrator invites many people.
    endsOlder: false,
    canRepeatLink: false,
    endsWithRestoredDatabase: true,
    endedBy: {
      sign_in: 'stays',
      password_change: 'ends',
      recovery: 'ends',
      sign_out_everywhere: 'ends',
      email_change: 'stays',
      disable: 'ends',
    },
  },
  setup: {
    description: 'Printed when the server starts: creates the first administrator.',
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
    description: 'Sent to a person who signs up where emails are verified first: creates the account.',
    of: 'nobody',
    page: '/verify',
    ...EMAILED_CODE,
  },
  verify_email: {
    description: 'Sent to the email of an account: verifies it.',
    of: 'account',
    page: '/verify',
    ...EMAILED_CODE,
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
    description: 'Sent to the new email of an account: makes the change.',
    of: 'account',
    page: '/verify',
    ...EMAILED_CODE,
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
    description: 'Sent to the email of an account whose password was forgotten: sets a new one.',
    of: 'account',
    page: '/reset-password',
    ...EMAILED_CODE,
    // A limit of its own: other emails that strangers request do not block account recovery.
    emailLimit: 'recovery_emails_per_recipient',
    endedBy: {
      // A signed-in user no longer needs it, and a link left in a mailbox could be stolen.
      sign_in: 'ends',
      password_change: 'ends',
      recovery: 'ends',
      sign_out_everywhere: 'stays',
      email_change: 'ends',
      disable: 'ends',
    },
  },
  restore_email: {
    description: 'Sent to the email that an account had before a change: undoes the change.',
    of: 'account',
    page: '/restore-email',
    linkLifetime: 7 * DAY,
    hasCode: false,
    shows: 'email',
    endsOlder: false,
    canRepeatLink: false,
    // Restoring a backup undoes the restoration of the email too, so the owner needs the link.
    endsWithRestoredDatabase: false,
    // Only using it ends the owner's link: a thief of the account could cause any of these changes (`restore-links`).
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

/** The purpose of an emailed code or link. It is rejected for any other purpose. */
export type Purpose = keyof Purposes;

/** The pages that links lead to. */
type LinkPage = Purposes[Purpose]['page'];

/** The purposes whose links lead to a page. */
export type PurposeAt<Page extends LinkPage> = {
  [P in Purpose]: Purposes[P]['page'] extends Page ? P : never;
}[Purpose];

/** The purposes with a code as well as a link. */
export type CodePurpose = { [P in Purpose]: Purposes[P]['hasCode'] extends true ? P : never }[Purpose];

/** The purposes whose link can be shown again. */
export type RepeatablePurpose = {
  [P in Purpose]: Purposes[P]['canRepeatLink'] extends true ? P : never;
}[Purpose];

/** A row of the table. */
export type PurposeRow = OfAccount | OfNobody;

const all = Object.keys(purposes) as Purpose[];

export const purposesAt = <const Page extends LinkPage>(page: Page): PurposeAt<Page>[] =>
  all.filter((purpose): purpose is PurposeAt<Page> => purposes[purpose].page === page);

/** The purposes on which a change to the account has this effect. */
export const affectedBy = (change: AccountChange, effect: Exclude<Effect, 'stays'>): Purpose[] =>
  all.filter((purpose) => {
    const row: PurposeRow = purposes[purpose];
    return row.of === 'account' && row.endedBy[change] === effect;
  });

/** The purposes that end when a backup of the database is restored. */
export const endedByRestoredDatabase = (): Purpose[] =>
  all.filter((purpose) => purposes[purpose].endsWithRestoredDatabase);
