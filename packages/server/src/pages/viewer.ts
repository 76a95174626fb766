import type { Live } from '../core/sessions.ts';
import { findSession, readCredential } from '../edge/credential.ts';
import type { Call } from '../edge/route.ts';
import type { World } from '../edge/world.ts';
import { Refusal } from '../errors.ts';

/** Whoever is signed in, on a page that others may see, too; a session that is over is none. */
export async function findViewer(
  world: World,
  { headers }: Pick<Call, 'headers'>,
): Promise<Live | undefined> {
  try {
    const credential = await readCredential(world, headers);
    return credential && (await findSession(world, credential));
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
