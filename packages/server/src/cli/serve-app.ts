import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Usher } from '../app.ts';
import type { Application } from '../context.ts';
import type { Peer } from '../http/handle-request.ts';
import { Misuse } from './output.ts';

/** An application served in the same process as Usher; it passes requests that are not its own on to Usher. */
export interface App {
  fetch(request: Request, peer: Peer): Response | Promise<Response>;
  /** Its first page, which the server's start message and Usher's pages link to. */
  home?: Application;
  /** Called once at shutdown, before Usher closes. */
  close?(): void | Promise<void>;
}

/** The default export of its module. */
export type MakeApp = (usher: Usher) => App | Promise<App>;

/** @throws Misuse if the file is not such a module. */
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
