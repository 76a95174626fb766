import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError } from '../config.ts';

/**
 * The keys derived from the installation's secret, one per purpose, so that a value made for one purpose is never valid
 * for another (RFC 5869; the label is HKDF's `info`).
 */
export interface Keys {
  /** HMAC-SHA-256 for cookie tokens. */
  cookie: KeyObject;
  /** HMAC-SHA-256 for refresh tokens. */
  refresh: KeyObject;
  /** AES-256-GCM for the private signing keys in the database. */
  wrap: KeyObject;
  /** HMAC-SHA-256 for emailed codes, and for their recipients. */
  verifications: KeyObject;
  /** AES-256-GCM for pending changes, until their email is verified. */
  pendingChanges: KeyObject;
  /** HMAC-SHA-256 for device tokens. */
  device: KeyObject;
  /** HMAC-SHA-256 for the tokens in forms. */
  form: KeyObject;
  /** AES-256-GCM for the emails in the database. */
  emails: KeyObject;
  /** HMAC-SHA-256 for the cookies that open the mailbox page. */
  mailbox: KeyObject;
  /** HMAC-SHA-256 for deriving a link's secret from its id. */
  links: KeyObject;
  /** HMAC-SHA-256 for the subjects of rate limits. */
  rateLimits: KeyObject;
  /** HMAC-SHA-256 for the constant that shows whether the secret belongs to a database. */
  check: KeyObject;
}

/** @param secret The installation's secret, 32 bytes or more. */
export function deriveKeys(secret: string): Keys {
  const derive = (purpose: string): KeyObject =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, 'usher', `usher/${purpose}/1`, 32)));
  return {
    cookie: derive('cookie-token'),
    refresh: derive('refresh-token'),
    wrap: derive('signing-key-wrap'),
    verifications: derive('verifications'),
    pendingChanges: derive('pending-changes'),
    device: derive('device-token'),
    form: derive('form-token'),
    emails: derive('emails'),
    mailbox: derive('mailbox-cookie'),
    links: derive('links'),
    rateLimits: derive('rate-limits'),
    check: derive('secret-check'),
  };
}

/** HMAC-SHA-256 as base64url, 43 characters. */
export function mac(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/**
 * Encrypts a text for the database: AES-256-GCM with a random 96-bit nonce.
 *
 * @param place Where it is stored, such as `keys/ID`. It is authenticated, so rows cannot be swapped.
 */
export function seal(key: KeyObject, place: string, text: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place));
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString(
    'base64url',
  );
}

/**
 * Decrypts what was sealed for this place. @throws Error if it was sealed for another place or key, or was modified.
 */
export function unseal(key: KeyObject, place: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
    .setAAD(Buffer.from(place))
    .setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString();
}

/** Whether two texts are equal, in constant time. */
export function equalSecrets(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * The secret of an installation that was not given one: the file `usher.key` next to its database, created at the first
 * start (mode 0600).
 *
 * @throws ConfigError if other users can read the file, or if it is missing although the database exists: a new secret
 * would make everything in that database useless.
 */
export function secretBeside(databaseFile: string): string {
  const path = join(dirname(databaseFile), 'usher.key');
  if (existsSync(path)) return readKeyFile(path);
  // Checked again, because another process starting now creates the key first and the database after it.
  if (existsSync(databaseFile) && statSync(databaseFile).size > 0 && !existsSync(path))
    throw new ConfigError(
      `${path} is missing, but the database ${databaseFile} needs it. Restore it, or set USHER_SECRET to its content.`,
    );
  // Written to a temporary file and linked, so that two processes starting at once read the same complete file.
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(aside, `${randomBytes(48).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside);
  }
  return readKeyFile(path);
}

function readKeyFile(path: string): string {
  if (statSync(path).mode & 0o077)
    throw new ConfigError(`${path} is readable by other users. Restrict it with: chmod 600 ${path}`);
  const text = readFileSync(path, 'utf8').trim();
  if (Buffer.byteLength(text) < 32)
    throw new ConfigError(`${path} isn’t a valid Usher key (fewer than 32 bytes). Restore the original.`);
  return text;
}
