import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { User } from '../../core/users.ts';
import { type FieldError, HttpError } from '../../errors.ts';
import { findSelected } from '../../flows/admin/find-users.ts';
import { countWrite } from '../../flows/limits/count-write.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { text } from '../../languages/text.ts';
import type { Translator } from '../../languages/translator.ts';
import { roleOf } from '../../user-fields.ts';
import { Field } from '../field.tsx';
import { ButtonLink } from '../form.tsx';
import { Notice, page, seeOther } from '../layout.tsx';
import { translatorOf } from '../translator.tsx';
import { adminArea } from './area.ts';
import { confirmPage } from './confirm.tsx';
import { perform } from './user-actions.ts';
import { PAGE, PATH } from './users-query.ts';

const BULK = '/admin/bulk';

const actionNames = ['logout', 'disable', 'delete'] as const;
type BulkAction = (typeof actionNames)[number];

/** The selected users of a page of the list, one field each: `user0`, `user7`. Other parameters are ignored. */
export const bulkQuery = z
  .looseObject({ action: z.enum(actionNames).default('logout').catch('logout') })
  .transform(({ action, ...fields }) => ({
    action,
    ids: Object.entries(fields)
      .filter(([name]) => /^user\d{1,2}$/.test(name))
      .flatMap(([, id]) => z.uuid().safeParse(id).data ?? [])
      .slice(0, PAGE),
  }));

export const bulkForm = z.strictObject({
  action: z.enum(actionNames),
  ids: z.string().refine((ids) => {
    const all = ids.split(',');
    return all.length <= PAGE && all.every((id) => z.uuid().safeParse(id).success);
  }, 'User IDs, separated by commas'),
  phrase: z.string().max(100).optional(),
});

/** Explains what will be done to the selected users, and who is left out. */
export async function bulkPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof bulkQuery>>,
): Promise<RouteResponse> {
  const { action, ids } = call.query;
  return ask(context, call, action, await choose(context, call, action, ids));
}

/** Does it to one user after the other, each as the page of the user does. */
export async function bulkSubmit(
  context: AppContext,
  call: SignedInCall<z.infer<typeof bulkForm>>,
): Promise<RouteResponse> {
  const { action, phrase } = call.body;
  const ids = call.body.ids.split(',');
  const selected = await choose(context, call, action, ids);
  const t = translatorOf(context, call);
  if (action === 'delete' && phrase?.trim() !== phraseOf(selected.chosen, t))
    return ask(context, call, action, selected, wrongPhrase);
  let count = 0;
  for (const { id } of selected.chosen) {
    // Someone may have made the user an administrator meanwhile.
    if ((await choose(context, call, action, [id])).chosen.length === 0) continue;
    try {
      // The route has counted the first.
      if (count > 0) await countWrite(context, call.activeSession, call.client, 'admin_changes_per_account');
      await perform(context, { ...call, body: {} }, action, id);
      count++;
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      // Deleted or changed by someone else meanwhile; anything else would stop the next one as well.
      if (error.code !== 'not_found' && error.code !== 'conflict') break;
    }
  }
  const left = ids.length - count;
  return seeOther(`${PATH}?done=bulk-${action}&count=${count}${left > 0 ? `&left=${left}` : ''}`);
}

const wrongPhrase = new HttpError('invalid_request', {
  fields: [{ field: 'phrase', code: 'custom', message: text('admin.bulk.wrong_phrase') }],
});

/** Those that the action is performed on, and those that it leaves out. */
interface Selected {
  chosen: readonly User[];
  leftOut: readonly User[];
}

/** Administrators are changed one by one, and nobody changes themselves here. */
async function choose(
  { db }: AppContext,
  { activeSession }: Pick<SignedInCall, 'activeSession'>,
  action: BulkAction,
  ids: readonly string[],
): Promise<Selected> {
  const users = await findSelected(db, ids);
  const isChosen = (user: User) =>
    roleOf(user) === 'user' &&
    user.id !== activeSession.user.id &&
    (action !== 'disable' || user.disabled_at === null);
  return { chosen: users.filter(isChosen), leftOut: users.filter((user) => !isChosen(user)) };
}

/** What must be typed to delete users: it says how many. */
const phraseOf = (chosen: readonly User[], t: Translator): string =>
  t('admin.bulk.phrase', { count: chosen.length });

const namesOf = (users: readonly User[]): string => users.map(({ username }) => username).join(', ');

function ask(
  context: AppContext,
  call: SignedInCall<unknown, unknown>,
  action: BulkAction,
  { chosen, leftOut }: Selected,
  error?: HttpError,
): RouteResponse {
  const t = translatorOf(context, call);
  const left = leftOut.length > 0 ? [t('admin.bulk.left_out', { names: namesOf(leftOut) })] : [];
  if (chosen.length === 0) return nobodyPage(context, call, left, t);
  const count = chosen.length;
  const words = {
    logout: {
      title: t('admin.bulk.logout_title', { count }),
      effects: t('admin.bulk.logout_means'),
      label: t('admin.bulk.logout'),
    },
    disable: {
      title: t('admin.bulk.disable_title', { count }),
      effects: t('admin.bulk.disable_means'),
      label: t('admin.bulk.disable'),
    },
    delete: {
      title: t('admin.bulk.delete_title', { count }),
      effects: t('admin.bulk.delete_means'),
      label: t('admin.bulk.delete'),
    },
  }[action];
  const phrase = action === 'delete' ? phraseOf(chosen, t) : undefined;
  return confirmPage(
    context,
    call,
    {
      title: words.title,
      effects: [words.effects, t('admin.bulk.selected', { names: namesOf(chosen) }), ...left],
      label: words.label,
      isDangerous: action !== 'logout',
      action: BULK,
      back: PATH,
      at: PATH,
      trail: [],
      more: (errors) => (
        <>
          <input type="hidden" name="action" value={action} />
          <input type="hidden" name="ids" value={chosen.map(({ id }) => id).join(',')} />
          {phrase !== undefined && <Phrase phrase={phrase} errors={errors} t={t} />}
        </>
      ),
    },
    error,
  );
}

const Phrase = ({ phrase, errors, t }: { phrase: string; errors: FieldError[]; t: Translator }) => (
  <Field
    name="phrase"
    label={t('admin.bulk.type_phrase', { phrase })}
    autocomplete="off"
    errors={errors}
    autofocus
  />
);

/** Nothing is selected that the action is for. */
const nobodyPage = (
  context: AppContext,
  call: SignedInCall<unknown, unknown>,
  left: readonly string[],
  t: Translator,
): RouteResponse =>
  page(
    context,
    call,
    { title: t('admin.bulk.nobody'), area: adminArea, at: PATH, trail: [] },
    <>
      <h1>{t('admin.bulk.nobody')}</h1>
      <Notice kind="warn">
        <p>{t('admin.bulk.nobody_hint', { max: PAGE })}</p>
        {left.map((one) => (
          <p>{one}</p>
        ))}
      </Notice>
      <p>
        <ButtonLink href={PATH} weight="plain">
          {t('admin.bulk.back')}
        </ButtonLink>
      </p>
    </>,
  );
