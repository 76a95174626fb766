import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { setUpState } from '../flows/setup/first-admin.ts';
import { findSignedIn } from '../http/credential.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { Actions, ButtonLink } from './form.tsx';
import { Card, Notice, page, seeOther } from './layout.tsx';
import { useTranslator } from './translator.tsx';

export const homeQuery = z.object({ done: z.literal('deleted').optional().catch(undefined) });

/**
 * Leads visitors to the sign-in, and signed-in users to their account. A page of its own is shown until the setup is
 * done, after the deletion of an account, and where an application shares the origin.
 */
export async function homePage(
  context: AppContext,
  call: Call<undefined, z.infer<typeof homeQuery>>,
): Promise<RouteResponse> {
  if (await findSignedIn(context, call.headers)) return seeOther('/dashboard');
  const { serviceName, signup } = context.config;
  const setUp = await setUpState(context);
  if (setUp === 'done' && call.query.done === undefined && context.application() === undefined)
    return seeOther('/sign-in');
  const content = <Home {...{ serviceName, signup, setUp }} isDeleted={call.query.done !== undefined} />;
  return page(context, call, { title: serviceName, shape: 'centered' }, content);
}

interface HomeProps extends Pick<AppContext['config'], 'serviceName' | 'signup'> {
  setUp: Awaited<ReturnType<typeof setUpState>>;
  isDeleted: boolean;
}

function Home({ serviceName, signup, setUp, isDeleted }: HomeProps) {
  const t = useTranslator();
  return (
    <Card>
      <h1>{t('home.title', { service: serviceName })}</h1>
      <p class="lead">{t('home.lead')}</p>
      {isDeleted && <Notice kind="good">{t('home.deleted')}</Notice>}
      {setUp !== 'done' && (
        <Notice kind="warn">{t(setUp === 'link' ? 'home.setup_link' : 'home.setup_restart')}</Notice>
      )}
      <Actions stacked>
        <ButtonLink href="/sign-in">{t('action.sign_in')}</ButtonLink>
        {signup !== 'closed' && (
          <ButtonLink href="/sign-up" weight="plain">
            {t('action.create_account')}
          </ButtonLink>
        )}
      </Actions>
    </Card>
  );
}
