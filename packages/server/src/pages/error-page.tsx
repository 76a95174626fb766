import type { AppContext } from '../context.ts';
import { type HttpError, pageAfter } from '../errors.ts';
import type { RouteResponse } from '../http/route.ts';
import type { Translator } from '../languages/translator.ts';
import { ButtonLink } from './form.tsx';
import { Card, page, seeOther, withErrorHeaders } from './layout.tsx';
import { readReturnTo, withReturnTo } from './return-to.ts';

/** The parts of a failed request that its error page needs. */
export interface FailedRequest {
  requestId: string;
  /** Path and query. */
  url: string;
  language: () => string;
}

/** An unknown URL is a missing page to a person, and a missing resource to a program. */
const wordsOf = ({ code, text }: HttpError, t: Translator): [title: string, message: string] =>
  text.key === 'errors.not_found'
    ? [t('error_page.not_found'), t('error_page.not_found_lead')]
    : [t(`title.${code}`), t(text)];

/**
 * The response to an error without a page of its own. Redirects to where the person can go on, such as the sign-in, if
 * the error has such a page (`errors.ts`).
 */
export function errorPage(
  context: AppContext,
  error: HttpError,
  { requestId, url, language }: FailedRequest,
): RouteResponse {
  const { status, code } = error;
  const next = pageAfter(code);
  if (next !== undefined) return seeOther(withReturnTo(next, readReturnTo(context, url)));
  const t = context.languages.in(language());
  const [title, message] = wordsOf(error, t);
  const path = readReturnTo(context, url.split('?', 1)[0]);
  const content = (
    <Card>
      <h1>{title}</h1>
      <p class="lead">{message}</p>
      <p class="actions">
        {code === 'form_expired' && path !== undefined ? (
          <ButtonLink href={path}>{t('error_page.reload')}</ButtonLink>
        ) : (
          <ButtonLink href="/" weight="plain">
            {t('error_page.home')}
          </ButtonLink>
        )}
      </p>
      {status >= 500 && (
        <p class="note">{t.rich('error_page.request_id', { code: () => <code>{requestId}</code> })}</p>
      )}
    </Card>
  );
  return withErrorHeaders(
    error,
    page(context, { formToken: () => '', language }, { status, title, shape: 'centered' }, content),
  );
}
