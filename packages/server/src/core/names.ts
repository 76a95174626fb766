import { domainToASCII } from 'node:url';

/** `code` is stable; `message` says in one sentence for the person what is wrong. */
export type NameFault = { ok: false; code: string; message: string };

export type ParsedEmail = { ok: true; email: string; key: string } | NameFault;
export type ParsedUsername = { ok: true; username: string; key: string } | NameFault;

/** UTF-16 units. Longer input is refused before any pattern reads it (attack D8). */
const mostTyped = 1024;

/** Octets of an address and of its local part (RFC 5321 section 4.5.3.1, with the erratum 1690 to RFC 3696). */
const longestEmail = 254;
const longestLocalPart = 64;

/** Code points of a username. */
const longestUsername = 64;

/** What has no place in an address, and its name. The first that is found is named (attacks W8, W21, W22, U4, U5). */
const strange: [RegExp, string][] = [
  [/\p{Cc}/u, 'a line end or another control character'],
  [/\p{Z}/u, 'a space'],
  [/[\p{C}\p{DI}]/u, 'a character that cannot be seen'],
  [/[＠﹫]/u, 'a sign that only looks like @'],
  [/[,;]/u, 'a comma or a semicolon, but must be one address'],
  [/[<>]/u, '< or >, but must be the address alone'],
  [/["()\\]/u, 'a quotation mark, a bracket or a backslash'],
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
 * Reads an address that mail will be sent to. Of RFC 5321 it takes the plain form alone: a dot-atom in ASCII, and a
 * domain of two labels or more, where an international one becomes its ASCII form (UTS 46). ASCII is lower-cased.
 *
 * `email` is what is stored, compared and mailed to, and never again what was typed (attack W9); `key` is the same.
 */
export function parseEmail(text: string): ParsedEmail {
  if (text.length > mostTyped) return emailFault('is too long', 'email_too_long');
  const typed = withoutEnds(text);
  if (typed === '') return emailFault('is missing', 'email_missing');
  const found = strange.find(([pattern]) => pattern.test(typed));
  if (found) return emailFault(`contains ${found[1]}`);
  const [local = '', written, ...more] = typed
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    .split('@');
  if (written === undefined) return emailFault('needs an @');
  if (more.length > 0) return emailFault('contains more than one @');
  if (written === '') return emailFault('needs a domain after the @');
  const domain = asciiDomain(written);
  const wrong = faultOfLocalPart(local) ?? faultOfDomain(domain);
  if (wrong) return emailFault(wrong);
  const email = `${local}@${domain}`;
  if (local.length > longestLocalPart || email.length > longestEmail) {
    return emailFault(
      `can have ${longestEmail} characters, ${longestLocalPart} of them before the @`,
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
    return usernameFault(`can have at most ${longestUsername} characters`, 'username_too_long');
  const username = withoutEnds(text).normalize('NFC');
  if (username === '') return usernameFault('is missing', 'username_missing');
  // Looked at again below, for NFKC can bring in what the name had not: `⑴` becomes `(1)`.
  const key = username.normalize('NFKC').toLowerCase().normalize('NFKC');
  const wrong = faultOfUsername(username) ?? faultOfUsername(key);
  if (wrong) return usernameFault(wrong);
  if ([...username].length > longestUsername || [...key].length > longestUsername) {
    return usernameFault(`can have at most ${longestUsername} characters`, 'username_too_long');
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
  if (local === '') return 'needs something before the @';
  if (/[^\x20-\x7e]/.test(local))
    return 'can have only plain letters (a to z), digits and signs before the @';
  const atoms = local.split('.');
  if (atoms.includes('')) return 'has a dot at an end of the part before the @, or two dots together';
  return atoms.every((part) => atom.test(part))
    ? undefined
    : 'contains a sign before the @ that cannot be there';
}

function faultOfDomain(domain: string): string | undefined {
  const labels = domain.split('.');
  if (domain === '') return 'has a domain that cannot exist';
  if (labels.includes('')) return 'has a dot at an end of its domain, or two dots together';
  if (labels.length < 2) return 'needs a whole domain after the @, like example.com';
  // RFC 3696 section 2: the last label of a name is not all digits; so no IP address passes for a domain.
  if (/^\d+$/.test(labels.at(-1) ?? '')) return 'needs a domain after the @, not a number';
  return labels.every((part) => label.test(part)) ? undefined : 'has a domain that cannot exist';
}

function faultOfUsername(name: string): string | undefined {
  if (name.includes('@')) return 'cannot contain an @, or it would be taken for an e-mail address';
  if (/[\p{C}\p{DI}]/u.test(name)) return 'contains a character that cannot be seen';
  if (/^ | {2}| $/.test(name)) return 'can have single spaces only, between other characters';
  if (/^\p{M}/u.test(name)) return 'cannot begin with an accent that has no letter';
  return /^[\p{L}\p{M}\p{N} ._'-]+$/u.test(name)
    ? undefined
    : "can have only letters, digits, spaces and . _ - '";
}

function emailFault(what: string, code = 'email_invalid'): NameFault {
  return { ok: false, code, message: `The e-mail address ${what}.` };
}

function usernameFault(what: string, code = 'username_invalid'): NameFault {
  return { ok: false, code, message: `The username ${what}.` };
}
