import type { AppContext } from '../../context.ts';
import { firstEventId } from '../../platform/random.ts';
import { useTranslator } from '../translator.tsx';
import { withQuery } from './choices.tsx';
import { type EventsFilter, PATH } from './events-query.ts';

interface FollowProps {
  context: Pick<AppContext, 'assets' | 'clock'>;
  filter: EventsFilter;
  /** The id of the newest event on the page. */
  newest: string | undefined;
}

/** A link that reloads the page, which the script replaces with a button for live updates. */
export function Follow({ context: { assets, clock }, filter, newest }: FollowProps) {
  const t = useTranslator();
  return (
    <div
      class="follow"
      data-stream={withQuery(`${PATH}/stream`, filter)}
      data-after={newest ?? firstEventId(clock.now())}
      data-texts={JSON.stringify(textsOf(t))}
    >
      <a href={withQuery(PATH, filter)}>{t('admin.follow.reload_page')}</a>
      <script type="module" src={assets['follow.js']?.url} />
    </div>
  );
}

/** The texts of the script, which fills in `{count}` and `{reason}`. */
const textsOf = (t: ReturnType<typeof useTranslator>) => ({
  start: t('admin.follow.start'),
  stop: t('admin.follow.stop'),
  paused: t('admin.follow.paused'),
  live: t('admin.follow.live'),
  news: t('admin.follow.news', { count: '{count}' }),
  reconnecting: t('admin.follow.reconnecting'),
  signedOut: t('admin.follow.signed_out'),
  signIn: t('admin.follow.sign_in'),
  stopped: t('admin.follow.stopped', { reason: '{reason}' }),
  retrying: t('admin.follow.retrying', { reason: '{reason}' }),
  gap: t('admin.follow.gap'),
  reload: t('admin.follow.reload'),
  by: t('admin.events.by'),
  view: t('admin.events.view'),
  record: t('admin.events.view_record', { label: '{label}' }),
  operator: t('admin.events.operator'),
  deletedUser: t('admin.events.deleted_user'),
});
