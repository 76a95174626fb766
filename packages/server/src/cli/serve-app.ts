import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Usher } from '../app.ts';
import type { Application } from '../context.ts';
import type { Peer } from '../http/handle-request.ts';
import { Misuse } from './output.ts';

/** An application that is served with Usher in one process: it hands on to Usher what is not its own. */
export interface App {
  fetch(request: Request, peer: Peer): Response | Promise<Response>;
  /** Its first page: the first lines of the server and Usher's pages lead there. */
  home?: Application;
  /** Called once at the end, before Usher closes. */
  close?(): void | Promise<void>;
}

/** The default export of its module. */
export type MakeApp = (usher: Usher) => App | Promise<App>;

/** @throws Misuse for a file that is no such module. */
export async function importApp(file: string): Promise<MakeApp> {
  const path = resolve(file);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new Misuse(`File not found: ${path} (--app).`);
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(path).href);
  } catch (error) {
    throw new Misuse(`Couldn’t load ${path} (--app): ${(error as Error).message}`);
  }
  if (typeof module.default !== 'function')
    throw new Misuse(
      `${path} (--app) must have a default export: a function that receives Usher and returns { fetch }.`,
    );
  return async (usher) => {
    const app: Partial<App> | undefined = await (module.default as MakeApp)(usher);
    if (typeof app?.fetch !== 'function')
      throw new Misuse(
        `The default export of ${path} (--app) must return an object with a \`fetch\` function.`,
      );
    return app as App;
  };
}
