import { HttpError } from '../errors.ts';

/** The content of an Authorization header, parsed but not verified. */
export type Authorization =
  | { scheme: 'bearer'; token: string }
  | { scheme: 'basic'; name: string; password: string };

/** The maximum length of credentials, in bytes. */
const longest = 4096;

/**
 * Parses an Authorization header (RFC 9110 section 11.6.2): a scheme in any letter case, one space, the credentials.
 *
 * @param header the header, or null when there is none.
 * @returns undefined when there is none. `name` and `password` may be empty.
 * @throws HttpError `invalid_credentials` for any malformed Basic header, `invalid_token` for every other header that
 * is not a well-formed Bearer; both before any work when the header is longer than 4,096 bytes.
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

/** RFC 7617 section 2. The username ends at the first colon; the password may contain more colons. */
function readBasic(credentials: string): Authorization {
  if (credentials.length > longest) throw new HttpError('invalid_credentials');
  const text = decodeBase64(credentials);
  const colon = text?.indexOf(':') ?? -1;
  // Section 2 forbids control characters; among them, NUL could terminate a string further downstream.
  if (text === undefined || colon === -1 || /\p{Cc}/u.test(text)) throw new HttpError('invalid_credentials');
  return { scheme: 'basic', name: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Decodes canonical base64 of valid UTF-8; undefined for anything else. */
function decodeBase64(encoded: string): string | undefined {
  const bytes = Buffer.from(encoded, 'base64');
  // Node skips characters that are not base64 and also accepts base64url; only canonical base64 round-trips.
  if (bytes.toString('base64') !== encoded) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
