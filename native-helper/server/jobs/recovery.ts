/** What a helper does at its start with the jobs of the helper before it. */
import { readdir, unlink } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { causeOf, JobletError } from '../../api/errors.ts';
import { JobStatus } from '../../api/gen/joblet_pb.js';
import type { CheckedJobSpec } from '../../api/job-spec.ts';
import type { Paths } from '../../api/paths.ts';
import type { CgroupTree } from '../../kernel/cgroup.ts';
import type { Logger } from '../log.ts';
import type { JobStore, StoredJob } from '../state/job-store.ts';
import { JobFolder } from './job-folder.ts';
import type { JobRunner } from './job-runner.ts';
import { LIVE_STATES } from './job-state.ts';
import { connectToMonitor } from './monitor-link.ts';
import { checkedSpec } from './specification.ts';

/** How long a monitor may be on its way up, or down, without answering: a loaded machine, a slow sync. */
const ANSWER_ATTEMPTS = 200;
const ANSWER_INTERVAL_MS = 50;

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

export interface RecoveryOptions {
  readonly paths: Paths;
  readonly store: JobStore;
  readonly runner: JobRunner;
  readonly cgroups: CgroupTree;
  readonly monitorsFd: number;
  readonly logger: Logger;
}

/**
 * Brings every job that has not ended to its present state, and takes away the processes and sockets of no job.
 *
 * @returns the folders of no job, for `sweepFolders`.
 */
export async function recover(options: RecoveryOptions): Promise<JobFolder[]> {
  const { store } = options;
  const uuids = store.uuidsWithStatus(LIVE_STATES);
  await Promise.all(uuids.map((uuid) => recoverJob(options, uuid)));
  await sweepProcesses(options);
  return foldersOfNoJob(options);
}

/** One job that can't be recovered must not keep the helper from the others. */
async function recoverJob(options: RecoveryOptions, uuid: string): Promise<void> {
  const { runner, logger } = options;
  const folder = new JobFolder(options.paths, uuid);
  try {
    await bringUpToDate(options, folder);
    logger.info({ job: uuid }, 'recovered a job of the helper before');
  } catch (error) {
    logger.error({ err: error, job: uuid }, 'a job of the helper before could not be recovered');
    await runner.lose(folder, `it could not be recovered: ${causeOf(error)}`);
  }
}

async function bringUpToDate(options: RecoveryOptions, folder: JobFolder): Promise<void> {
  const { store, runner, cgroups } = options;
  const job = store.get(folder.uuid);
  if (job === undefined || !neverRan(job, folder)) {
    await adoptOrSettle(options, folder);
    return;
  }
  cgroups.kill(folder.uuid);
  await cgroups.remove(folder.uuid);
  folder.removeSocket();
  await folder.remove();
  await resumeWaiting(runner, folder, job);
}

/**
 * A monitor makes the first of its files before the command may run, and holds the folder's lock from before it exists until it has
 * ended. After a loss of power that proves nothing: files may not have reached the disk, and the job may have run.
 */
function neverRan({ status, createdUs }: StoredJob, folder: JobFolder): boolean {
  const bootedUs = (Date.now() - uptime() * 1000) * 1000;
  return (
    status === JobStatus.QUEUED ||
    (status === JobStatus.INITIALIZING && createdUs > bootedUs && !folder.isInUse() && !folder.hasBegun())
  );
}

async function resumeWaiting(runner: JobRunner, folder: JobFolder, { spec }: StoredJob): Promise<void> {
  try {
    const checked = checkedSpec(spec);
    refuseLostSecrets(checked);
    runner.start(folder, checked, JobStatus.QUEUED);
  } catch (error) {
    await runner.refuse(folder, error);
  }
}

function refuseLostSecrets({ secretEnvironment }: CheckedJobSpec): void {
  if (Object.keys(secretEnvironment).length > 0) {
    throw new JobletError('unavailable', {
      layer: 'secrets',
      operation: 'start',
      object: '',
      reason: 'the helper ended before the job was started, and secret values are never stored',
      mend: '',
    });
  }
}

async function adoptOrSettle(
  { runner, monitorsFd, logger }: RecoveryOptions,
  folder: JobFolder,
): Promise<void> {
  for (let attempt = 1; attempt <= ANSWER_ATTEMPTS; attempt += 1) {
    // Asked for before connecting: a monitor that ends in between has left its record before it let go of the folder.
    const inUse = folder.isInUse();
    try {
      runner.adopt(folder, await connectToMonitor(monitorsFd, folder.uuid));
      return;
    } catch (error) {
      logger.debug({ err: error, job: folder.uuid, inUse }, 'the monitor of a job does not answer');
    }
    if (!inUse) {
      await runner.settle(folder, 'its monitor ended without a record while no helper was watching');
      return;
    }
    await delay(ANSWER_INTERVAL_MS);
  }
  await runner.settle(folder, 'its monitor runs, and does not answer');
}

/** What dead monitors could not take away. */
async function sweepProcesses({ paths, runner, cgroups, logger }: RecoveryOptions): Promise<void> {
  for (const uuid of cgroups.jobs().filter((job) => !runner.isLive(job))) {
    await remove(logger, 'cgroup', uuid, () => {
      cgroups.kill(uuid);
      return cgroups.remove(uuid);
    });
  }
  for (const uuid of await uuidsIn(paths.monitorsDirectory)) {
    if (!runner.isLive(uuid)) {
      await remove(logger, 'socket', uuid, () => unlink(join(paths.monitorsDirectory, uuid)));
    }
  }
}

/** What Deletes that were cut short have left. Of all folders now: one of a later job belongs to it, or to its own Delete. */
async function foldersOfNoJob({ paths, store }: RecoveryOptions): Promise<JobFolder[]> {
  const uuids = await uuidsIn(paths.jobsDirectory);
  return uuids.filter((uuid) => store.statusOf(uuid) === undefined).map((uuid) => new JobFolder(paths, uuid));
}

/**
 * Removes folders of no job. They may hold millions of files, so nobody waits for it.
 *
 * @param signal nothing more is removed once it is aborted; the next helper goes on.
 */
export async function sweepFolders(
  folders: readonly JobFolder[],
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  for (const folder of folders) {
    if (signal.aborted) {
      return;
    }
    await remove(logger, 'folder', folder.uuid, () => folder.remove(signal).catch(unlessAborted(signal)));
  }
}

function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) {
      throw error;
    }
  };
}

/** What can't be removed now must not keep the helper from its jobs. */
async function remove(
  logger: Logger,
  what: string,
  uuid: string,
  action: () => Promise<void>,
): Promise<void> {
  logger.warn({ job: uuid }, `removing the ${what} of a job that does not need it`);
  try {
    await action();
  } catch (error) {
    logger.error({ err: error, job: uuid }, `the ${what} could not be removed`);
  }
}

/** Entries with other names are nobody's that we know, and stay. */
async function uuidsIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => UUID.test(name));
}
