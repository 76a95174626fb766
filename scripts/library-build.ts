import { defineConfig } from 'tsdown';

/**
 * How the platform-independent packages are built: one output file for each file in `src`, so that stack traces name
 * familiar files.
 */
export const libraryBuild = (folder: string) =>
  defineConfig({
    cwd: folder,
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
