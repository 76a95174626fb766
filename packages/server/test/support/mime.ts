import PostalMime, { decodeWords } from 'postal-mime';

/** An email with a text part and an HTML part, as Usher sends it. */
export interface ParsedEmail {
  /** By lower-case name, unfolded and decoded. */
  headers: Record<string, string>;
  subject: string;
  text: string;
  html: string;
}

/** Parses a received email. @throws Error if a header is duplicated, or the text or HTML part is missing. */
export async function parseEmail(raw: Uint8Array): Promise<ParsedEmail> {
  const { headers: received, subject = '', text, html } = await PostalMime.parse(raw);
  const headers: Record<string, string> = {};
  for (const { key, value } of received) {
    if (key in headers) throw new Error(`The header ${key} comes twice.`);
    headers[key] = decodeWords(value);
  }
  if (!text || !html) throw new Error(`This email has no ${text ? 'HTML' : 'text'}:\n${raw.toString()}`);
  return { headers, subject, text, html };
}
