import { slowestHash } from '../core/installation.ts';
import type { Db } from '../platform/db/index.ts';
import type { Hasher } from '../platform/hasher.ts';

/**
 * Has the hasher measure the slowest hash that was ever imported, once for each new one. So the response floor of
 * failed sign-ins is in place before response times can reveal an imported account.
 */
export function responseFloorLearner({
  db,
  hasher,
}: {
  db: Db;
  hasher: Pick<Hasher, 'verify'>;
}): () => Promise<void> {
  let known: string | null = null;
  return async () => {
    const slowest = await slowestHash(db);
    if (slowest === null || slowest === known) return;
    await hasher.verify(slowest, '', 'background');
    known = slowest;
  };
}
