/** The desktop app: one window, one link to the helper. Jobs never depend on it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { app, type BrowserWindow } from 'electron';
import { serveIpc } from '../ipc/serve.ts';
import { startHelper } from './helper-start.ts';
import { streamJob } from './job-stream.ts';
import { deleteJobs, runJob, stopJobs } from './jobs.ts';
import { streamJobs } from './jobs-stream.ts';
import { Link } from './link.ts';
import { createLog } from './log.ts';
import { streamLog } from './log-stream.ts';
import { createWindow, isOwnPage, lockContents, prepareSession, registerScheme } from './window.ts';

/** Where this bundle lies, beside the page's and the preload script's; the command line lies one above. */
const DIRECTORY = import.meta.dirname;
const JOBLET = join(DIRECTORY, '../joblet');

/** Chromium takes flags of its own from the same line. */
function rootFolder(): string {
  const { values } = parseArgs({
    args: process.argv.slice(1),
    options: { root: { type: 'string' } },
    strict: false,
  });
  return typeof values.root === 'string' ? values.root : '/';
}

async function main(): Promise<void> {
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  registerScheme();
  const root = rootFolder();
  const log = createLog(app.getPath('userData'));
  const report = (message: string, details: object) => log.warn(details, message);
  lockContents(report);
  const link = new Link({
    root,
    buildId: await readFile(join(DIRECTORY, '../build-id'), 'utf8'),
    installCommand: async () => `${JOBLET} helper start`,
    startHelper: () => startHelper(JOBLET, root),
  });
  let window: BrowserWindow | undefined;
  serveIpc({
    isTrusted: (frame) => isOwnPage(window, frame),
    report,
    requests: {
      'jobs.run': (request) => runJob(link, request),
      'jobs.stop': (request, signal) => stopJobs(link, request, signal),
      'jobs.delete': (request, signal) => deleteJobs(link, request, signal),
      'helper.start': async () => {
        await link.start();
        return {};
      },
    },
    streams: {
      link: (_request, signal) => link.state.values(signal),
      jobs: (_request, signal) => streamJobs(link, signal),
      job: ({ uuid }, signal) => streamJob(link, uuid, signal),
      log: (request, signal) => streamLog(link, request, signal),
    },
  });
  await app.whenReady();
  prepareSession(join(DIRECTORY, 'page'));
  window = createWindow(DIRECTORY);
  app.on('second-instance', () => {
    window?.show();
    window?.focus();
  });
  app.on('window-all-closed', () => app.quit());
  app.on('quit', () => link[Symbol.dispose]());
}

void main();
