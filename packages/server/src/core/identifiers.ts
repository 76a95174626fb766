import { domainToASCII } from 'node:url';
import { type Text, text } from '../languages/text.ts';

/** `code` is stable; `message` tells the user in one sentence what to change. */
export type IdentifierFault = { ok: false; code: string; message: Text };

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
const strange: [RegExp, Text][] = [
  [/\p{Cc}/u, text('email.control')],
  [/\p{Z}/u, text('email.spaces')],
  [/[\p{C}\p{DI}]/u, text('email.invisible')],
  [/[＠﹫]/u, text('email.at_sign')],
  [/[,;]/u, text('email.single')],
  [/[<>]/u, text('email.brackets')],
  [/["()\\]/u, text('email.quotes')],
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
export function parseEmail(input: string): ParsedEmail {
  if (input.length > mostTyped)
    return emailFault(text('text.too_long', { limit: longestEmail }), 'email_too_long');
  const typed = withoutEnds(input);
  if (typed === '') return emailFault(text('email.missing'), 'email_missing');
  const found = strange.find(([pattern]) => pattern.test(typed));
  if (found) return emailFault(found[1]);
  const [local = '', written, ...more] = typed
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    .split('@');
  if (written === undefined) return emailFault(text('email.invalid'));
  if (more.length > 0) return emailFault(text('email.two_at_signs'));
  if (written === '') return emailFault(text('email.no_domain'));
  const domain = asciiDomain(written);
  const wrong = faultOfLocalPart(local) ?? faultOfDomain(domain);
  if (wrong) return emailFault(wrong);
  const email = `${local}@${domain}`;
  if (local.length > longestLocalPart || email.length > longestEmail) {
    return emailFault(
      text('email.too_long', { limit: longestEmail, local: longestLocalPart }),
      'email_too_long',
    );
  }
  return { ok: true, email, key: email };
}

/**
 * Parses a username: letters of any script, digits, `._-'` and single spaces between them. `username` keeps its case;
 * `key` must be unique (attacks U1, U2): `parseUsername(key).key === key`.
 */
export function parseUsername(input: string): ParsedUsername {
  if (input.length > mostTyped)
    return usernameFault(text('text.too_long', { limit: longestUsername }), 'username_too_long');
  const username = withoutEnds(input).normalize('NFC');
  if (username === '') return usernameFault(text('username.missing'), 'username_missing');
  // Checked again below, because NFKC can introduce characters: `⑴` becomes `(1)`.
  const key = username.normalize('NFKC').toLowerCase().normalize('NFKC');
  const wrong = faultOfUsername(username) ?? faultOfUsername(key);
  if (wrong) return usernameFault(wrong);
  if ([...username].length > longestUsername || [...key].length > longestUsername) {
    return usernameFault(text('text.too_long', { limit: longestUsername }), 'username_too_long');
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
function withoutEnds(typed: string): string {
  return typed.replace(/^[\t\n\f\r ]+/, '').replace(/[\t\n\f\r ]+$/, '');
}

/** The domain in ASCII; empty if it is invalid. */
function asciiDomain(domain: string): string {
  // Only letters and digits are converted: the URL parser might read other characters as a port, a path or a `%`.
  return /^[\p{L}\p{M}\p{N}.-]+$/u.test(domain) ? domainToASCII(domain) : '';
}

function faultOfLocalPart(local: string): Text | undefined {
  if (local === '') return text('email.no_name');
  if (/[^\x20-\x7e]/.test(local)) return text('email.name_ascii');
  const atoms = local.split('.');
  if (atoms.includes('')) return text('email.name_dots');
  return atoms.every((part) => atom.test(part)) ? undefined : text('email.name_characters');
}

function faultOfDomain(domain: string): Text | undefined {
  const labels = domain.split('.');
  if (domain === '') return text('email.domain');
  if (labels.includes('')) return text('email.domain_dots');
  if (labels.length < 2) return text('email.domain_incomplete');
  // RFC 3696 section 2: the last label of a domain is not all digits, so no IP address passes as a domain.
  if (/^\d+$/.test(labels.at(-1) ?? '')) return text('email.domain_ip');
  return labels.every((part) => label.test(part)) ? undefined : text('email.domain');
}

function faultOfUsername(name: string): Text | undefined {
  if (name.includes('@')) return text('username.at_sign');
  if (/[\p{C}\p{DI}]/u.test(name)) return text('username.invisible');
  if (/^ | {2}| $/.test(name)) return text('username.spaces');
  if (/^\p{M}/u.test(name)) return text('username.start');
  return /^[\p{L}\p{M}\p{N} ._'-]+$/u.test(name) ? undefined : text('username.characters');
}

function emailFault(message: Text, code = 'email_invalid'): IdentifierFault {
  return { ok: false, code, message };
}

function usernameFault(message: Text, code = 'username_invalid'): IdentifierFault {
  return { ok: false, code, message };
}
