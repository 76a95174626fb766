import { z } from 'zod';
import type { World } from '../context.ts';
import { findSignedIn } from '../edge/credential.ts';
import type { Answer, Call } from '../edge/route.ts';
import { setUpState } from '../flows/setup/first-admin.ts';
import { Actions, ButtonLink } from './form.tsx';
import { Card, Notice, page, seeOther } from './layout.tsx';

export const homeQuery = z.object({ done: z.literal('deleted').optional().catch(undefined) });

/** Tells a visitor where to go; whoever is signed in is there already. */
export async function homePage(
  world: World,
  call: Call<undefined, z.infer<typeof homeQuery>>,
): Promise<Answer> {
  if (await findSignedIn(world, call.headers)) return seeOther('/dashboard');
  const { serviceName, signup } = world.config;
  const setUp = await setUpState(world);
  return page(
    world,
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
