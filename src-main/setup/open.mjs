/** `dist/joblet-desktop`: opens the app of this checkout, which `npm start` has set up. Its flags go to the app. */
import { join } from 'node:path';
import { hasDisplay, openApp } from './bootstrap/desktop.mjs';
import { electronLibraries, findElectron } from './bootstrap/electron.mjs';
import { isThere, ROOT } from './bootstrap/prepare.mjs';
import { runMain, SetupError } from './bootstrap/terminal.mjs';

async function main() {
  if (!(await hasDisplay())) {
    throw new SetupError(
      'joblet-desktop',
      'neither DISPLAY nor WAYLAND_DISPLAY names a display that answers',
      `Without one, use the command line: ${join(ROOT, 'dist/joblet')}`,
    );
  }
  const electron = findElectron();
  if (electron === undefined || electronLibraries().some(({ provides }) => !isThere(provides))) {
    throw new SetupError(
      'joblet-desktop',
      'Electron, or a library of it, is not there yet',
      'Run npm start.',
    );
  }
  await openApp(electron, process.argv.slice(2));
  return 0;
}

await runMain(main);
