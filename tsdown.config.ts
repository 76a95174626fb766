import client from './packages/client/tsdown.config.ts';
import guard from './packages/guard/tsdown.config.ts';
import server from './packages/server/tsdown.config.ts';

/** All packages, in one run: starting the tool takes longer than the build. */
export default [server, guard, client];
