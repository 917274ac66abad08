import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { build as buildPage } from 'vite';
import { bundle, COMMON } from './bundles.ts';

const PROVIDED_BY_ELECTRON = ['electron'];

/** The three parts of the app, each for where it runs: Node, a sandbox that knows only `electron`, the page. */
export async function bundleApp(dist: string, buildId: string): Promise<void> {
  const directory = join(dist, 'app');
  await rm(directory, { recursive: true, force: true });
  await bundle(buildId, {
    entryPoints: ['src-main/app/main.ts'],
    outfile: join(directory, 'main.cjs'),
    external: PROVIDED_BY_ELECTRON,
  });
  await build({
    ...COMMON,
    entryPoints: ['src-main/ipc/preload.ts'],
    outfile: join(directory, 'preload.cjs'),
    external: PROVIDED_BY_ELECTRON,
  });
  await buildPage({ configFile: 'src-renderer/vite.config.ts', logLevel: 'warn' });
}
