import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Config, ConfigError, fileFault } from '../config.ts';
import type { AppContext, Assets } from '../context.ts';
import { HttpError } from '../errors.ts';
import type { Call, RouteResponse } from '../http/route.ts';
import { accentStyle } from './accent.ts';
import { seeOther } from './layout.tsx';

const own = (name: string): string => readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8');

/**
 * Loads what pages use: the files in the folder next to this module, and the operator's accent and logo. The URL of
 * each asset names its version, so a browser caches it until it changes.
 *
 * @throws ConfigError if the logo cannot be read.
 */
export function openAssets({ accent, logo }: Pick<Config, 'accent' | 'logo'>): Assets {
  const asset = (name: string, type: string, text: string): Assets => {
    const version = createHash('sha256').update(text).digest('base64url').slice(0, 10);
    return { [name]: { text, type, url: `/assets/${name}?v=${version}` } };
  };
  return {
    ...asset('usher.css', 'text/css; charset=utf-8', own('usher.css') + accentStyle(accent)),
    ...asset('pages.css', 'text/css; charset=utf-8', own('pages.css')),
    ...asset('usher.js', 'text/javascript; charset=utf-8', own('usher.js')),
    ...asset('session.js', 'text/javascript; charset=utf-8', own('session.js')),
    ...asset('chart.js', 'text/javascript; charset=utf-8', own('chart.js')),
    ...asset('follow.js', 'text/javascript; charset=utf-8', own('follow.js')),
    ...asset('list.js', 'text/javascript; charset=utf-8', own('list.js')),
    ...asset(
      'mark.svg',
      'image/svg+xml',
      logo === undefined ? own('mark.svg').replace('ACCENT', accent) : readLogo(logo),
    ),
  };
}

const MAX_BYTES = 64_000;

function readLogo(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(
      `USHER_LOGO: couldn’t read ${path}: ${fileFault(error)}. Name an SVG file that the user that runs usher can read.`,
    );
  }
  if (!/^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*<svg[\s>]/.test(text) || text.length > MAX_BYTES)
    throw new ConfigError(`USHER_LOGO must be an SVG file of up to 64 KB, but ${path} isn’t one.`);
  return text;
}

/** Leads to the icon that pages name, for browsers that ask without reading a page. */
export const favicon = ({ assets }: Pick<AppContext, 'assets'>): RouteResponse =>
  seeOther(assets['mark.svg']?.url ?? '/');

export const assetParams = z.strictObject({ name: z.string() });
export const assetQuery = z.object({ v: z.string().optional() });

export function assetFile(
  { assets }: Pick<AppContext, 'assets'>,
  { params, query }: Call<undefined, z.infer<typeof assetQuery>, z.infer<typeof assetParams>>,
): RouteResponse {
  const asset = Object.hasOwn(assets, params.name) ? assets[params.name] : undefined;
  if (!asset) throw new HttpError('not_found');
  // During an upgrade, the request may reach a process of the other version.
  const isThis = query.v !== undefined && asset.url.endsWith(`?v=${query.v}`);
  return {
    status: 200,
    text: asset.text,
    type: asset.type,
    shared: asset,
    headers: { 'cache-control': isThis ? 'public, max-age=31536000, immutable' : 'public, max-age=60' },
  };
}
