/** Who in the main process answers for which channel of the contract. */
import type { RequestHandlers, StreamHandlers } from '../ipc/serve.ts';
import { listCertificates } from './certificates.ts';
import type { Desktop } from './desktop.ts';
import { examineMachine } from './doctor.ts';
import { streamJob } from './job-stream.ts';
import { deleteJobs, runJob, saveJobLog, stopJobs } from './jobs.ts';
import { streamJobs } from './jobs-stream.ts';
import type { Link } from './link.ts';
import { streamLog } from './log-stream.ts';
import { streamMachine } from './machine.ts';
import { streamMetrics } from './metrics.ts';
import type { Orders } from './orders.ts';
import { parsePastedLine } from './pasted-line/parse.ts';
import type { PresetStore } from './presets.ts';
import type { SettingsStore } from './settings.ts';

export interface Services {
  /** Folder that everything of Joblet lies under. */
  readonly root: string;
  readonly link: Link;
  readonly desktop: Desktop;
  readonly orders: Orders;
  readonly settings: SettingsStore;
  readonly presets: PresetStore;
}

export function requestHandlers({ root, link, desktop, settings, presets }: Services): RequestHandlers {
  return {
    'jobs.run': (request) => runJob(link, request),
    'jobs.stop': (request, signal) => stopJobs(link, request, signal),
    'jobs.delete': (request, signal) => deleteJobs(link, request, signal),
    'jobs.parse': ({ line }) => parsePastedLine(line),
    'log.save': (request, signal) => saveJobLog(link, desktop, request, signal),
    'presets.list': async () => presets.list(),
    'presets.save': (preset) => done(presets.save(preset)),
    'presets.delete': ({ name }) => done(presets.delete(name)),
    'settings.change': (chosen) => done(settings.change(chosen)),
    'certificates.list': async () => listCertificates(root),
    'certificates.rotate': ({ authority }) => done(link.rotateCertificates(authority)),
    doctor: () => examineMachine(link),
    'clipboard.write': ({ text }) => done(desktop.write(text)),
    'address.open': ({ address }) => done(desktop.openAddress(address)),
    'helper.start': () => done(link.start()),
  };
}

export function streamHandlers({ root, link, orders, settings }: Services): StreamHandlers {
  return {
    link: (_request, signal) => link.state.values(signal),
    settings: (_request, signal) => settings.current.values(signal),
    orders: (_request, signal) => orders.listen(signal),
    jobs: (_request, signal) => streamJobs(link, signal),
    metrics: (_request, signal) => streamMetrics(link, signal),
    machine: (_request, signal) => streamMachine(root, link, signal),
    job: ({ uuid }, signal) => streamJob(link, uuid, signal),
    log: (request, signal) => streamLog(link, request, signal),
  };
}

async function done(work: Promise<void> | void): Promise<Record<string, never>> {
  await work;
  return {};
}
