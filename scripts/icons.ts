// Writes packages/server/src/pages/icons.ts from the icons of `lucide-static`; reference.ts calls it. Only the icons
// that pages use are copied, so the package itself is not shipped.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const source = resolve(root, 'node_modules/lucide-static');
const file = 'packages/server/src/pages/icons.ts';

/** The icons that pages use, by their names in the package. */
const names = [
  'activity',
  'book-open',
  'chevron-down',
  'chevron-right',
  'circle-alert',
  'circle-check',
  'circle-user-round',
  'copy',
  'download',
  'eye',
  'eye-off',
  'hard-drive-download',
  'inbox',
  'info',
  'key-round',
  'laptop',
  'layout-dashboard',
  'log-out',
  'mail',
  'monitor-smartphone',
  'pencil',
  'scroll-text',
  'settings',
  'shield',
  'smartphone',
  'tablet',
  'terminal',
  'trash-2',
  'triangle-alert',
  'users',
  'x',
];

/** The shapes of an icon, without the `svg` element around them. */
function shapesOf(name: string): string {
  const svg = readFileSync(resolve(source, `icons/${name}.svg`), 'utf8');
  const [, shapes = ''] = /<svg[^>]*>([\s\S]*)<\/svg>/.exec(svg) ?? [];
  return shapes.replaceAll(/\s*\n\s*/g, '').replaceAll(' />', '/>');
}

/** The license asks to be part of every copy. Our copies begin with it, also in the build (`@license`). */
function writeModule(): string {
  const license = readFileSync(resolve(source, 'LICENSE'), 'utf8').trim();
  // The list of the icons from another project is long, and its license applies to some of ours.
  const comment = license.split('\n').map((line) => ` * ${line}`.trimEnd());
  const entries = names.map((name) => `  '${name}':\n    '${shapesOf(name)}',\n`);
  return [
    '/*!\n * Written by `npm run reference` from the icons of Lucide (scripts/icons.ts). Change that file.\n * @license\n',
    `${comment.join('\n')}\n */\n`,
    '/** The shapes of the icons, on a square of 24 by 24. */\n',
    `export const icons = {\n${entries.join('')}} as const;\n`,
  ].join('');
}

/** Writes the file. With `checking`, only reports whether it is stale, and sets the exit code. */
export function keepIcons(checking: boolean): void {
  const text = writeModule();
  const target = resolve(root, file);
  if (existsSync(target) && readFileSync(target, 'utf8') === text) console.log(`${file}: current`);
  else if (checking) {
    console.error(`${file}: stale. Run \`npm run reference\`.`);
    process.exitCode = 1;
  } else {
    writeFileSync(target, text);
    console.log(`${file}: written`);
  }
}
