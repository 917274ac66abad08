import { chmod, copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { run } from './run.ts';

export interface Parts {
  readonly bundle: string;
  readonly executor: string;
}

/** Node looks for its script behind this mark: https://nodejs.org/api/single-executable-applications.html */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** One file (ADR-001): this Node, the helper's bundle, koffi's library and the executor. */
export async function makeSingleExecutable(output: string, { bundle, executor }: Parts): Promise<void> {
  const platform = `linux-${process.arch}`;
  const koffi = createRequire(import.meta.url).resolve(
    `@koromix/koffi-${platform}/linux_${process.arch}/koffi.node`,
  );
  const folder = await mkdtemp(`${output}-`);
  try {
    const config = join(folder, 'sea-config.json');
    const blob = join(folder, 'sea.blob');
    const executable = join(folder, 'joblet-helper');
    await writeFile(
      config,
      JSON.stringify({
        main: resolve(bundle),
        output: resolve(blob),
        disableExperimentalSEAWarning: true,
        useCodeCache: true,
        // The environment of whoever starts it must not change how a program that runs as root behaves.
        execArgvExtension: 'none',
        assets: { 'koffi.node': koffi, 'joblet-executor': resolve(executor) },
      }),
    );
    await run(process.execPath, ['--experimental-sea-config', config]);
    await copyFile(process.execPath, executable);
    await chmod(executable, 0o755);
    await run('postject', [executable, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', FUSE]);
    await rename(executable, output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
