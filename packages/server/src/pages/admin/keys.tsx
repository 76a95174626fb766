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
  next: { label: 'signs next', kind: 'accent' },
  signing: { label: 'signs', kind: 'good' },
  published: { label: 'checks what it signed', kind: 'plain' },
  gone: { label: 'gone', kind: 'plain' },
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
    { title: 'Keys', area: console, at: PATH },
    <>
      <div class="headline">
        <h1>Keys</h1>
        <ButtonLink href={`${PATH}/rotate`} weight="plain" small>
          Rotate …
        </ButtonLink>
      </div>
      <p class="lead">They sign access tokens. A new one follows by itself every 90 days.</p>
      {call.query.done && (
        <Notice kind="good">The next key is made. All servers use it within a second.</Notice>
      )}
      <Table caption="Keys" head={['Key', 'State', 'Made', 'Signs from', 'Published until']}>
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

export const ROTATE = 'Rotate the signing key';

/** Says what a new key means, before it is made. */
export const rotatePage = (world: World, call: SignedInCall): Answer =>
  confirmPage(world, call, {
    title: ROTATE,
    means: [
      'A new key is published now, and signs once every service has it. What the old one signed stays good until it runs out.',
      'If the old key has leaked: the new one signs at once, and every access token so far is refused. Sessions go on; programs refresh.',
    ],
    label: 'Make the next key',
    isDangerous: false,
    action: `${PATH}/rotate`,
    back: PATH,
    at: PATH,
    more: () => (
      <div class="choice">
        <input id="leaked" name="leaked" type="checkbox" value="yes" />
        <label for="leaked">The old key may have leaked</label>
      </div>
    ),
  });

/** Makes the next key. */
export async function rotateAnswer(
  world: World,
  call: SignedInCall<z.infer<typeof rotateForm>>,
): Promise<Answer> {
  const isLeaked = call.body.leaked === 'yes';
  await rotateSigningKey(world, isLeaked, { actorId: call.live.user.id, origin: call.origin });
  return seeOther(`${PATH}?done=rotated`);
}
