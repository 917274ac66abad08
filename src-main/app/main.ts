/** The desktop app: one window, one link to the helper. Jobs never depend on it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { app, type BrowserWindow } from 'electron';
import { serveIpc } from '../ipc/serve.ts';
import { rootFolderOf } from './command-line.ts';
import type { Damage } from './data-file.ts';
import { Desktop } from './desktop.ts';
import { requestHandlers, type Services, streamHandlers } from './handlers.ts';
import { startHelper } from './helper-start.ts';
import { Link } from './link.ts';
import { createLog } from './log.ts';
import { Orders } from './orders.ts';
import { PresetStore } from './presets.ts';
import { SettingsStore } from './settings.ts';
import { createWindow, isOwnPage, lockContents, prepareSession, registerScheme } from './window.ts';

/** Where this bundle lies, beside the page's and the preload script's. */
const DIRECTORY = import.meta.dirname;
/** Where the command line lies, which is run as a program, and so outside of a packed app's archive. */
const PROGRAMS = app.isPackaged ? join(process.resourcesPath, 'joblet') : join(DIRECTORY, '..');
const JOBLET = join(PROGRAMS, 'joblet');

async function main(): Promise<void> {
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  registerScheme();
  const root = rootFolderOf(process.argv.slice(1));
  const data = app.getPath('userData');
  const log = createLog(data);
  const report = (message: string, details: object) => log.warn(details, message);
  lockContents(report);
  let window: BrowserWindow | undefined;
  const damaged: Damage[] = [];
  const services: Services = {
    root,
    link: new Link({
      root,
      buildId: await readFile(join(PROGRAMS, 'build-id'), 'utf8'),
      installCommand: async () => `${JOBLET} helper start`,
      startHelper: () => startHelper(JOBLET, root),
    }),
    desktop: new Desktop(() => window),
    orders: new Orders(),
    settings: await SettingsStore.open(join(data, 'settings.json'), (damage) => damaged.push(damage)),
    presets: await PresetStore.open(join(data, 'presets.json'), (damage) => damaged.push(damage)),
  };
  serveIpc({
    isTrusted: (frame) => isOwnPage(window, frame),
    report,
    requests: requestHandlers(services),
    streams: streamHandlers(services),
  });
  await app.whenReady();
  prepareSession(join(DIRECTORY, 'page'));
  window = createWindow(DIRECTORY);
  for (const { path, keptAs, reason } of damaged) {
    report('a file could not be used', { path, keptAs, reason });
    void services.desktop.tell(`${path} could not be used.`, `${reason}\n\nIt is kept as ${keptAs}.`);
  }
  app.on('second-instance', () => {
    window?.show();
    window?.focus();
  });
  app.on('window-all-closed', () => app.quit());
  app.on('quit', () => services.link[Symbol.dispose]());
}

void main();
