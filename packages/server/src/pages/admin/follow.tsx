import type { AppContext } from '../../context.ts';
import { firstEventId } from '../../platform/random.ts';
import { withQuery } from './choices.tsx';
import { type EventsQuery, PATH } from './events-query.ts';

interface FollowProps {
  context: Pick<AppContext, 'assets' | 'clock'>;
  filter: Omit<EventsQuery, 'cursor'>;
  /** The id of the newest event on the page. */
  newest: string | undefined;
}

/** A link that reloads the page, which the script replaces with a button for live updates. */
export function Follow({ context: { assets, clock }, filter, newest }: FollowProps) {
  return (
    <div
      class="follow"
      data-stream={withQuery(`${PATH}/stream`, filter)}
      data-after={newest ?? firstEventId(clock.now())}
    >
      <a href={withQuery(PATH, filter)}>Reload for new events</a>
      <script type="module" src={assets['follow.js']?.url} />
    </div>
  );
}
