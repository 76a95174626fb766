import { defineConfig } from 'tsdown';

export default defineConfig({
  cwd: import.meta.dirname,
  entry: 'src/*.ts',
  unbundle: true,
  treeshake: false,
  format: 'esm',
  fixedExtension: false,
  platform: 'neutral',
  target: 'es2023',
  outDir: 'dist',
  clean: true,
  sourcemap: true,
  deps: { neverBundle: [/^[^./]/] },
  dts: false,
  report: false,
});
