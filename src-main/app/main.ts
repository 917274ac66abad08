/** The desktop app: one window, one link to the helper. Jobs never depend on it. */
import { join } from 'node:path';
import { app, dialog, ipcMain } from 'electron';
import { serveIpc } from '../ipc/serve.ts';
import { Background } from './background.ts';
import { rootFolderOf } from './command-line.ts';
import { Consoles } from './consoles.ts';
import type { Damage } from './data-file.ts';
import { Desktop } from './desktop.ts';
import { requestHandlers, streamHandlers } from './handlers.ts';
import { Downloads } from './job-download.ts';
import { JobUploads } from './job-uploads.ts';
import { createLog, reportTo } from './log.ts';
import { openServices } from './services.ts';
import { lockContents, prepareSession, registerScheme } from './session.ts';
import { text } from './text.ts';
import { AppWindow } from './window.ts';

/** Where this bundle lies, beside the page's and the preload script's. */
const DIRECTORY = import.meta.dirname;
/** Where the command line and the helper lie, which are run as programs, and so outside of a packed app's archive. */
const PROGRAMS = app.isPackaged ? join(process.resourcesPath, 'joblet') : join(DIRECTORY, '..');

async function main(): Promise<void> {
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  registerScheme();
  const data = app.getPath('userData');
  const report = reportTo(createLog(data));
  lockContents(report);
  const damaged: Damage[] = [];
  const services = await openServices({
    root: rootFolderOf(process.argv.slice(1)),
    programs: PROGRAMS,
    data,
    onDamage: (damage) => damaged.push(damage),
  });
  await app.whenReady();
  await prepareSession(join(DIRECTORY, 'page'), report);

  let isQuitting = false;
  app.on('before-quit', () => {
    isQuitting = true;
  });
  const background = new Background(services, { show: () => window.show(), quit: () => app.quit() });
  const window = new AppWindow({
    directory: DIRECTORY,
    report,
    staysWhenClosed: () => !isQuitting && background.keepsRunning,
    onHidden: () => void background.stayOrQuit(),
    onPageGone: () => ipc.endAll(),
  });
  const desktop = new Desktop(() => window.window);
  const consoles = new Consoles(services.link);
  const uploads = new JobUploads({
    link: services.link,
    onFailure: (job, error) => {
      const reason = error instanceof Error ? error.message : String(error);
      report(`the files of ${job} were not uploaded`, { reason });
      desktop.tellOfUpload(job, reason).catch(() => {});
    },
  });
  const ipc = serveIpc(ipcMain, {
    isTrusted: (frame) => window.isOwnPage(frame),
    report,
    requests: requestHandlers({ ...services, desktop, consoles, uploads }),
    streams: streamHandlers({
      ...services,
      consoles,
      downloads: new Downloads(services.link, desktop),
      countRunning: () => background.countRunning(),
      isSeen: window.isSeen,
    }),
  });
  window.load();
  for (const damage of damaged) {
    report(`${damage.path} could not be used`, damage);
  }
  void window.isSeen
    .until((seen) => seen, new AbortController().signal)
    .then(() => desktop.tellOfDamage(damaged));
  app.on('second-instance', () => window.show());
  app.on('window-all-closed', () => app.quit());
  app.on('quit', () => {
    background[Symbol.dispose]();
    uploads[Symbol.dispose]();
    services.link[Symbol.dispose]();
  });
}

main().catch((error: unknown) => {
  // On Linux, before `ready`, it goes to standard error.
  dialog.showErrorBox(text.dialogs.notStarted, error instanceof Error ? error.message : String(error));
  app.exit(1);
});
