/** Who in the main process answers for which channel of the contract. */
import type { RequestHandlers, StreamHandlers } from '../ipc/serve.ts';
import { listCertificates } from './certificates.ts';
import type { Consoles } from './consoles.ts';
import type { Desktop } from './desktop.ts';
import { examineMachine } from './doctor.ts';
import type { Downloads } from './job-download.ts';
import { streamJob } from './job-stream.ts';
import type { JobUploads } from './job-uploads.ts';
import { cancelJobs, deleteJobs, pauseJobs, resumeJobs, runJob, saveJobLog, stopJobs } from './jobs.ts';
import { streamJobs } from './jobs-stream.ts';
import { readMatchingLines } from './log/log-matching-lines.ts';
import { findTimeInLog, readLogPart } from './log/log-parts.ts';
import { countMatches, streamSearch } from './log/log-search.ts';
import { streamLog } from './log/log-stream.ts';
import { readLogUsage } from './log-usage.ts';
import { streamMachine } from './machine.ts';
import { streamMetrics } from './metrics.ts';
import type { Observable } from './observable.ts';
import { parsePastedLine } from './pasted-line/parse.ts';
import {
  createNetwork,
  createVolume,
  listNetworks,
  listVolumes,
  removeNetwork,
  removeVolume,
} from './resources.ts';
import type { Services } from './services.ts';
import { streamUsage } from './usage-stream.ts';

export interface RequestSources extends Services {
  readonly desktop: Desktop;
  readonly consoles: Consoles;
  readonly uploads: JobUploads;
}

/**
 * A request that is not told of its end by the window goes on: it takes no time, or what came of it must be known, which a call
 * that is cut off leaves open (whether a job runs, which certificates hold), or others wait for it as well (a start of the helper).
 */
export function requestHandlers(sources: RequestSources): RequestHandlers {
  const { root, link, desktop, consoles, uploads, settings, presets } = sources;
  return {
    'jobs.run': (request) => runJob(uploads, request),
    'jobs.stop': (request, signal) => stopJobs(link, request, signal),
    'jobs.cancel': (request, signal) => cancelJobs(link, request, signal),
    'jobs.upload': ({ uuid }) => done(uploads.goOn(uuid)),
    'jobs.pause': (request, signal) => pauseJobs(link, request, signal),
    'jobs.resume': (request, signal) => resumeJobs(link, request, signal),
    'jobs.delete': (request, signal) => deleteJobs(link, request, signal),
    'jobs.parse': ({ line }) => parsePastedLine(line),
    'log.save': (request, signal) => saveJobLog(link, desktop, request, signal),
    'log.read': (request, signal) => readLogPart(link, request, signal),
    'log.lines': (request, signal) => readMatchingLines(link, request, signal),
    'log.count': (request, signal) => countMatches(link, request, signal),
    'log.find-time': (request, signal) => findTimeInLog(link, request, signal),
    'volumes.list': (_request, signal) => listVolumes(link, signal),
    'volumes.create': (request) => done(createVolume(link, request)),
    'volumes.remove': ({ name }) => done(removeVolume(link, name)),
    'networks.list': (_request, signal) => listNetworks(link, signal),
    'networks.create': (request) => done(createNetwork(link, request)),
    'networks.remove': ({ name }) => done(removeNetwork(link, name)),
    'console.type': ({ console, data }) => done(consoles.type(console, data)),
    'input.end': ({ console }) => done(consoles.endInput(console)),
    'console.resize': ({ console, size }) => done(consoles.resize(console, size)),
    'presets.list': async () => presets.list(),
    'presets.save': (preset) => done(presets.save(preset)),
    'presets.delete': ({ name }) => done(presets.delete(name)),
    'settings.change': (chosen) => done(settings.change(chosen)),
    'certificates.list': async () => listCertificates(root),
    'certificates.rotate': ({ authority }) => done(link.rotateCertificates(authority)),
    'logs.usage': (_request, signal) => readLogUsage(link, signal),
    doctor: (_request, signal) => examineMachine(link, signal),
    'paths.choose': ({ kind }) => desktop.askForPaths(kind),
    'clipboard.write': ({ text }) => done(desktop.write(text)),
    'address.open': ({ address }) => done(desktop.openAddress(address)),
    'helper.start': () => done(link.start()),
  };
}

export interface StreamSources extends Services {
  readonly consoles: Consoles;
  readonly downloads: Downloads;
  /** How many jobs of the machine run. */
  readonly countRunning: () => number;
  /** Whether anybody can see the window. */
  readonly isSeen: Observable<boolean>;
}

export function streamHandlers(sources: StreamSources): StreamHandlers {
  const { link, orders, settings } = sources;
  return {
    link: (_request, signal) => link.state.values(signal),
    settings: (_request, signal) => settings.current.values(signal),
    orders: (_request, signal) => orders.listen(signal),
    jobs: (_request, signal) => streamJobs(link, signal),
    metrics: (_request, signal) => streamMetrics(link, sources.isSeen, signal),
    machine: (_request, signal) => streamMachine(sources, signal),
    job: ({ uuid }, signal) => streamJob(link, uuid, signal),
    usage: ({ uuid }, signal) => streamUsage(link, uuid, signal),
    console: (request, signal) => sources.consoles.open(request, signal),
    input: (request, signal) => sources.consoles.openInput(request, signal),
    download: (request, signal) => sources.downloads.open(request, signal),
    log: (request, signal) => streamLog(link, request, signal),
    'log.search': (request, signal) => streamSearch(link, request, signal),
  };
}

async function done(work: Promise<void> | void): Promise<Record<string, never>> {
  await work;
  return {};
}
