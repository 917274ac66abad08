import { chmod, copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { run } from './run.ts';

export interface Parts {
  readonly bundle: string;
  readonly executor: string;
}

const MAIN = 'helper.cjs';
/** Node looks for its script behind this mark: https://nodejs.org/api/single-executable-applications.html */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/**
 * One file (ADR-001): this Node, the helper's bundle, koffi's library and the executor. The same parts make the same bytes, wherever
 * they lie: an administrator who has installed a build has installed that of every other checkout of it.
 */
export async function makeSingleExecutable(output: string, { bundle, executor }: Parts): Promise<void> {
  const platform = `linux-${process.arch}`;
  const koffi = createRequire(import.meta.url).resolve(
    `@koromix/koffi-${platform}/linux_${process.arch}/koffi.node`,
  );
  const folder = await mkdtemp(`${output}-`);
  try {
    const executable = join(folder, 'joblet-helper');
    await copyFile(bundle, join(folder, MAIN));
    await writeFile(
      join(folder, 'sea-config.json'),
      JSON.stringify({
        main: MAIN, // The name becomes a part of it.
        output: 'sea.blob',
        disableExperimentalSEAWarning: true,
        useCodeCache: true,
        // The environment of whoever starts it must not change how a program that runs as root behaves.
        execArgvExtension: 'none',
        assets: { 'koffi.node': koffi, 'joblet-executor': resolve(executor) },
      }),
    );
    // Code that V8 has compiled has random numbers in it, unless they are not random.
    await run(process.execPath, ['--random-seed=1', '--experimental-sea-config', 'sea-config.json'], folder);
    await copyFile(process.execPath, executable);
    await chmod(executable, 0o755);
    await run('postject', ['joblet-helper', 'NODE_SEA_BLOB', 'sea.blob', '--sentinel-fuse', FUSE], folder);
    await rename(executable, output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
