/**
 * Builds everything that runs: `npm run build`. A step whose inputs have not changed is not done again.
 *
 * `--weaken` builds a second tree, dist-weak/, whose executor can leave out one layer of a job's sandbox. `npm run
 * escape` uses it to show that each of its tests would notice; it is never installed.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleApp } from './build/app.ts';
import { computeBuildId } from './build/build-id.ts';
import { bundleCommandLine, bundleHelper } from './build/bundles.ts';
import { compileExecutor, executorSources } from './build/executor.ts';
import { filesBelow } from './build/files.ts';
import { generateApi } from './build/generate-api.ts';
import { copyStarter, STARTER, writeLaunchers } from './build/launchers.ts';
import { makeSingleExecutable } from './build/single-executable.ts';
import { Stamps } from './build/stamps.ts';

const ROOT = join(import.meta.dirname, '../..');

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { weaken: { type: 'boolean', default: false } } });
  const weakened = values.weaken;
  process.chdir(ROOT);
  const dist = weakened ? 'dist-weak' : 'dist';
  await mkdir(dist, { recursive: true });
  await mkdir('dist', { recursive: true });
  const tools = ['package-lock.json', ...(await filesBelow('src-main/setup/build', ['.ts']))];
  const executor = join(dist, 'joblet-executor');
  const helperBundle = join(dist, 'helper.cjs');

  // Both trees use the one generated folder, and it is emptied before it is filled.
  const shared = await Stamps.open('dist/.stamps-shared.json');
  await shared.step(
    'protobuf code',
    [...(await filesBelow('native-helper/api', ['.proto'])), 'buf.yaml', 'buf.gen.yaml', ...tools],
    ['native-helper/api/gen/joblet_pb.js', 'native-helper/api/gen/joblet_pb.d.ts'],
    generateApi,
  );

  const stamps = await Stamps.open(join(dist, '.stamps.json'));
  const buildId = await computeBuildId(weakened);
  await stamps.step(
    'build id',
    [],
    [join(dist, 'build-id')],
    (output) => writeFile(output, buildId),
    buildId,
  );
  const sources = await executorSources();
  await stamps.step(
    'executor',
    [...sources, ...tools],
    [executor],
    () => compileExecutor(executor, { buildId, weakened }),
    buildId,
  );

  const helperSources = await filesBelow('native-helper', ['.ts', '.js']);
  await stamps.step(
    'helper bundle',
    [...helperSources, ...tools],
    [helperBundle],
    () => bundleHelper(helperBundle, buildId),
    buildId,
  );
  if (weakened) {
    return;
  }

  const commandLineSources = await filesBelow('src-main', ['.ts']);
  const apiSources = helperSources.filter((path) => path.startsWith('native-helper/api/'));
  await stamps.step(
    'command line',
    [...commandLineSources, ...apiSources, 'package.json', ...tools],
    [join(dist, 'cli/main.cjs')],
    () => bundleCommandLine(dist, buildId),
    buildId,
  );
  const pageSources = await filesBelow('src-renderer', ['.ts', '.svelte', '.css', '.html', '.json']);
  await stamps.step(
    'app',
    [...commandLineSources, ...apiSources, ...pageSources, 'package.json', ...tools],
    [join(dist, 'app/main.cjs'), join(dist, 'app/preload.cjs'), join(dist, 'app/page/index.html')],
    () => bundleApp(dist, buildId),
    buildId,
  );
  await stamps.step(
    'launchers',
    tools,
    [join(dist, 'joblet'), join(dist, 'rnx'), join(dist, 'joblet-desktop')],
    () => writeLaunchers(dist),
  );
  await stamps.step('starter', [STARTER, ...tools], [join(dist, 'elevate-start')], copyStarter);
  await stamps.step(
    'single executable',
    [executor, helperBundle, ...tools],
    [join(dist, 'joblet-helper')],
    (output) => makeSingleExecutable(output, { bundle: helperBundle, executor }),
  );
}

try {
  await main();
} catch (error) {
  process.stderr.write(`build: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
