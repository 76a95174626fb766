import { globSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { defineConfig } from 'tsdown';

// Where `usher serve` is started, too, when it runs under the watching build: its files then lie where they always do.
const root = resolve(import.meta.dirname, '../..');
// Style sheets, scripts for the browser and word lists lie beside the code that serves them, and go with it.
const others = globSync('packages/server/src/**/*.{css,js,svg,txt,html,json,woff2}', { cwd: root });

export default defineConfig({
  cwd: root,
  // Every file is an entry, and none is merged with another: dist/ is src/ without the types. So what is loaded by
  // URL (the hashing worker) is found where it was, and a stack trace names the file one knows.
  entry: ['packages/server/src/**/*.{ts,tsx}', '!**/*.d.ts'],
  root: 'packages/server/src',
  unbundle: true,
  treeshake: false,
  format: 'esm',
  fixedExtension: false,
  platform: 'node',
  target: 'node24',
  outDir: 'packages/server/dist',
  clean: true,
  sourcemap: true,
  // What is imported by name is installed, not built in. A pattern, because looking up each package takes longer than the build.
  deps: { neverBundle: [/^[^./]/] },
  // Types are for the package that is published, and cost more time than all the rest: `prepack` builds them, too.
  dts: false,
  copy: others.map((from) => ({ from, to: dirname(from.replace('/src/', '/dist/')) })),
  plugins: [{ name: 'modules-by-url', transform: renameModulesByUrl }],
  report: false,
});

/** Imports get their new ending from the bundler; a module that is named by `new URL('./x.ts', import.meta.url)` does not. */
function renameModulesByUrl(code: string): { code: string; map: null } | null {
  const byUrl = /(new URL\(\s*['"]\.[^'"]*)\.ts(['"],\s*import\.meta\.url)/g;
  // The same length: the source map stays true.
  return byUrl.test(code) ? { code: code.replace(byUrl, '$1.js$2'), map: null } : null;
}
