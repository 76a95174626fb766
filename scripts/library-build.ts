import { defineConfig } from 'tsdown';

/** How the packages are built that run anywhere: a file for each file of `src`, so that a stack trace names one that one knows. */
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
