import { z } from 'zod';
import type { World } from '../../context.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { keysOf, rotateSigningKey, type ShownKey } from '../../flows/keys/rotate-key.ts';
import { ButtonLink } from '../form.tsx';
import { Badge, Notice, page, seeOther, Table } from '../layout.tsx';
import { Ago, exactTime } from '../time.tsx';
import { console } from './area.ts';
import { confirmPage } from './confirm.tsx';

const PATH = '/admin/keys';

export const keysQuery = z.object({ done: z.literal('rotated').optional().catch(undefined) });
export const rotateForm = z.strictObject({
  leaked: z.literal('yes').optional(),
});

const states: Record<ShownKey['state'], { label: string; kind: 'good' | 'accent' | 'plain' }> = {
  next: { label: 'Next', kind: 'accent' },
  signing: { label: 'Current', kind: 'good' },
  published: { label: 'Verify only', kind: 'plain' },
  gone: { label: 'Retired', kind: 'plain' },
};

/** The keys that sign tokens. */
export async function keysPage(
  world: World,
  call: SignedInCall<undefined, z.infer<typeof keysQuery>>,
): Promise<Answer> {
  const keys = await keysOf(world);
  const now = world.clock.now();
  return page(
    world,
    call,
    { title: 'Signing keys', area: console, at: PATH },
    <>
      <div class="headline">
        <h1>Signing keys</h1>
        <ButtonLink href={`${PATH}/rotate`} weight="plain" small>
          Rotate key…
        </ButtonLink>
      </div>
      <p class="lead">Keys that sign access tokens. Rotated automatically every 90 days.</p>
      {call.query.done && <Notice kind="good">New key created. All servers use it within a second.</Notice>}
      <Table caption="Signing keys" head={['Key ID', 'Status', 'Created', 'Active from', 'Published until']}>
        {keys.map((key) => (
          <tr>
            <th scope="row">
              <code>{key.id}</code>
              <p>{key.algorithm}</p>
            </th>
            <td>
              <Badge kind={states[key.state].kind}>{states[key.state].label}</Badge>
            </td>
            <td>
              <Ago at={key.created_at} now={now} />
            </td>
            <td>{exactTime(key.signs_from)}</td>
            <td>{key.published_until === null ? '' : exactTime(key.published_until)}</td>
          </tr>
        ))}
      </Table>
    </>,
  );
}

export const ROTATE = 'Rotate signing key';

/** Explains what a rotation does, before it is done. */
export const rotatePage = (world: World, call: SignedInCall): Answer =>
  confirmPage(world, call, {
    title: ROTATE,
    means: [
      'A new key is published now and becomes active once services have fetched it. Existing tokens stay valid until they expire.',
      'If the current key may be compromised, the new key becomes active immediately and all existing access tokens are revoked. Sessions continue; API clients refresh.',
    ],
    label: 'Rotate key',
    isDangerous: false,
    action: `${PATH}/rotate`,
    back: PATH,
    at: PATH,
    more: () => (
      <div class="choice">
        <input id="leaked" name="leaked" type="checkbox" value="yes" />
        <label for="leaked">The current key may be compromised (revoke all tokens now)</label>
      </div>
    ),
  });

/** Creates the next key. */
export async function rotateAnswer(
  world: World,
  call: SignedInCall<z.infer<typeof rotateForm>>,
): Promise<Answer> {
  const isLeaked = call.body.leaked === 'yes';
  await rotateSigningKey(world, isLeaked, { actorId: call.live.user.id, origin: call.origin });
  return seeOther(`${PATH}?done=rotated`);
}
