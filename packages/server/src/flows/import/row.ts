import { createHash } from 'node:crypto';
import { parseEmail, parseUsername } from '../../core/identifiers.ts';
import { type FirebaseParameters, firebaseHash, readImportedHash } from '../../core/passwords/imported.ts';
import { parseDisplayName } from '../../core/users/display-name.ts';
import type { ImportedUser } from '../../core/users/imported.ts';
import { english } from '../../languages/translator.ts';
import { parseLocale } from '../accounts/locale.ts';
import { parseTimeZone } from '../accounts/profile.ts';
import type { Cells, Field, FindColumns } from './columns.ts';

export interface RowRules {
  columns: FindColumns;
  /** Whether rows may be administrators. */
  admins: boolean;
  /** Whether a row whose hash cannot be imported becomes a user without a password. */
  resetRejected: boolean;
  firebase?: FirebaseParameters | undefined;
}

/** A user that a row describes. */
export interface Candidate extends ImportedUser {
  family: string;
  /** The id in the source, unchanged; empty if there is none. */
  sourceId: string;
  /** The username to use if the first is taken; only where the source has none. */
  otherUsername: string | undefined;
}

export type ReadRow = ({ ok: true } & Candidate) | { ok: false; email: string; reasons: string[] };

/** Reads a row and reports everything that is wrong with it; the messages contain no password and no hash. */
export function readRow(cells: Cells, rules: RowRules, now: number): ReadRow {
  const columns = rules.columns(cells);
  const cell = (field: Field): string => cells.get(columns[field] ?? '')?.trim() ?? '';
  const reasons: string[] = [];
  const moment = (field: Field): number | null => {
    const read = readMoment(cell(field), now);
    if (read !== undefined) return read;
    reasons.push(`${columns[field]}: expected a time, yes or no.`);
    return null;
  };

  const email = parseEmail(cell('email'));
  if (!email.ok) reasons.push(`email: ${english(email.message)}`);
  const names = email.ok ? readUsername(cell('username'), email.key) : undefined;
  if (names && !names.ok) reasons.push(`username: ${names.message}`);
  const display = parseDisplayName(cell('displayName'));
  if (!display.ok) reasons.push(`display name: ${english(display.message)}`);
  const password = readPassword(cell('password'), cell('salt'), rules);
  if (!password.ok) reasons.push(`password: ${password.message}`);
  const isAdmin = readRole(cell('role'));
  if (isAdmin === undefined) reasons.push('role: expected user or admin.');
  if (isAdmin && !rules.admins) reasons.push('This row is an administrator. Use --admins to import it.');
  const locale = parseLocale(cell('locale'));
  if (!locale.ok) reasons.push(`locale: ${english(locale.message)}`);
  const timeZone = parseTimeZone(cell('timeZone'));
  if (!timeZone.ok) reasons.push(`time zone: ${english(timeZone.message)}`);
  const isInactive = cell('active') !== '' && moment('active') === null;
  const disabledAt = moment('disabled') ?? (isInactive ? now : null);
  const kept = {
    email_verified_at: moment('verified'),
    password_changed_at: moment('passwordChanged') ?? now,
    last_sign_in_at: moment('signedIn'),
    created_at: moment('created') ?? now,
    locale: locale.ok ? locale.change.locale : null,
    time_zone: timeZone.ok ? timeZone.change.time_zone : null,
  };
  if (reasons.length > 0 || !email.ok || !names?.ok || !display.ok || !password.ok || !locale.ok)
    return { ok: false, email: email.ok ? email.email : '', reasons };
  return {
    ok: true,
    id: readId(cell('id')),
    sourceId: cell('id'),
    username: names.username,
    usernameKey: names.key,
    otherUsername: names.other,
    email: email.email,
    emailKey: email.key,
    passwordHash: password.hash,
    family: password.family,
    adminSince: isAdmin ? now : null,
    disabledAt,
    displayName: display.displayName,
    displayNameKey: display.key,
    kept,
  };
}

function readPassword(hash: string, salt: string, { firebase, resetRejected }: RowRules) {
  const whole = firebase && hash !== '' && !hash.startsWith('$') ? firebaseHash(firebase, hash, salt) : hash;
  const read = readImportedHash(whole);
  return read.ok || !resetRejected ? read : readImportedHash('');
}

/** A user without a username gets the local part of the email, as in sources that identify users by email. */
function readUsername(
  given: string,
  emailKey: string,
): { ok: true; username: string; key: string; other: string | undefined } | { ok: false; message: string } {
  const asEmail = given.includes('@') ? parseEmail(given) : undefined;
  if (given !== '' && !(asEmail?.ok && asEmail.key === emailKey)) {
    const parsed = parseUsername(given);
    return parsed.ok ? { ...parsed, other: undefined } : { ok: false, message: english(parsed.message) };
  }
  const local = emailKey.slice(0, emailKey.indexOf('@')).replace(/[^a-z0-9._-]+/g, '.');
  const parsed = parseUsername(local);
  const base = parsed.ok ? parsed.key : 'user';
  // Derived from the email, so that a second run gives the same result.
  const tail = createHash('sha256').update(emailKey).digest('hex').slice(0, 8);
  return { ok: true, username: base, key: base, other: `${base.slice(0, 50)}-${tail}` };
}

/** Keeps only UUIDs, as Usher's own ids are: any other id belongs to the source. */
function readId(text: string): string | undefined {
  const id = text.toLowerCase();
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? id : undefined;
}

const yes = /^(?:true|t|yes|y|1)$/i;
const no = /^(?:false|f|no|n|0|null|none)?$/i;

/** @returns Whether the role is administrator; undefined for an unknown role. */
function readRole(text: string): boolean | undefined {
  if (yes.test(text) || /^admin(?:istrator)?$/i.test(text)) return true;
  return no.test(text) || /^(?:user|member)$/i.test(text) ? false : undefined;
}

const iso = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))? ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/i;

/**
 * Reads a time, in milliseconds since 1970; null for never; undefined for invalid text. Accepts ISO 8601 (UTC if it
 * names no zone), seconds or milliseconds since 1970, and yes or no, which mean now or never.
 */
export function readMoment(text: string, now: number): number | null | undefined {
  if (no.test(text)) return null;
  if (yes.test(text)) return now;
  const [, date, time = '00:00', zone = 'Z'] = iso.exec(text) ?? [];
  const moment = /^\d{9,13}$/.test(text)
    ? Number(text) * (text.length < 12 ? 1000 : 1)
    : Date.parse(`${date}T${time}${zoneOf(zone)}`);
  return Number.isNaN(moment) ? undefined : Math.min(moment, now);
}

function zoneOf(zone: string): string {
  if (/^(?:Z|UTC)$/i.test(zone)) return 'Z';
  const digits = zone.replace(':', '').padEnd(5, '0');
  return `${digits.slice(0, 3)}:${digits.slice(3)}`;
}
