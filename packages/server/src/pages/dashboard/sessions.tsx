import { z } from 'zod';
import { type ListedSession, sessionsOf } from '../../core/sessions.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { Refusal } from '../../errors.ts';
import { endAllOtherSessions, endOneSession, sessionParams } from '../../flows/account/sessions.ts';
import { Button, Form } from '../form.tsx';
import { Badge, Card, Notice, page, seeOther } from '../layout.tsx';
import { Ago } from '../time.tsx';
import { account } from './area.ts';
import { deviceOf } from './device.ts';

const PATH = '/dashboard/sessions';

const done = {
  one: 'The session is ended.',
  others: 'All other sessions are ended.',
  gone: 'That session had ended already.',
};

export const sessionsQuery = z.object({
  done: z
    .enum(Object.keys(done) as (keyof typeof done)[])
    .optional()
    .catch(undefined),
});
/** Either the id of the session to end, or all others. */
export const sessionsForm = z.union([
  z.strictObject({ session: sessionParams.shape.id }),
  z.strictObject({ others: z.literal('end') }),
]);

/** Where the account is signed in; any of it can be ended here. */
export async function sessionsPage(
  world: World,
  call: SignedInCall<undefined, z.infer<typeof sessionsQuery>>,
): Promise<Answer> {
  const { live, query } = call;
  const now = world.clock.now();
  const sessions = await sessionsOf(world.db, live.user, now, live.session.id);
  const current = sessions.filter(({ id }) => id === live.session.id);
  const others = sessions.filter(({ id }) => id !== live.session.id);
  return page(
    world,
    call,
    { title: 'Sessions', area: account, at: PATH },
    <>
      <h1>Sessions</h1>
      <p class="lead">
        Where you are signed in. A session that you do not know may be somebody else’s: end it.
      </p>
      {query.done && <Notice kind="good">{done[query.done]}</Notice>}
      <Card>
        <ul class="rows">
          {current.map((session) => (
            <Session session={session} now={now} isThis />
          ))}
          {others.map((session) => (
            <Session session={session} now={now} />
          ))}
        </ul>
      </Card>
      {others.length > 0 && (
        <Form action={PATH} shape="inline" hidden={{ others: 'end' }}>
          <Button weight="danger">End all others</Button>
        </Form>
      )}
    </>,
  );
}

export async function sessionsAnswer(
  world: World,
  call: SignedInCall<z.infer<typeof sessionsForm>>,
): Promise<Answer> {
  const { body } = call;
  if ('others' in body) {
    await endAllOtherSessions(world, { ...call, body: undefined });
    return seeOther(`${PATH}?done=others`);
  }
  try {
    const { cookie } = await endOneSession(world, { ...call, body: undefined, params: { id: body.session } });
    return seeOther(`${PATH}?done=one`, { cookie });
  } catch (error) {
    if (error instanceof Refusal && error.code === 'not_found') return seeOther(`${PATH}?done=gone`);
    throw error;
  }
}

interface SessionProps {
  session: ListedSession;
  now: number;
  isThis?: boolean;
}

function Session({ session, now, isThis }: SessionProps) {
  const device = deviceOf(session.user_agent);
  return (
    <li>
      <div>
        <p>
          <strong>{device}</strong> {isThis && <Badge kind="good">This one</Badge>}
          {session.kind === 'bearer' && <Badge>Program</Badge>}
        </p>
        <p class="note">
          Used <Ago at={session.last_seen_at} now={now} /> · signed in{' '}
          <Ago at={session.created_at} now={now} />
        </p>
        <p class="note">From {session.ip}</p>
      </div>
      {!isThis && (
        <Form action={PATH} shape="inline" hidden={{ session: session.id }}>
          <Button weight="plain" small label={`End the session in ${device}, from ${session.ip}`}>
            End
          </Button>
        </Form>
      )}
    </li>
  );
}
