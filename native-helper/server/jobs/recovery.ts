/** What a helper does at its start with the jobs of the helper before it. */
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { causeOf, JobletError } from '../../api/errors.ts';
import { JobStatus } from '../../api/gen/joblet_pb.js';
import type { Paths } from '../../api/paths.ts';
import type { CgroupTree } from '../../kernel/cgroup.ts';
import type { Logger } from '../log.ts';
import type { JobStore } from '../state/job-store.ts';
import { isBootOfHelperBefore, rememberBoot } from './boot.ts';
import { refuseLostSecrets } from './held-secrets.ts';
import { JobFolder } from './job-folder.ts';
import type { JobRunner } from './job-runner.ts';
import { LIVE_STATES } from './job-state.ts';
import { connectToMonitor } from './monitor-link.ts';
import { isShortage } from './shortage.ts';
import { storedSpec } from './specification.ts';

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
 * @throws JobletError (exhausted) when this process has no descriptor or memory to look at a job: it must not be taken for lost.
 */
export async function recover(options: RecoveryOptions): Promise<JobFolder[]> {
  try {
    await recoverJobs(options);
    await sweepProcesses(options);
    return await foldersOfNoJob(options);
  } catch (error) {
    throw isShortage(error) ? noRoomToRecover(error) : error;
  }
}

function noRoomToRecover(error: unknown): JobletError {
  const mend =
    'Jobs go on. Let the helper have more of them (`ulimit -n` for open files), then start it again.';
  const reason = error instanceof Error ? error.message : String(error);
  return new JobletError(
    'exhausted',
    { layer: 'jobs', operation: 'recover', object: '', reason, mend },
    { cause: error },
  );
}

async function recoverJobs(options: RecoveryOptions): Promise<void> {
  const { paths, store, logger } = options;
  const isSameBoot = isBootOfHelperBefore(paths);
  const uuids = store.uuidsWithStatus(LIVE_STATES);
  // Each comes to its end, even if one fails: while it goes on it needs the state, which is closed then.
  const recovered = await Promise.allSettled(uuids.map((uuid) => recoverJob(options, uuid, isSameBoot)));
  const neverRan = recovered.map((result) => {
    if (result.status === 'rejected') {
      throw result.reason;
    }
    return result.value;
  });
  // Before anything is started: what is then found half started was started in this boot.
  rememberBoot(paths, logger);
  await Promise.all(
    neverRan.filter((folder) => folder !== undefined).map((folder) => start(options, folder)),
  );
  options.runner.openSchedule();
}

/**
 * One job that can't be recovered must not keep the helper from the others.
 *
 * @returns its folder if it has still to be started.
 */
async function recoverJob(
  options: RecoveryOptions,
  uuid: string,
  isSameBoot: boolean,
): Promise<JobFolder | undefined> {
  const { store, runner, logger } = options;
  const folder = new JobFolder(options.paths, uuid);
  try {
    const status = store.statusOf(uuid);
    if (status === JobStatus.QUEUED) {
      return folder;
    }
    if (status === JobStatus.SCHEDULED) {
      refuseLostSecrets(storedSpec(store, uuid));
      return undefined;
    }
    const mayBeStarted = status === JobStatus.INITIALIZING && isSameBoot;
    return (await isSettled(options, folder, mayBeStarted)) ? undefined : folder;
  } catch (error) {
    if (isShortage(error)) {
      throw error;
    }
    logger.error({ err: error, job: uuid }, 'a job of the helper before could not be recovered');
    if (store.statusOf(uuid) === JobStatus.SCHEDULED) {
      await runner.refuse(folder, error);
      return undefined;
    }
    await runner.lose(folder, `it could not be recovered: ${causeOf(error)}`);
    return undefined;
  }
}

/**
 * Adopts a job, or writes down its end.
 *
 * A monitor holds the folder's lock from before it exists until it has ended, and makes the first of its files before the command may
 * run: a folder that is free and without them is that of a job that never ran. After a loss of power that proves nothing: files may not
 * have reached the disk.
 *
 * @returns false when the job never ran and may be started: then nothing was done.
 */
async function isSettled(
  { runner, monitorsFd, logger }: RecoveryOptions,
  folder: JobFolder,
  mayBeStarted: boolean,
): Promise<boolean> {
  for (let attempt = 1; attempt <= ANSWER_ATTEMPTS; attempt += 1) {
    // Asked for before the rest: a monitor that ends in between has left its record before it let go of the folder.
    const inUse = folder.isInUse();
    if (mayBeStarted && !inUse && !folder.hasBegun()) {
      return false;
    }
    try {
      runner.adopt(folder, await connectToMonitor(monitorsFd, folder.uuid));
      logger.info({ job: folder.uuid }, 'adopted a job of the helper before');
      return true;
    } catch (error) {
      if (isShortage(error)) {
        throw error;
      }
      logger.debug({ err: error, job: folder.uuid, inUse }, 'the monitor of a job does not answer');
    }
    if (!inUse) {
      await runner.settle(folder, 'its monitor ended without a record while no helper was watching');
      return true;
    }
    await delay(ANSWER_INTERVAL_MS);
  }
  await runner.settle(folder, 'its monitor runs, and does not answer');
  return true;
}

/** Starts a job that never ran, in a folder of its own again (that with its files if it has any), or writes down why it is not started. */
async function start({ store, runner, cgroups, logger }: RecoveryOptions, folder: JobFolder): Promise<void> {
  const { uuid } = folder;
  try {
    cgroups.kill(uuid);
    await cgroups.remove(uuid);
    folder.removeSocket();
    const spec = storedSpec(store, uuid);
    if (store.attemptCount(uuid) === 0 && spec.uploads.length === 0) {
      await folder.remove();
    }
    refuseLostSecrets(spec);
    runner.start(folder, spec, JobStatus.QUEUED);
    logger.info({ job: uuid }, 'starts a job of the helper before');
  } catch (error) {
    logger.error({ err: error, job: uuid }, 'a job of the helper before could not be started');
    await runner.refuse(folder, error);
  }
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
