import type { AppContext } from '../context.ts';
import { errors, type HttpError } from '../errors.ts';
import type { RouteResponse } from '../http/route.ts';
import { ButtonLink } from './form.tsx';
import { Card, page, seeOther, withErrorHeaders } from './layout.tsx';
import { nextPage, readReturnTo, withReturnTo } from './return-to.ts';

/** The parts of a failed request that its error page needs. */
export interface FailedRequest {
  requestId: string;
  /** Path and query. */
  url: string;
}

/** An unknown URL is a missing page to a person, and a missing resource to a program. */
const wordsOf = ({ code, message }: HttpError): [title: string, message: string] =>
  message === errors.not_found[2]
    ? ['Page not found', 'We couldn’t find that page.']
    : [errors[code][1], message];

/**
 * The response to an error without a page of its own. Redirects to the sign-in if authentication is required, or to the
 * password page if the user must choose a new password first; both lead back here afterwards.
 */
export function errorPage(
  context: AppContext,
  error: HttpError,
  { requestId, url }: FailedRequest,
): RouteResponse {
  if (error.code === 'unauthenticated' || error.code === 'invalid_token')
    return seeOther(withReturnTo('/sign-in', readReturnTo(context, url)));
  if (error.code === 'password_change_required') return seeOther(nextPage(true, readReturnTo(context, url)));
  const { status, code } = error;
  const [title, message] = wordsOf(error);
  const path = readReturnTo(context, url.split('?', 1)[0]);
  const content = (
    <Card>
      <h1>{title}</h1>
      <p class="lead">{message}</p>
      <p class="actions">
        {code === 'form_expired' && path !== undefined ? (
          <ButtonLink href={path}>Reload the form</ButtonLink>
        ) : (
          <ButtonLink href="/" weight="plain">
            Go to home page
          </ButtonLink>
        )}
      </p>
      {status >= 500 && (
        <p class="note">
          When reporting this, include the request ID: <code>{requestId}</code>
        </p>
      )}
    </Card>
  );
  return withErrorHeaders(
    error,
    page(context, { formToken: () => '' }, { status, title, shape: 'gate' }, content),
  );
}
