import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

const COMMON: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  legalComments: 'none',
  logLevel: 'warning',
};

/** CommonJS, since a single executable's main script must be. */
export async function bundleHelper(output: string, buildId: string): Promise<void> {
  await build({
    ...COMMON,
    entryPoints: ['native-helper/server/main.ts'],
    outfile: output,
    format: 'cjs',
    define: { __JOBLET_BUILD_ID__: JSON.stringify(buildId), 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl=require('node:url').pathToFileURL(__filename).href;" },
  });
}

/** Modules, split by command, so that a command loads only what it needs. */
export async function bundleCommandLine(dist: string, buildId: string): Promise<void> {
  const directory = join(dist, 'cli');
  await rm(directory, { recursive: true, force: true });
  await build({
    ...COMMON,
    entryPoints: ['src-main/cli/main.ts', 'src-main/elevation/sudo-prompt-child.ts'],
    entryNames: '[name]',
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    splitting: true,
    define: { __JOBLET_BUILD_ID__: JSON.stringify(buildId) },
    // Some of what is bundled is CommonJS and asks for Node's own modules by require.
    banner: {
      js: "import{createRequire as makeRequire}from'node:module';const require=makeRequire(import.meta.url);",
    },
  });
}
