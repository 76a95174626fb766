import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { setUpState } from '../flows/setup/first-admin.ts';
import { findSignedIn } from '../http/credential.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { Actions, ButtonLink } from './form.tsx';
import { Card, Notice, page, seeOther } from './layout.tsx';

export const homeQuery = z.object({ done: z.literal('deleted').optional().catch(undefined) });

/** Shows visitors where to sign in; redirects signed-in users to their account. */
export async function homePage(
  context: AppContext,
  call: Call<undefined, z.infer<typeof homeQuery>>,
): Promise<RouteResponse> {
  if (await findSignedIn(context, call.headers)) return seeOther('/dashboard');
  const { serviceName, signup } = context.config;
  const setUp = await setUpState(context);
  return page(
    context,
    call,
    { title: serviceName, shape: 'gate' },
    <Card>
      <h1>Welcome to {serviceName}</h1>
      <p class="lead">Sign in to manage your account, devices and security.</p>
      {call.query.done && <Notice kind="good">Your account and all its data have been deleted.</Notice>}
      {setUp !== 'done' && (
        <Notice kind="warn">
          Setup isn’t finished.{' '}
          {setUp === 'link'
            ? 'Open the setup link in the server log to create the first administrator.'
            : 'Restart the server: its log then has a setup link, which creates the first administrator.'}
        </Notice>
      )}
      <Actions stacked>
        <ButtonLink href="/sign-in">Sign in</ButtonLink>
        {signup !== 'closed' && (
          <ButtonLink href="/sign-up" weight="plain">
            Create account
          </ButtonLink>
        )}
      </Actions>
    </Card>,
  );
}
