import PostalMime, { decodeWords } from 'postal-mime';

/** An email of the two parts that Usher's have. */
export interface ParsedEmail {
  /** By names in lower case; unfolded and decoded. */
  headers: Record<string, string>;
  subject: string;
  text: string;
  html: string;
}

/** Reads an email as it came over the wire. Throws if a header repeats, or if the text or the HTML is missing. */
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
