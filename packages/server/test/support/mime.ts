/** An email of the two parts that Usher's have. */
export interface ParsedEmail {
  /** By names in lower case; unfolded and decoded. */
  headers: Record<string, string>;
  subject: string;
  text: string;
  html: string;
  /** As it came. */
  raw: string;
}

/** Reads a multipart/alternative email (RFC 5322, 2045 to 2047), as far as ours go. */
export function parseEmail(raw: string): ParsedEmail {
  const { headers, body } = split(raw);
  const [, boundary] = /boundary="([^"]+)"/.exec(headers['content-type'] ?? '') ?? [];
  if (!boundary) throw new Error(`This is no multipart mail:\n${raw}`);
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => split(part.replace(/^\r\n/, '')));
  const partOf = (type: string) => {
    const found = parts.find((part) => part.headers['content-type']?.startsWith(type));
    if (!found) throw new Error(`This mail has no ${type}:\n${raw}`);
    return decode(found.body, found.headers['content-transfer-encoding'] ?? '').replaceAll('\r\n', '\n');
  };
  return {
    headers,
    subject: headers.subject ?? '',
    text: partOf('text/plain'),
    html: partOf('text/html'),
    raw,
  };
}

function split(part: string): { headers: Record<string, string>; body: string } {
  const end = part.indexOf('\r\n\r\n');
  const lines = part
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (name in headers) throw new Error(`The header ${name} comes twice.`);
    headers[name] = decodeWords(line.slice(colon + 1).trim());
  }
  return { headers, body: part.slice(end + 4) };
}

function decode(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  return encoding === 'quoted-printable' ? quotedPrintable(body.replace(/=\r\n/g, '')) : body;
}

function quotedPrintable(text: string): string {
  const bytes = text.replace(/=([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function decodeWords(text: string): string {
  return text
    .replace(/\?= (?==\?)/g, '?=')
    .replace(/=\?utf-8\?([QB])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toUpperCase() === 'B'
        ? Buffer.from(word, 'base64').toString('utf8')
        : quotedPrintable(word.replaceAll('_', ' ')),
    );
}
