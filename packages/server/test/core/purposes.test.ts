import { describe, expect, it } from 'vitest';
import { rateLimits } from '../../src/core/rate-limits.ts';
import { insertUser } from '../../src/core/users.ts';
import { type AccountChange, type Purpose, purposes } from '../../src/core/verifications/purposes.ts';
import {
  createVerification,
  endEveryVerification,
  endVerificationsOf,
} from '../../src/core/verifications.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { deriveKeys } from '../../src/platform/secrets.ts';
import { newIdentifiers } from '../support/app.ts';
import { databases } from '../support/postgres.ts';
import { withDatabase, withStarted } from '../support/with-app.ts';

const all = Object.keys(purposes) as Purpose[];
const NOW = 1_750_000_000_000;

it('an emailed link works as long as the windows that count its emails, so one is in the mailbox that works', () => {
  const windows = Math.max(
    rateLimits.recovery_emails_per_recipient.length,
    rateLimits.emails_per_recipient.length,
  );
  const emailed = all.filter((purpose) => purposes[purpose].hasCode);
  expect(emailed).not.toEqual([]);
  for (const purpose of emailed)
    expect(purposes[purpose].linkLifetime, purpose).toBeGreaterThanOrEqual(windows);
});

describe.each(databases)('what ends a verification on $name', ({ create }) => {
  const keys = deriveKeys('a secret of thirty-two characters!!');
  const database = withDatabase(create);
  const opened = withStarted(
    () => openDatabase(database.url),
    (it) => it.close(),
  );

  /** An account with one open verification for each purpose, and a second link that takes a change of email back. */
  async function begun() {
    const { db } = opened;
    const { username, email } = newIdentifiers();
    const names = { username, usernameKey: username, email, emailKey: email };
    return db.transaction().execute(async (tx) => {
      const made = await insertUser(tx, { ...names, passwordHash: '!', role: 'user' }, NOW);
      if ('taken' in made) throw new Error(made.taken.join());
      const { id } = made.user;
      for (const [index, purpose] of [...all, 'restore_email' as const].entries()) {
        const userId = purposes[purpose].of === 'account' ? id : undefined;
        const subject = { purpose, userId, email: `${index}.${email}`, emailVersion: index };
        await createVerification(tx, keys, subject, { digits: 6 }, NOW);
      }
      return id;
    });
  }
  async function endedOf(userId: string): Promise<string[]> {
    const rows = await opened.db
      .selectFrom('verifications')
      .select('purpose')
      .where('user_id', '=', userId)
      .where('ended_at', 'is not', null)
      .execute();
    return rows.map(({ purpose }) => purpose).sort();
  }

  // Written out, not derived: what SECURITY.md promises of each.
  const ends: [change: AccountChange, ended: string[]][] = [
    ['sign_in', ['reset_password']],
    ['password_change', ['change_email', 'invitation', 'reset_password', 'restore_email']],
    ['recovery', ['change_email', 'invitation', 'reset_password', 'restore_email', 'verify_email']],
    ['sign_out_everywhere', ['change_email', 'invitation', 'restore_email']],
    ['email_change', ['change_email', 'reset_password', 'verify_email']],
    ['disable', ['change_email', 'invitation', 'reset_password']],
  ];

  it.each(ends)(
    '%s ends %j of the account, of the way back all but the oldest, and nobody else’s',
    async (change, ended) => {
      const [userId, other] = [await begun(), await begun()];
      await opened.db.transaction().execute((tx) => endVerificationsOf(tx, userId, change, NOW));
      expect(await endedOf(userId)).toEqual(ended);
      expect(await endedOf(other)).toEqual([]);
    },
  );

  it('an older copy of the database ends all but the way back, the set-up link too', async () => {
    await begun();
    await opened.db.transaction().execute((tx) => endEveryVerification(tx, NOW));
    const open = await opened.db
      .selectFrom('verifications')
      .select('purpose')
      .where('ended_at', 'is', null)
      .execute();
    expect(new Set(open.map(({ purpose }) => purpose))).toEqual(new Set(['restore_email']));
  });

  it('a new set-up link ends the one before it, and no other purpose does', async () => {
    await begun();
    const before = await opened.db
      .selectFrom('verifications')
      .selectAll()
      .where('ended_at', 'is', null)
      .execute();
    await begun();
    const still = await opened.db
      .selectFrom('verifications')
      .selectAll()
      .where('ended_at', 'is', null)
      .where(
        'id',
        'in',
        before.map(({ id }) => id),
      )
      .execute();
    const gone = before.filter(({ id }) => !still.some((row) => row.id === id));
    expect(gone.map(({ purpose }) => purpose)).toEqual(['setup']);
  });

  it('a link that has no code fits none', async () => {
    const rows = await opened.db.selectFrom('verifications').select(['purpose', 'code_mac']).execute();
    for (const { purpose, code_mac } of rows)
      expect([purpose, code_mac === '']).toEqual([purpose, !purposes[purpose as Purpose].hasCode]);
  });
});
