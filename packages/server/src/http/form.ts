import { HttpError } from '../errors.ts';
import { type Text, text } from '../languages/text.ts';
import { rejectEncoded } from './body.ts';
import { flawOf, forbiddenNames, limits } from './json.ts';

/**
 * Parses a body or query of type application/x-www-form-urlencoded, as strictly as `parseJson` parses JSON: each field
 * is `name=value` and appears once, `%XX` is valid and encodes valid UTF-8.
 *
 * @returns the fields, on an object without a prototype; '' has none.
 * @throws HttpError `invalid_request` whose message says what is wrong and in which field, by its position.
 */
export function parseForm(source: string): Record<string, string> {
  const form: Record<string, string> = Object.create(null);
  if (source === '') return form;
  const pairs = source.split('&', limits.members + 1);
  if (pairs.length > limits.members)
    throw error(pairs.length, text('syntax.too_many_fields', { limit: limits.members }));
  for (const [index, pair] of pairs.entries()) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw error(index + 1, text('syntax.no_pair'));
    const name = decode(pair.slice(0, equals), index + 1);
    if (forbiddenNames.has(name)) throw error(index + 1, text('syntax.forbidden_field'));
    if (name in form) throw error(index + 1, text('syntax.duplicate_field'));
    form[name] = decode(pair.slice(equals + 1), index + 1);
  }
  return form;
}

function decode(encoded: string, position: number): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    throw error(position, text('syntax.percent'));
  }
  const flaw = flawOf(decoded);
  if (flaw) throw error(position, flaw);
  return decoded;
}

function error(position: number, problem: Text): HttpError {
  return new HttpError('invalid_request', {
    text: text('request.form', { problem, position }),
  });
}

const formType = /^application\/x-www-form-urlencoded(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;

/**
 * Rejects a request whose content type is not a plain form in UTF-8. A page of any site can send a form, so
 * `rejectCrossSite` has to run as well.
 *
 * @throws HttpError `unsupported_media_type`
 */
export function requireForm(headers: Pick<Headers, 'get'>): void {
  if (!formType.test(headers.get('content-type') ?? ''))
    throw new HttpError('unsupported_media_type', {
      text: text('request.not_a_form'),
    });
  rejectEncoded(headers);
}
