import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { keysOf, rotateSigningKey, type ShownKey } from '../../flows/keys/rotate-key.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { ButtonLink } from '../form.tsx';
import { Badge, Notice, page, Row, seeOther, Table } from '../layout.tsx';
import { Ago, exactTime } from '../time.tsx';
import { adminArea } from './area.ts';
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

const head = ['Key ID', 'Status', 'Created', 'Active from', 'Published until'] as const;

/** The keys that sign tokens. */
export async function keysPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof keysQuery>>,
): Promise<RouteResponse> {
  const keys = await keysOf(context);
  const now = context.clock.now();
  return page(
    context,
    call,
    { title: 'Signing keys', area: adminArea, at: PATH },
    <>
      <div class="headline">
        <h1>Signing keys</h1>
        <ButtonLink href={`${PATH}/rotate`} weight="plain" small>
          Rotate key…
        </ButtonLink>
      </div>
      <p class="lead">Keys that sign access tokens. Rotated automatically every 90 days.</p>
      {call.query.done && <Notice kind="good">New key created. All servers use it within a second.</Notice>}
      <Table caption="Signing keys" head={head}>
        {keys.map((key) => (
          <Row
            head={head}
            cells={[
              <>
                <code>{key.id}</code>
                <p>{key.algorithm}</p>
              </>,
              <Badge kind={states[key.state].kind}>{states[key.state].label}</Badge>,
              <Ago at={key.created_at} now={now} />,
              exactTime(key.signs_from),
              key.published_until === null ? (
                <span class="quiet">Not set</span>
              ) : (
                exactTime(key.published_until)
              ),
            ]}
          />
        ))}
      </Table>
    </>,
  );
}

export const ROTATE = 'Rotate signing key';

/** Explains what a rotation does, before it is done. */
export const rotatePage = (context: AppContext, call: SignedInCall): RouteResponse =>
  confirmPage(context, call, {
    title: ROTATE,
    effects: [
      'A new key is published now and becomes active once services have fetched it. Existing tokens stay valid until they expire.',
      'If the current key may be compromised, the new key becomes active immediately and all existing access tokens are revoked. Sessions continue; API clients refresh.',
    ],
    label: 'Rotate key',
    isDangerous: false,
    action: `${PATH}/rotate`,
    back: PATH,
    at: PATH,
    trail: [],
    more: () => (
      <div class="choice">
        <input id="leaked" name="leaked" type="checkbox" value="yes" />
        <label for="leaked">The current key may be compromised (revoke all tokens now)</label>
      </div>
    ),
  });

/** Creates the next key. */
export async function rotateSubmit(
  context: AppContext,
  call: SignedInCall<z.infer<typeof rotateForm>>,
): Promise<RouteResponse> {
  const isLeaked = call.body.leaked === 'yes';
  await rotateSigningKey(context, isLeaked, { actor: call.activeSession, client: call.client });
  return seeOther(`${PATH}?done=rotated`);
}
