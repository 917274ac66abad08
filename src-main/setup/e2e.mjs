/** `npm run e2e`: sets up what the tests of the app need, and runs them; its arguments go to vitest. */
import { join } from 'node:path';
import { electronLibraries, obtainElectron } from './bootstrap/electron.mjs';
import {
  buildEverything,
  DESKTOP_SESSION,
  installSystemPackages,
  PINNED_NODE,
  ROOT,
  requireAll,
  toolEnvironment,
} from './bootstrap/prepare.mjs';
import { runVisibly } from './bootstrap/run.mjs';
import { runMain } from './bootstrap/terminal.mjs';

const LOG = join(ROOT, 'dist/setup.log');

async function main() {
  requireAll(await installSystemPackages(LOG, [...electronLibraries(), ...DESKTOP_SESSION]));
  const { directory } = await obtainElectron(LOG);
  await buildEverything();
  const argv = [join(ROOT, 'test/e2e/main.ts'), ...process.argv.slice(2)];
  return runVisibly(PINNED_NODE, argv, { ...toolEnvironment(), ELECTRON_OVERRIDE_DIST_PATH: directory });
}

await runMain(main);
