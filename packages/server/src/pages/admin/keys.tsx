import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { HttpError } from '../../errors.ts';
import { keysOf, rotateSigningKey, type ShownKey } from '../../flows/keys/rotate-key.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import type { PlainKey } from '../../languages/text.ts';
import { ButtonLink } from '../form.tsx';
import { Badge, Notice, page, Row, seeOther, Table } from '../layout.tsx';
import { Ago } from '../time.tsx';
import { translatorOf } from '../translator.tsx';
import { adminArea } from './area.ts';
import { confirmPage } from './confirm.tsx';

const PATH = '/admin/keys';
export const ROTATE = `${PATH}/rotate`;

export const keysQuery = z.object({ done: z.literal('rotated').optional().catch(undefined) });
export const rotateForm = z.strictObject({
  leaked: z.literal('yes').optional(),
});

const states: Record<ShownKey['state'], { label: PlainKey; kind: 'good' | 'accent' | 'plain' }> = {
  next: { label: 'admin.keys_next', kind: 'accent' },
  signing: { label: 'admin.keys_current', kind: 'good' },
  published: { label: 'admin.keys_published', kind: 'plain' },
  gone: { label: 'admin.keys_retired', kind: 'plain' },
};

/** The keys that sign tokens. */
export async function keysPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof keysQuery>>,
): Promise<RouteResponse> {
  const keys = await keysOf(context);
  const now = context.clock.now();
  const t = translatorOf(context, call);
  const title = t('admin.keys');
  const head = [
    t('admin.keys_id'),
    t('admin.keys_status'),
    t('admin.keys_created'),
    t('admin.keys_from'),
    t('admin.keys_until'),
  ];
  return page(
    context,
    call,
    { title, area: adminArea, at: PATH },
    <>
      <div class="headline">
        <h1>{title}</h1>
        <ButtonLink href={ROTATE} weight="plain" small>
          {t('admin.keys_rotate')}…
        </ButtonLink>
      </div>
      <p class="lead">{t('admin.keys_lead')}</p>
      {call.query.done && <Notice kind="good">{t('admin.keys_rotated')}</Notice>}
      <Table caption={title} head={head}>
        {keys.map((key) => (
          <Row
            head={head}
            cells={[
              <>
                <code>{key.id}</code>
                <p>{key.algorithm}</p>
              </>,
              <Badge kind={states[key.state].kind}>{t(states[key.state].label)}</Badge>,
              <Ago at={key.created_at} now={now} />,
              t.time(key.signs_from),
              key.published_until === null ? (
                <span class="quiet">{t('admin.keys_not_set')}</span>
              ) : (
                t.time(key.published_until)
              ),
            ]}
          />
        ))}
      </Table>
    </>,
  );
}

/** Explains what a rotation does, before it is done. */
export function rotatePage(
  context: AppContext,
  call: SignedInCall<unknown, unknown, unknown>,
  error?: HttpError,
): RouteResponse {
  const t = translatorOf(context, call);
  const props = {
    title: t('admin.keys_rotate_title'),
    means: [t('admin.keys_means'), t('admin.keys_leak')],
    label: t('admin.keys_rotate'),
    isDangerous: false,
    action: ROTATE,
    back: PATH,
    at: PATH,
    trail: [],
    more: () => <Leaked isChecked={isLeaked(call.body)} label={t('admin.keys_leaked')} />,
  };
  return confirmPage(context, call, props, error);
}

const isLeaked = (body: unknown): boolean => rotateForm.safeParse(body).data?.leaked === 'yes';

const Leaked = ({ isChecked, label }: { isChecked: boolean; label: string }) => (
  <div class="choice">
    <input id="leaked" name="leaked" type="checkbox" value="yes" checked={isChecked} />
    <label for="leaked">{label}</label>
  </div>
);

/** Creates the next key. */
export async function rotateSubmit(
  context: AppContext,
  call: SignedInCall<z.infer<typeof rotateForm>>,
): Promise<RouteResponse> {
  await rotateSigningKey(context, isLeaked(call.body), { actor: call.activeSession, client: call.client });
  return seeOther(`${PATH}?done=rotated`);
}
