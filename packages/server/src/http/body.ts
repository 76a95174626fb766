import { HttpError } from '../errors.ts';
import { text } from '../languages/text.ts';
import { limits } from './json.ts';

// ignoreBOM keeps a byte order mark in the text, where it can be detected and rejected.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the whole body of a request as text: at most 16,384 bytes of strict UTF-8; '' when there is none.
 *
 * @throws HttpError `content_too_large`, immediately if Content-Length exceeds the maximum; `invalid_json` for invalid
 * UTF-8 and for a byte order mark (RFC 8259 section 8.1); `invalid_request` for a truncated body.
 */
export async function readBody(request: Request): Promise<string> {
  if (request.bodyUsed)
    throw new Error('The request body was already consumed. Mount Usher before any body parser.');
  const bytes = await readBytes(request).catch(rejectCutOff);
  if (bytes.byteLength > limits.bytes) throw new HttpError('content_too_large');
  let body: string;
  try {
    body = utf8.decode(bytes);
  } catch {
    throw new HttpError('invalid_json', { text: text('request.not_utf8') });
  }
  if (body.startsWith('\ufeff'))
    throw new HttpError('invalid_json', {
      text: text('request.byte_order_mark'),
    });
  return body;
}

/**
 * Reports a truncated body as the client's fault: the socket's error looks like an internal failure, but is not one.
 */
function rejectCutOff(error: unknown): never {
  if (error instanceof HttpError) throw error;
  throw new HttpError('invalid_request', { text: text('request.incomplete') });
}

async function readBytes(request: Request): Promise<ArrayBuffer | Buffer> {
  const length = request.headers.get('content-length') ?? '';
  if (Number(length) > limits.bytes) throw new HttpError('content_too_large');
  // An HTTP parser delivers exactly the bytes that a lone Content-Length announces (RFC 9112 section 6.2), so they need
  // no counting. Reading them at once costs a quarter of what reading from the stream does.
  if (/^\d+$/.test(length) && !request.headers.has('transfer-encoding')) return request.arrayBuffer();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > limits.bytes) throw new HttpError('content_too_large'); // leaving the loop cancels the stream
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const jsonType = /^application\/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;

/**
 * Rejects a request whose content type is not plain JSON in UTF-8. A page of another site can send a form or text/plain
 * without a preflight request, but not application/json: this is part of the defense against cross-site writes.
 *
 * @throws HttpError `unsupported_media_type`
 */
export function requireJson({ headers }: Pick<Request, 'headers'>): void {
  if (!jsonType.test(headers.get('content-type') ?? '')) throw new HttpError('unsupported_media_type');
  rejectEncoded(headers);
}

/** @throws HttpError `unsupported_media_type` for a compressed body: a small one can decompress to any size. */
export function rejectEncoded(headers: Pick<Headers, 'get'>): void {
  const encoding = headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity')
    throw new HttpError('unsupported_media_type', {
      text: text('request.compressed'),
    });
}
