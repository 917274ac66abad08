/**
 * `npm run pack`: the app as a folder that runs by itself, in dist/packed. Only with Electron's own build: the stand-in that
 * a checkout may run on is a third party's, and is never packed.
 */
import { join } from 'node:path';
import { obtainElectron } from './bootstrap/electron.mjs';
import {
  buildEverything,
  checkPlatform,
  installNpmPackages,
  PINNED_NODE,
  ROOT,
  toolEnvironment,
} from './bootstrap/prepare.mjs';
import { runVisibly } from './bootstrap/run.mjs';
import { runMain, SetupError, section, step } from './bootstrap/terminal.mjs';

const LOG = join(ROOT, 'dist/setup.log');

async function main() {
  section('Pack');
  checkPlatform();
  await installNpmPackages(LOG);
  await step('build', buildEverything);
  const electron = await obtainElectron(LOG);
  if (electron.isStandIn) {
    throw new SetupError(
      'pack',
      "only the stand-in for Electron is there, a third party's repackaging, which is never packed",
      "Pack where Electron's own download can be reached, or name a folder that holds it in ELECTRON_OVERRIDE_DIST_PATH.",
    );
  }
  const builder = join(ROOT, 'node_modules/electron-builder/cli.js');
  const argv = [
    builder,
    '--linux',
    'dir',
    `--config.electronDist=${electron.directory}`,
    `--config.electronVersion=${electron.version.replace(/^v/, '')}`,
  ];
  return runVisibly(PINNED_NODE, argv, toolEnvironment());
}

await runMain(main);
