import { domainToASCII } from 'node:url';

/** `code` is stable; `message` says in one sentence for the person what to change. */
export type IdentifierFault = { ok: false; code: string; message: string };

export type ParsedEmail = { ok: true; email: string; key: string } | IdentifierFault;
export type ParsedUsername = { ok: true; username: string; key: string } | IdentifierFault;

/** UTF-16 units. Longer input is refused before any pattern reads it (attack D8). */
const mostTyped = 1024;

/** Octets of an address and of its local part (RFC 5321 section 4.5.3.1, with the erratum 1690 to RFC 3696). */
const longestEmail = 254;
const longestLocalPart = 64;

/** Code points of a username. */
const longestUsername = 64;

/** What an email cannot contain, and what to do about it. The first that is found is named (attacks W8, W21, W22, U4, U5). */
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

/** RFC 1123 section 2.1: letters, digits, hyphens; 63 octets; a hyphen neither first nor last. */
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The alphabets whose letters are taken for each other's. */
const alphabets = ['Latin', 'Cyrillic', 'Greek', 'Armenian', 'Cherokee', 'Coptic'].map(
  (script) => new RegExp(`\\p{Script=${script}}`, 'u'),
);

/**
 * Reads an address that email will be sent to. Of RFC 5321 it takes the plain form alone: a dot-atom in ASCII, and a
 * domain of two labels or more, where an international one becomes its ASCII form (UTS 46). ASCII is lower-cased.
 *
 * `email` is what is stored, compared and mailed to, and never again what was typed (attack W9); `key` is the same.
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
 * Reads the name that a user goes by: letters of any script, digits, `._-'` and single spaces between them.
 * `username` keeps the case; `key` is what must be unique (attacks U1, U2): `parseUsername(key).key === key`.
 */
export function parseUsername(text: string): ParsedUsername {
  if (text.length > mostTyped)
    return usernameFault(`Use ${longestUsername} characters or fewer.`, 'username_too_long');
  const username = withoutEnds(text).normalize('NFC');
  if (username === '') return usernameFault('Enter a username.', 'username_missing');
  // Looked at again below, for NFKC can bring in what the name had not: `⑴` becomes `(1)`.
  const key = username.normalize('NFKC').toLowerCase().normalize('NFKC');
  const wrong = faultOfUsername(username) ?? faultOfUsername(key);
  if (wrong) return usernameFault(wrong);
  if ([...username].length > longestUsername || [...key].length > longestUsername) {
    return usernameFault(`Use ${longestUsername} characters or fewer.`, 'username_too_long');
  }
  return { ok: true, username, key };
}

/**
 * Whether letters of two alphabets stand together whose letters look alike (UTS 39 section 5.1), as in `аdmin` with a
 * Cyrillic а. Such a name is another name; this is for marking it where people read it.
 */
export function mixedScripts(text: string): boolean {
  return alphabets.filter((alphabet) => alphabet.test(text)).length > 1;
}

/** Whether a name given at sign-in is an address: no username contains an `@`. */
export function looksLikeEmail(text: string): boolean {
  return text.includes('@');
}

/** Without ASCII white space at the ends, as browsers send `<input type=email>` (HTML, section 4.10.5.1.5). */
function withoutEnds(text: string): string {
  return text.replace(/^[\t\n\f\r ]+/, '').replace(/[\t\n\f\r ]+$/, '');
}

/** The domain in ASCII, or nothing where there cannot be such a domain. */
function asciiDomain(domain: string): string {
  // Only letters and digits are converted: in any other character the URL parser might see a port, a path or a `%`.
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
  // RFC 3696 section 2: the last label of a name is not all digits; so no IP address passes for a domain.
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
