import { HttpError } from '../errors.ts';

/** What an Authorization header says; none of it is believed yet. */
export type Authorization =
  | { scheme: 'bearer'; token: string }
  | { scheme: 'basic'; name: string; password: string };

/** The longest credentials that are looked at, in bytes. */
const longest = 4096;

/**
 * Reads an Authorization header (RFC 9110 section 11.6.2): a scheme in any letter case, one space, the credentials.
 *
 * @param header the header, or null when there is none.
 * @returns undefined when there is none. `name` and `password` may be empty.
 * @throws HttpError `invalid_credentials` for a Basic header that is malformed in any way, `invalid_token` for every
 *   other header that is not a well-formed Bearer; both before any work when it is longer than 4,096 bytes.
 */
export function readAuthorization(header: string | null): Authorization | undefined {
  if (header === null) return undefined;
  const space = header.indexOf(' ');
  const credentials = header.slice(space + 1);
  switch (header.slice(0, Math.max(space, 0)).toLowerCase()) {
    case 'bearer':
      return readBearer(credentials);
    case 'basic':
      return readBasic(credentials);
    default:
      throw new HttpError('invalid_token');
  }
}

// b64token of RFC 6750 section 2.1. It has no space, tab, comma or percent sign.
const b64token = /^[\w\-.~+/]+=*$/;

function readBearer(token: string): Authorization {
  if (token.length > longest || !b64token.test(token)) throw new HttpError('invalid_token');
  return { scheme: 'bearer', token };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** RFC 7617 section 2. The name ends at the first colon; the password may hold more of them. */
function readBasic(credentials: string): Authorization {
  if (credentials.length > longest) throw new HttpError('invalid_credentials');
  const text = decodeBase64(credentials);
  const colon = text?.indexOf(':') ?? -1;
  // Section 2 bans control characters; NUL among them could end a string somewhere further on.
  if (text === undefined || colon === -1 || /\p{Cc}/u.test(text)) throw new HttpError('invalid_credentials');
  return { scheme: 'basic', name: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** The text in canonical base64 of valid UTF-8, or undefined. */
function decodeBase64(encoded: string): string | undefined {
  const bytes = Buffer.from(encoded, 'base64');
  // Node skips what is not base64 and takes base64url too; only the one canonical spelling comes back the same.
  if (bytes.toString('base64') !== encoded) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
