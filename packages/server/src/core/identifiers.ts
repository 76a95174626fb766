import { domainToASCII } from 'node:url';

/** `code` is stable; `message` tells the user in one sentence what to change. */
export type IdentifierFault = { ok: false; code: string; message: string };

export type ParsedEmail = { ok: true; email: string; key: string } | IdentifierFault;
export type ParsedUsername = { ok: true; username: string; key: string } | IdentifierFault;

/** UTF-16 units. Longer input is rejected before any regular expression runs on it (attack D8). */
const mostTyped = 1024;

/** Octets in an email and in its local part (RFC 5321 section 4.5.3.1, with erratum 1690 of RFC 3696). */
const longestEmail = 254;
const longestLocalPart = 64;

/** Code points in a username. */
const longestUsername = 64;

/**
 * What an email must not contain, and what to do about it. The first match is reported (attacks W8, W21, W22, U4, U5).
 */
const strange: [RegExp, string][] = [
  [/\p{Cc}/u, 'Remove line breaks and control characters.'],
  [/\p{Z}/u, 'Remove spaces.'],
  [/[\p{C}\p{DI}]/u, 'Remove invisible characters.'],
  [/[＠﹫]/u, 'Use a plain @ sign.'],
  [/[,;]/u, 'Enter a single email address.'],
  [/[<>]/u, 'Enter only the address, without < or >.'],
  [/["()\\]/u, 'Remove quotes, parentheses and backslashes.'],
];

/** RFC 5322 section 3.2.3, `dot-atom-text` without the dots. */
const atom = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+$/;

/** RFC 1123 section 2.1: letters, digits, hyphens; 63 octets; no hyphen at the start or end. */
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Scripts whose letters can be confused with each other's. */
const alphabets = ['Latin', 'Cyrillic', 'Greek', 'Armenian', 'Cherokee', 'Coptic'].map(
  (script) => new RegExp(`\\p{Script=${script}}`, 'u'),
);

/**
 * Parses an email that Usher sends messages to. Accepts only the plain form of RFC 5321: an ASCII dot-atom, and a
 * domain of at least two labels; an internationalized domain is converted to ASCII (UTS 46). ASCII is lowercased.
 *
 * `email` is what is stored, compared and sent to, never the text as typed (attack W9); `key` is the same.
 */
export function parseEmail(text: string): ParsedEmail {
  if (text.length > mostTyped)
    return emailFault(`Use ${longestEmail} characters or fewer.`, 'email_too_long');
  const typed = withoutEnds(text);
  if (typed === '') return emailFault('Enter an email address.', 'email_missing');
  const found = strange.find(([pattern]) => pattern.test(typed));
  if (found) return emailFault(found[1]);
  const [local = '', written, ...more] = typed
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    .split('@');
  if (written === undefined) return emailFault('Enter a valid email, like name@example.com.');
  if (more.length > 0) return emailFault('Enter a valid email with one @, like name@example.com.');
  if (written === '') return emailFault('Add a domain after the @, like example.com.');
  const domain = asciiDomain(written);
  const wrong = faultOfLocalPart(local) ?? faultOfDomain(domain);
  if (wrong) return emailFault(wrong);
  const email = `${local}@${domain}`;
  if (local.length > longestLocalPart || email.length > longestEmail) {
    return emailFault(
      `Use at most ${longestEmail} characters, with no more than ${longestLocalPart} before the @.`,
      'email_too_long',
    );
  }
  return { ok: true, email, key: email };
}

/**
 * Parses a username: letters of any script, digits, `._-'` and single spaces between them. `username` keeps its case;
 * `key` must be unique (attacks U1, U2): `parseUsername(key).key === key`.
 */
export function parseUsername(text: string): ParsedUsername {
  if (text.length > mostTyped)
    return usernameFault(`Use ${longestUsername} characters or fewer.`, 'username_too_long');
  const username = withoutEnds(text).normalize('NFC');
  if (username === '') return usernameFault('Enter a username.', 'username_missing');
  // Checked again below, because NFKC can introduce characters: `⑴` becomes `(1)`.
  const key = username.normalize('NFKC').toLowerCase().normalize('NFKC');
  const wrong = faultOfUsername(username) ?? faultOfUsername(key);
  if (wrong) return usernameFault(wrong);
  if ([...username].length > longestUsername || [...key].length > longestUsername) {
    return usernameFault(`Use ${longestUsername} characters or fewer.`, 'username_too_long');
  }
  return { ok: true, username, key };
}

/**
 * Whether a username mixes scripts with look-alike letters (UTS 39 section 5.1), as in `аdmin` with a Cyrillic а. It is
 * a different username; use this to mark it where people see it.
 */
export function mixedScripts(text: string): boolean {
  return alphabets.filter((alphabet) => alphabet.test(text)).length > 1;
}

/** Whether an identifier given at sign-in is an email: no username contains an `@`. */
export function looksLikeEmail(text: string): boolean {
  return text.includes('@');
}

/** Trims ASCII whitespace, as browsers do for `<input type=email>` (HTML, section 4.10.5.1.5). */
function withoutEnds(text: string): string {
  return text.replace(/^[\t\n\f\r ]+/, '').replace(/[\t\n\f\r ]+$/, '');
}

/** The domain in ASCII; empty if it is invalid. */
function asciiDomain(domain: string): string {
  // Only letters and digits are converted: the URL parser might read other characters as a port, a path or a `%`.
  return /^[\p{L}\p{M}\p{N}.-]+$/u.test(domain) ? domainToASCII(domain) : '';
}

function faultOfLocalPart(local: string): string | undefined {
  if (local === '') return 'Add a name before the @.';
  if (/[^\x20-\x7e]/.test(local)) return 'Use only a–z, 0–9 and . _ + - before the @.';
  const atoms = local.split('.');
  if (atoms.includes('')) return 'Check the dots before the @.';
  return atoms.every((part) => atom.test(part)) ? undefined : 'Remove unsupported characters before the @.';
}

function faultOfDomain(domain: string): string | undefined {
  const labels = domain.split('.');
  if (domain === '') return 'Check the domain after the @.';
  if (labels.includes('')) return 'Check the dots in the domain.';
  if (labels.length < 2) return 'Enter a complete domain, like example.com.';
  // RFC 3696 section 2: the last label of a domain is not all digits, so no IP address passes as a domain.
  if (/^\d+$/.test(labels.at(-1) ?? '')) return 'Enter a domain, like example.com, instead of an IP address.';
  return labels.every((part) => label.test(part)) ? undefined : 'Check the domain after the @.';
}

function faultOfUsername(name: string): string | undefined {
  if (name.includes('@')) return 'Usernames can’t contain @.';
  if (/[\p{C}\p{DI}]/u.test(name)) return 'Remove invisible characters.';
  if (/^ | {2}| $/.test(name)) return 'Use only single spaces, between other characters.';
  if (/^\p{M}/u.test(name)) return 'Start with a letter or number.';
  return /^[\p{L}\p{M}\p{N} ._'-]+$/u.test(name)
    ? undefined
    : "Use only letters, numbers, spaces and . _ - '";
}

function emailFault(message: string, code = 'email_invalid'): IdentifierFault {
  return { ok: false, code, message };
}

function usernameFault(message: string, code = 'username_invalid'): IdentifierFault {
  return { ok: false, code, message };
}
