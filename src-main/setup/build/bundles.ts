import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

export const COMMON: BuildOptions = {
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  legalComments: 'none',
  logLevel: 'warning',
};

/** What CommonJS has in place of a module's own address. */
const OWN_ADDRESS: BuildOptions = {
  define: {
    'import.meta.url': 'importMetaUrl',
    'import.meta.filename': '__filename',
    'import.meta.dirname': '__dirname',
  },
  banner: { js: "const importMetaUrl=require('node:url').pathToFileURL(__filename).href;" },
};

/** CommonJS, since a single executable's main script must be. */
export async function bundleHelper(output: string, buildId: string): Promise<void> {
  await bundle(buildId, { entryPoints: ['native-helper/server/main.ts'], outfile: output });
}

/**
 * CommonJS here too: an `import` of node:http evaluates all that it exports, WebSocket among it, and so loads undici;
 * `require` loads what is used.
 */
export async function bundleCommandLine(dist: string, buildId: string): Promise<void> {
  const directory = join(dist, 'cli');
  await rm(directory, { recursive: true, force: true });
  await bundle(buildId, {
    entryPoints: ['src-main/cli/main.ts', 'src-main/elevation/sudo-prompt-child.ts'],
    entryNames: '[name]',
    outdir: directory,
    outExtension: { '.js': '.cjs' },
    inject: ['src-main/cli/small-headers.ts'],
  });
}

/** @param buildId the SHA-256 that the code compares with the other side's */
export async function bundle(buildId: string, options: BuildOptions): Promise<void> {
  await build({
    ...COMMON,
    ...OWN_ADDRESS,
    ...options,
    define: { ...OWN_ADDRESS.define, __JOBLET_BUILD_ID__: JSON.stringify(buildId) },
  });
}
