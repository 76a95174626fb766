import type { World } from '../context.ts';
import type { Answer } from '../edge/route.ts';
import { errors, type Refusal } from '../errors.ts';
import { ButtonLink } from './form.tsx';
import { Card, page, refusing, seeOther } from './layout.tsx';
import { nextPage, readReturnTo, withReturnTo } from './return-to.ts';

/** The request that was refused, as far as its answer needs it. */
export interface Refused {
  requestId: string;
  /** Path and query. */
  address: string;
}

/** A URL that leads nowhere has no page; to programs it has no resource. */
const wordsOf = ({ code, message }: Refusal): [title: string, message: string] =>
  message === errors.not_found[2]
    ? ['Page not found', 'We couldn’t find that page.']
    : [errors[code][1], message];

/**
 * What a person sees of a refusal that no page of ours has words for. Who is not signed in (any more) can do so, and
 * comes back; so does who must choose a new password first.
 */
export function refusalPage(world: World, refusal: Refusal, { requestId, address }: Refused): Answer {
  if (refusal.code === 'unauthenticated' || refusal.code === 'invalid_token')
    return seeOther(withReturnTo('/sign-in', readReturnTo(world, address)));
  if (refusal.code === 'password_change_required')
    return seeOther(nextPage(true, readReturnTo(world, address)));
  const { status, code } = refusal;
  const [title, message] = wordsOf(refusal);
  const path = readReturnTo(world, address.split('?', 1)[0]);
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
  return refusing(refusal, page(world, { formToken: () => '' }, { status, title, shape: 'gate' }, content));
}
