import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { HttpError } from '../../errors.ts';
import { text } from '../../languages/text.ts';

type Audiences = Pick<AppContext, 'publicUrl' | 'config'>;

export const audienceField = z
  .string()
  .optional()
  .describe(
    'Audience of the access token: a service listed in `USHER_AUDIENCES`, or the public URL for Usher itself',
  );

/**
 * Checks the audience that a client requests for the tokens of a bearer session.
 *
 * @throws HttpError `invalid_request` for an unknown audience.
 */
export function checkAudience(context: Audiences, audience: string): string {
  return known([context.publicUrl, ...context.config.audiences], audience);
}

/**
 * Returns the requested audience of a service token, or the default one.
 *
 * @throws HttpError `invalid_request` for anything but a service. A token for Usher itself needs a sign-in for that
 * audience.
 */
export function checkService({ config }: Audiences, audience: string | undefined): string {
  return known(config.audiences, audience ?? config.audiences[0] ?? '');
}

function known(audiences: readonly string[], audience: string): string {
  if (audiences.includes(audience)) return audience;
  const message = text('field.audience', { asked: audience, known: audiences.join(', ') });
  throw new HttpError('invalid_request', {
    fields: [{ field: 'audience', code: 'audience_unknown', message }],
  });
}
