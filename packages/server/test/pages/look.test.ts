import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { accentStyle } from '../../src/pages/accent.ts';
import { send, startApp } from '../support/app.ts';
import { sqlite } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

/** What is set does not depend on the database. */
const { create } = sqlite;

describe('the accent', () => {
  const channel = (value: number) => (value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (hex: string) =>
    [0.2126, 0.7152, 0.0722].reduce(
      (sum, weight, i) => sum + weight * channel(Number.parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16) / 255),
      0,
    );
  const contrast = (a: string, b: string) => {
    const [x, y] = [luminance(a) + 0.05, luminance(b) + 0.05];
    return Math.max(x, y) / Math.min(x, y);
  };
  /** The shades for light and dark. */
  const shades = (style: string, name: string): [light: string, dark: string] => {
    const [, light = '', dark = ''] =
      new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(style) ?? [];
    return [light, dark];
  };

  it('can be read in light and dark, and text on it, whatever the operator chose', () => {
    const colour = fc.integer({ min: 0, max: 0xffffff }).map((n) => `#${n.toString(16).padStart(6, '0')}`);
    fc.assert(
      fc.property(colour, (accent) => {
        const style = accentStyle(accent);
        const [light, dark] = shades(style, 'accent');
        const [softLight, softDark] = shades(style, 'accent-soft');
        for (const ground of ['#ffffff', '#faf7f4', '#f3eee9', softLight])
          expect(contrast(light, ground)).toBeGreaterThanOrEqual(4.5);
        for (const ground of ['#1f1b1a', '#161312', '#282321', softDark])
          expect(contrast(dark, ground)).toBeGreaterThanOrEqual(4.5);
        for (const fill of shades(style, 'accent-fill'))
          expect(contrast(fill, '#ffffff')).toBeGreaterThanOrEqual(4.5);
      }),
      { examples: [['#000000'], ['#ffffff'], ['#ffff00'], ['#00ff00'], ['#777777'], ['#0000ff']] },
    );
  });

  it('stays as it was chosen where it can be read', () => {
    expect(shades(accentStyle('#8a2b3a'), 'accent')[0]).toBe('#8a2b3a');
  });
});

describe('name and logo', () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>';
  const write = (name: string, text: string): string => {
    const path = join(inject('folder'), name);
    writeFileSync(path, text);
    return path;
  };
  const { app } = withApp(create, () => ({ serviceName: 'A & B <Co>', logo: write('logo.svg', svg) }));

  it('are on every page, and nothing in them is markup of ours', async () => {
    const { text } = await send(app, 'GET', '/sign-in');
    expect(text).toContain('<title>Sign in · A &amp; B &lt;Co&gt;</title>');
    expect(text).toContain('<bdi>A &amp; B &lt;Co&gt;</bdi>');
    const [, address = ''] = /<img src="([^"]+)"/.exec(text) ?? [];
    expect(text).toContain(`<link rel="icon" type="image/svg+xml" href="${address}"`);
    const logo = await send(app, 'GET', address);
    expect([logo.headers.get('content-type'), logo.text]).toEqual(['image/svg+xml', svg]);
    // Opened by itself it runs nothing.
    expect(logo.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
  });

  it('are the icon that browsers ask for by themselves', async () => {
    const icon = await send(app, 'GET', '/favicon.ico');
    expect(icon.status).toBe(303);
    const logo = await send(app, 'GET', icon.headers.get('location') ?? '');
    expect([logo.headers.get('content-type'), logo.text]).toEqual(['image/svg+xml', svg]);
  });

  it('are kept by browsers as long as their URL is the same, and no longer', async () => {
    const { text } = await send(app, 'GET', '/sign-in');
    for (const [, address = ''] of text.matchAll(/"(\/assets\/[^"]+)"/g)) {
      expect(address).toMatch(/\?v=[\w-]{10}$/);
      const kept = async (of: string) => (await send(app, 'GET', of)).headers.get('cache-control');
      expect(await kept(address)).toBe('public, max-age=31536000, immutable');
      expect(await kept(`${address.split('?')[0]}?v=of-another`)).toBe('public, max-age=60');
    }
    for (const name of ['nothing', '__proto__', 'constructor'])
      expect((await send(app, 'GET', `/assets/${name}`)).status).toBe(404);
    for (const name of ['../app.js', '%2e%2e%2fapp.js'])
      expect((await send(app, 'GET', `/assets/${name}`)).status).toBe(400);
  });

  it.each([
    [
      'a file that is not there',
      () => ({ logo: '/nowhere/logo.svg' }),
      /^USHER_LOGO: couldn’t read \/nowhere\/logo\.svg/,
    ],
    ['what is no SVG', () => ({ logo: write('logo.png', '\x89PNG') }), /must be an SVG file/],
    ['a huge one', () => ({ logo: write('huge.svg', svg.padEnd(64_001)) }), /up to 64 KB/],
    [
      'a colour that is none',
      () => ({ accent: 'red' }),
      /accent must be a hex color such as #8a2b3a \(got "red"\)/,
    ],
  ])('refuse to start with %s', async (_, options, message) => {
    const other = await create();
    await expect(startApp(other, options())).rejects.toThrow(message);
    await other.remove();
  });
});
