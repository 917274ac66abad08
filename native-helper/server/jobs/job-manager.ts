/** The job service: what the API can ask of jobs. It checks, delegates, and shows. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { create } from '@bufbuild/protobuf';
import type { ServerConfig } from '../../api/config-schema.ts';
import { JobletError } from '../../api/errors.ts';
import {
  type DoctorCheck,
  type GetLogsRequest,
  type Job,
  type JobEvent,
  type JobMetrics,
  type JobSpec,
  JobStatus,
  type ListJobsRequest,
  type ListJobsResponse,
  ListJobsResponseSchema,
  type LogChunk,
  type UploadFilesRequest,
} from '../../api/gen/joblet_pb.js';
import { type CheckedJobSpec, MAX_DURATION_MS } from '../../api/job-spec.ts';
import type { Paths } from '../../api/paths.ts';
import { CgroupTree } from '../../kernel/cgroup.ts';
import type { Assets } from '../assets.ts';
import type { Logger } from '../log.ts';
import { refuseOddPattern } from '../logs/grep.ts';
import { LogKeeper } from '../logs/log-keeper.ts';
import { readLog } from '../logs/log-reader.ts';
import { searchLog } from '../logs/log-search.ts';
import { LogStore } from '../logs/log-store.ts';
import { type CallerGroups, NO_GROUPS } from '../mounts/caller.ts';
import { JobMounts } from '../mounts/job-mounts.ts';
import { NetworkStore } from '../networks/network-store.ts';
import { Networks } from '../networks/networks.ts';
import { CommitQueue } from '../state/commit-queue.ts';
import { openDatabase } from '../state/database.ts';
import { firstDueUs, type JobRecord, JobStore, type StoredJob } from '../state/job-store.ts';
import { refuseWithoutRoom, workBytesOf } from '../storage/work-room.ts';
import { VolumeManager } from '../volumes/volume-manager.ts';
import { costChecks } from './cost.ts';
import { doctorChecks } from './doctor.ts';
import { JobChanges } from './job-changes.ts';
import { JobFolder, refuseFullDisk } from './job-folder.ts';
import { findJob, noSuchJob } from './job-id.ts';
import { pageOf } from './job-list.ts';
import { JobRunner } from './job-runner.ts';
import { JobSessions } from './job-sessions.ts';
import { ENDED_STATES, hasEnded, hasMonitor, LIVE_STATES, MONITORED_STATES } from './job-state.ts';
import { jobMessage, storable } from './job-view.ts';
import { refuseManyIds, watchJobs } from './job-watch.ts';
import { KeepAwake } from './keep-awake.ts';
import { readHistory } from './metrics/history.ts';
import { MetricsRecorder } from './metrics/recorder.ts';
import { checkedInterval, watchMetrics } from './metrics/watch.ts';
import { MonitorLauncher } from './monitor-launcher.ts';
import { recover, sweepFolders } from './recovery.ts';
import { reportLines } from './report.ts';
import { checkedSpec } from './specification.ts';
import { isAwaitingFiles, Uploads } from './uploads.ts';

/** Jobs that are deleted together: one commit, and a bounded list of ids. */
const DELETE_BATCH = 1000;
/** For a monitor to end its job, beyond the grace time, and again for it to record the end of one that the helper killed. */
const MONITOR_PATIENCE_MS = 5000n;
/** What is made for a job before it has a monitor, such as its network, takes long where many are started, or a disk is slow. */
const PREPARATION_PATIENCE_MS = 60_000n;
const SLACK_MS = 60_000n;
/** setTimeout knows no longer time, about 25 days. */
const LONGEST_WAIT_MS = 2n ** 31n - 1n;
/** Of a caller that does not leave. */
const NEVER = new AbortController().signal;
const MAX_OFFSET = BigInt(Number.MAX_SAFE_INTEGER);

export interface JobManagerOptions {
  readonly paths: Paths;
  readonly assets: Assets;
  readonly logger: Logger;
  readonly nodeId: string;
  readonly jobsConfig: ServerConfig['jobs'];
  readonly logsConfig: ServerConfig['logs'];
  readonly networksConfig: ServerConfig['networks'];
}

export class JobManager {
  readonly volumes: VolumeManager;
  readonly #options: JobManagerOptions;
  readonly #database: DatabaseSync;
  readonly #store: JobStore;
  readonly #commits: CommitQueue;
  readonly #changes = new JobChanges();
  readonly #logs = new LogStore();
  readonly #cgroups: CgroupTree;
  readonly #launcher: MonitorLauncher;
  readonly #awake: KeepAwake;
  readonly #recorder: MetricsRecorder;
  readonly networks: Networks;
  readonly #mounts: JobMounts;
  readonly #runner: JobRunner;
  readonly sessions: JobSessions;
  readonly logKeeper: LogKeeper;
  readonly #uploads: Uploads;
  readonly #closing = new AbortController();
  #sweep: Promise<void> = Promise.resolve();
  #cost: Promise<DoctorCheck[]> | undefined;

  private constructor(options: JobManagerOptions, database: DatabaseSync) {
    const { paths, assets, jobsConfig, logsConfig, logger } = options;
    this.#options = options;
    this.#database = database;
    this.#store = new JobStore(database);
    this.#commits = new CommitQueue(database, paths.database);
    this.volumes = new VolumeManager({
      paths,
      database,
      commits: this.#commits,
      owner: jobsConfig,
      logger,
    });
    this.#cgroups = CgroupTree.prepare(paths.root);
    this.#launcher = new MonitorLauncher({
      paths,
      jobsConfig,
      logsConfig,
      cgroups: this.#cgroups,
      executor: assets.executor,
      openVolume: (name) => this.volumes.open(name),
      buildId: assets.buildId,
      logger,
    });
    this.#awake = new KeepAwake(jobsConfig.keep_awake, logger);
    this.#recorder = new MetricsRecorder({
      usageOf: (uuid) => this.#cgroups.usage(uuid),
      logger,
      onRunning: (isRunning) => this.#awake.hold(isRunning),
    });
    this.networks = new Networks({
      root: paths.root,
      store: new NetworkStore(database),
      commits: this.#commits,
      config: options.networksConfig,
      executorFd: this.#launcher.executorFd,
      logger,
    });
    this.#mounts = new JobMounts({
      paths,
      database,
      jobsConfig,
      executorFd: this.#launcher.executorFd,
    });
    this.#runner = new JobRunner({
      paths,
      recorder: this.#recorder,
      store: this.#store,
      commits: this.#commits,
      changes: this.#changes,
      launcher: this.#launcher,
      mounts: this.#mounts,
      cgroups: this.#cgroups,
      networks: this.networks,
      logger,
      jobsConfig,
      logsConfig,
    });
    this.sessions = new JobSessions({ store: this.#store, changes: this.#changes, runner: this.#runner });
    this.logKeeper = new LogKeeper({
      config: options.logsConfig,
      logs: this.#logs,
      owners: {
        isKnown: (uuid) => this.#store.statusOf(uuid) !== undefined,
        running: () => this.#store.uuidsWithStatus([...MONITORED_STATES]),
        endedAfter: (place, beforeUs, limit) => this.#store.endedAfter(place, beforeUs, limit),
        endedBefore: (later) => this.#store.endedBefore(later),
      },
      jobsDirectory: paths.jobsDirectory,
      folderOf: (uuid) => new JobFolder(paths, uuid).path,
      logger,
    });
    this.#uploads = new Uploads({
      paths,
      store: this.#store,
      commits: this.#commits,
      changes: this.#changes,
      runner: this.#runner,
      jobsConfig,
    });
  }

  /**
   * Opens the state, whose folders must be there, brings its schema up to date, goes on with the jobs that run, and begins to remove what
   * belongs to none.
   *
   * @throws JobletError when the state can't be opened or there is no usable cgroup v2 tree.
   */
  static async open(options: JobManagerOptions): Promise<JobManager> {
    const { paths, logger } = options;
    const database = openDatabase(paths.database);
    try {
      const manager = new JobManager(options, database);
      await manager.#mendState();
      await manager.volumes.recover();
      await manager.networks.restore((uuid) => startedSpec(manager.#store, uuid));
      const leftovers = await recover({
        paths,
        store: manager.#store,
        runner: manager.#runner,
        cgroups: manager.#cgroups,
        monitorsFd: manager.#launcher.monitorsFd,
        logger,
      });
      manager.#uploads.open();
      manager.#changes.subscribe('all', manager.logKeeper.look);
      manager.logKeeper.look();
      manager.#sweep = sweepFolders(leftovers, manager.#closing.signal, logger);
      return manager;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /**
   * Makes the job durable; it is started after the answer.
   *
   * @throws JobletError: invalid (a field is out of its bounds), refused (asked for and not possible here) or exhausted
   *   (the disk is full). Then nothing is left of the job.
   */
  async run(spec: JobSpec, ownerUid: number, groups: CallerGroups = NO_GROUPS): Promise<Job> {
    const checked = checkedSpec(spec);
    const caller = { uid: ownerUid, ...groups };
    this.#launcher.refuseImpossible(checked);
    this.networks.refuseImpossible(checked, ownerUid);
    refuseFullDisk(this.#options.paths.jobsDirectory);
    await this.#mounts.check(checked, caller);
    this.#refuseWithoutRoom(checked);
    const nowUs = Date.now() * 1000;
    refuseFarStart(checked, nowUs);
    const uuid = randomUUID();
    const hasUploads = checked.uploads.length > 0;
    const isLater = hasUploads || checked.startAtUs > nowUs;
    if (isLater || checked.retry.attempts > 0) {
      this.#runner.holdSecrets(uuid, checked);
    }
    const status = isLater ? JobStatus.SCHEDULED : this.#runner.reserve();
    const job = newJob({ uuid, status, ownerUid, nowUs, spec });
    const folder = new JobFolder(this.#options.paths, uuid);
    try {
      if (hasUploads) {
        await folder.createFor(checked, this.#options.jobsConfig);
        folder.keep();
      }
      await this.#commits.commit(() => {
        this.volumes.require(checked.volumes);
        this.networks.require(checked.network);
        // Again: others have been handed over while the folder was made.
        this.#refuseWithoutRoom(checked, uuid);
        this.#store.insert(job);
        this.#mounts.keep(job.uuid, checked, caller);
      }, 'durable');
    } catch (error) {
      this.#runner.release(status);
      this.#runner.forgetSecrets(uuid);
      if (hasUploads) {
        await this.#removeFolder(folder);
      }
      throw error;
    }
    if (hasUploads) {
      this.#uploads.look();
    } else if (isLater) {
      this.#runner.schedule();
    } else {
      this.#runner.start(folder, checked, status);
    }
    this.#changes.announce(uuid);
    return this.#show(job);
  }

  /** @throws JobletError: invalid or not_found. */
  get(id: string): Job {
    const job = this.#require(this.#find(id));
    const folder = new JobFolder(this.#options.paths, job.uuid);
    return {
      ...this.#show(job),
      report: reportLines(folder),
      logBytes: BigInt(folder.logBytes()),
    };
  }

  /** @throws JobletError (invalid) when the page token is none of ours or the page too large. */
  list(request: ListJobsRequest): ListJobsResponse {
    const { jobs, nextPageToken } = pageOf(this.#store, request);
    return create(ListJobsResponseSchema, { jobs: jobs.map((job) => this.#show(job)), nextPageToken });
  }

  /**
   * @param ids empty: every job that has not ended, and every new one.
   * @throws JobletError: invalid or not_found.
   */
  watch(ids: readonly string[], signal: AbortSignal): AsyncIterable<JobEvent> {
    refuseManyIds(ids);
    const all = ids.length === 0;
    return watchJobs({
      uuids: all ? this.#store.uuidsWithStatus(LIVE_STATES) : [...new Set(ids.map((id) => this.#find(id)))],
      scope: all ? 'all' : 'these',
      changes: this.#changes,
      read: (uuid) => {
        const job = this.#store.get(uuid);
        return job && this.#show(job);
      },
      signal,
    });
  }

  /**
   * Resolves when the job has ended; a job that has ended already is answered as it is.
   *
   * @param graceMs between SIGTERM and the end of the whole job; undefined: what the job, or else the configuration, says.
   * @param signal the caller has left: nothing is held for it any more, and the job is ended all the same.
   * @throws JobletError: invalid, not_found, or unavailable: the job is still being prepared, and ends before its command runs; or it
   *   was killed, but its monitor does not record the end.
   */
  async stop(id: string, graceMs?: bigint, signal = NEVER): Promise<Job> {
    if (graceMs !== undefined && graceMs > MAX_DURATION_MS) {
      throw new JobletError('invalid', {
        layer: 'job',
        operation: 'stop',
        object: 'grace_ms',
        reason: `${graceMs} is more than ${MAX_DURATION_MS}`,
        mend: '',
      });
    }
    const uuid = this.#find(id);
    const hasRun = this.#store.attemptCount(uuid) > 0;
    if (await this.#endScheduled(uuid, hasRun ? JobStatus.STOPPED : JobStatus.CANCELED)) {
      return this.get(uuid);
    }
    const { spec } = this.#require(uuid);
    const ownGrace = spec.stopGraceMs || BigInt(this.#options.jobsConfig.stop_grace_ms);
    const grace = graceMs ?? ownGrace;
    this.#runner.stop(uuid, grace);
    const isAsked = () => this.#runner.hasMonitor(uuid) || this.#hasEnded(uuid);
    if (!(await this.#reaches(uuid, isAsked, PREPARATION_PATIENCE_MS, signal))) {
      throw isBeingPrepared(uuid);
    }
    const ends = (milliseconds: bigint) =>
      this.#reaches(uuid, () => this.#hasEnded(uuid), milliseconds, signal);
    if (!(await ends(grace + MONITOR_PATIENCE_MS))) {
      this.#options.logger.warn({ job: uuid }, 'a monitor does not end its job; the helper kills it');
      this.#cgroups.kill(uuid);
      if (!(await ends(MONITOR_PATIENCE_MS))) {
        throw monitorIsDeaf(
          'stop',
          'every process of the job was killed, but its monitor does not record the end',
          join(this.#options.paths.monitorsDirectory, uuid),
        );
      }
    }
    return this.get(uuid);
  }

  /**
   * Resolves when every process of the job stands still; a paused job is answered as it is.
   *
   * @throws JobletError: invalid, not_found, conflict (it does not run), refused (an older monitor), or unavailable: it can't be frozen,
   *   and goes on.
   */
  async pause(id: string): Promise<Job> {
    const uuid = this.#find(id);
    const { status } = this.#require(uuid);
    if (status !== JobStatus.PAUSED) {
      refuseUnless(status === JobStatus.RUNNING, uuid, status, 'pause');
      await this.#untilGreeted(uuid);
      this.#runner.pause(uuid);
      if (!(await this.#leaves(uuid, JobStatus.RUNNING))) {
        this.#runner.resume(uuid);
        throw doesNotFreeze(uuid);
      }
    }
    return this.get(uuid);
  }

  /**
   * Resolves when the job goes on; one that runs is answered as it is.
   *
   * @throws JobletError: invalid, not_found, conflict (it is not paused), or unavailable (its monitor does not answer).
   */
  async resume(id: string): Promise<Job> {
    const uuid = this.#find(id);
    const { status } = this.#require(uuid);
    if (status !== JobStatus.RUNNING) {
      refuseUnless(status === JobStatus.PAUSED, uuid, status, 'resume');
      this.#runner.resume(uuid);
      if (!(await this.#leaves(uuid, JobStatus.PAUSED))) {
        throw this.#noAnswer('resume', uuid);
      }
    }
    return this.get(uuid);
  }

  /** @throws JobletError (conflict) when the job is not SCHEDULED. */
  async cancel(id: string): Promise<Job> {
    const uuid = this.#find(id);
    if (!(await this.#endScheduled(uuid, JobStatus.CANCELED))) {
      const { status } = this.#require(uuid);
      throw new JobletError('conflict', {
        layer: 'job',
        operation: 'cancel',
        object: uuid,
        reason: `is ${JobStatus[status]}, and only what is SCHEDULED can be canceled`,
        mend: hasEnded(status) ? '' : `Stop it instead: joblet job stop ${uuid}`,
      });
    }
    return this.get(uuid);
  }

  /** @throws JobletError (conflict) when the job has not ended. */
  async delete(id: string): Promise<string> {
    const uuid = this.#find(id);
    const { status } = this.#require(uuid);
    if (!hasEnded(status)) {
      throw new JobletError('conflict', {
        layer: 'job',
        operation: 'delete',
        object: uuid,
        reason: `is ${JobStatus[status]}`,
        mend:
          status === JobStatus.SCHEDULED
            ? `Cancel it first: joblet job cancel ${uuid}`
            : `Stop it first: joblet job stop ${uuid}`,
      });
    }
    if ((await this.#remove([uuid])) === 0) {
      throw noSuchJob(uuid);
    }
    return uuid;
  }

  /** Deletes every job that has ended by now. */
  async deleteAll(): Promise<{ deleted: number; skippedRunning: number }> {
    let deleted = 0;
    for (let left = this.#store.count(ENDED_STATES); left > 0; left -= DELETE_BATCH) {
      const uuids = this.#store.uuidsWithStatus(ENDED_STATES, Math.min(left, DELETE_BATCH));
      deleted += await this.#remove(uuids);
    }
    return { deleted, skippedRunning: this.#store.count(LIVE_STATES) };
  }

  /** @throws JobletError: invalid or not_found. */
  logs(request: GetLogsRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
    refuseEndOfFollowed(request);
    refusePlacesOfNothing(request);
    const { pattern, placesOnly } = request;
    const uuid = this.#find(request.id);
    const folder = new JobFolder(this.#options.paths, uuid);
    const asked = {
      store: this.#logs,
      folder: folder.path,
      selection: {
        offset: safeOffset(request.offset),
        sinceUs: request.sinceUs,
        untilUs: request.untilUs,
        tailLines: request.tailLines,
        endOffset: safeOffset(request.endOffset),
        tailBytes: safeOffset(request.tailBytes),
      },
      stream: request.stream,
      follow: request.follow,
      hasEnded: () => this.#hasEnded(uuid),
      onChange: (listener: () => void) => this.#changes.subscribe([uuid], listener),
      signal,
    };
    if (pattern === undefined) {
      return readLog(asked);
    }
    refuseOddPattern(pattern);
    return searchLog({ ...asked, pattern, placesOnly, executorFd: this.#launcher.executorFd });
  }

  /**
   * @returns the folder that a job sees as /work, where it can be read.
   * @throws JobletError: invalid or not_found.
   */
  async workOf(id: string): Promise<string> {
    const folder = new JobFolder(this.#options.paths, this.#find(id));
    await folder.attachWork();
    return folder.work;
  }

  /**
   * Takes files of the owner's into the folder of a job that waits for them. With the last it begins to wait for its start.
   *
   * @throws JobletError: invalid, not_found, refused (another's job), conflict (it does not wait for files), or exhausted.
   */
  async upload(
    messages: AsyncIterable<UploadFilesRequest>,
    ownerUid: number,
    signal: AbortSignal,
  ): Promise<Job> {
    const { uuid, isDueNow } = await this.#uploads.receive(messages, ownerUid, signal);
    if (isDueNow) {
      await this.#leaves(uuid, JobStatus.SCHEDULED);
    }
    return this.get(uuid);
  }

  /**
   * @param ids empty: all that run, and those that start later.
   * @throws JobletError: invalid or not_found.
   */
  metrics(ids: readonly string[], intervalMs: number, signal: AbortSignal): AsyncIterable<JobMetrics> {
    refuseManyIds(ids);
    const named = new Set(ids.map((id) => this.#find(id)));
    return watchMetrics({
      uuids: named.size === 0 ? 'all' : named,
      running: () => this.#store.uuidsWithStatus([JobStatus.RUNNING, JobStatus.PAUSED]),
      hasEnded: (uuid) => this.#hasEnded(uuid),
      intervalMs: checkedInterval(intervalMs),
      usageOf: (uuid) => this.#cgroups.usage(uuid),
      signal,
    });
  }

  /** @throws JobletError: invalid or not_found. */
  metricsOf(id: string, follow: boolean, signal: AbortSignal): AsyncIterable<JobMetrics> {
    const uuid = this.#find(id);
    return readHistory({
      uuid,
      path: new JobFolder(this.#options.paths, uuid).metrics,
      follow,
      hasEnded: () => this.#hasEnded(uuid),
      onChange: (listener) => {
        const subscriptions = new DisposableStack();
        for (const changes of [this.#changes, this.#recorder.samples]) {
          subscriptions.use(changes.subscribe([uuid], listener));
        }
        return subscriptions;
      },
      signal,
    });
  }

  async doctor(): Promise<DoctorCheck[]> {
    return [...doctorChecks(this.#cgroups), this.#awake.examine(), ...(await this.#measureCost())];
  }

  /** Whoever asks while it is measured gets the same figures: two measurements at one time would spoil each other. */
  async #measureCost(): Promise<DoctorCheck[]> {
    this.#cost ??= costChecks({ ...this.#options, launcher: this.#launcher }).finally(() => {
      this.#cost = undefined;
    });
    return this.#cost;
  }

  status(): { running: number; total: number; cgroup: string; controllers: string[] } {
    return {
      running: this.#store.count([...MONITORED_STATES]),
      total: this.#store.count(),
      cgroup: this.#cgroups.jobsPath,
      controllers: this.#cgroups.controllers,
    };
  }

  async #mendState(): Promise<void> {
    let mended: string[] = [];
    await this.#commits.commit(() => {
      mended = this.#store.mend();
    }, 'durable');
    for (const job of mended) {
      this.#options.logger.error({ job }, 'a job is damaged in the state: it is shown as lost');
    }
  }

  /** The jobs go on, and the next helper adopts them. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#sweep;
    await this.#cost;
    await this.logKeeper.close();
    await this.networks.close();
    await this.#uploads.close();
    await this.#runner.close();
    this.networks[Symbol.dispose]();
    await this.#commits.close();
    this.#recorder[Symbol.dispose]();
    this.#mounts[Symbol.dispose]();
    this.#launcher[Symbol.dispose]();
    this.#database.close();
    this.#cgroups.close();
  }

  /**
   * The records go first: what is left of a folder, because the helper dies in between or the disk fails, belongs to
   * no job, and the next start of the helper sweeps it away.
   *
   * @returns how many there were: who deletes at the same time counts, and removes, the others.
   */
  async #remove(uuids: readonly string[]): Promise<number> {
    let deleted: string[] = [];
    await this.#commits.commit(() => {
      deleted = uuids.filter((uuid) => this.#store.delete(uuid, ENDED_STATES));
    }, 'durable');
    for (const uuid of deleted) {
      this.#changes.announce(uuid);
      await this.logKeeper.leave(uuid);
      await this.#removeFolder(new JobFolder(this.#options.paths, uuid));
    }
    return deleted.length;
  }

  /** What can't be removed belongs to no job, and the next helper tries again. */
  async #removeFolder(folder: JobFolder): Promise<void> {
    try {
      await folder.remove();
    } catch (error) {
      this.#options.logger.error(
        { err: error, job: folder.uuid },
        'the folder of a job that is no more could not be removed',
      );
    }
  }

  /** When it is done, nothing of an upload is on its way into the folder any more. */
  async #endScheduled(
    uuid: string,
    status: typeof JobStatus.CANCELED | typeof JobStatus.STOPPED,
  ): Promise<boolean> {
    const hasEnded = await this.#runner.endScheduled(uuid, status);
    if (hasEnded) {
      await this.#uploads.end(uuid);
    }
    return hasEnded;
  }

  /** The monitor of a job that was adopted has perhaps not said yet what it knows. */
  async #untilGreeted(uuid: string): Promise<void> {
    const hasGreeted = () =>
      this.#runner.hasGreeted(uuid) || this.#store.statusOf(uuid) !== JobStatus.RUNNING;
    if (!(await this.#reaches(uuid, hasGreeted, MONITOR_PATIENCE_MS))) {
      throw this.#noAnswer('pause', uuid);
    }
  }

  #noAnswer(operation: 'pause' | 'resume', uuid: string): JobletError {
    const socket = join(this.#options.paths.monitorsDirectory, uuid);
    return monitorIsDeaf(operation, 'the monitor does not answer', socket);
  }

  #leaves(uuid: string, status: JobStatus): Promise<boolean> {
    return this.#reaches(uuid, () => this.#store.statusOf(uuid) !== status, MONITOR_PATIENCE_MS);
  }

  /**
   * @returns false when the time is over first.
   * @throws the signal's reason when the caller has left.
   */
  async #reaches(
    uuid: string,
    isThere: () => boolean,
    milliseconds: bigint,
    signal = NEVER,
  ): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const look = () => (isThere() ? resolve(true) : undefined);
    const giveUp = () => resolve(false);
    using stack = new DisposableStack();
    stack.use(this.#changes.subscribe([uuid], look));
    signal.addEventListener('abort', giveUp, { once: true });
    stack.defer(() => signal.removeEventListener('abort', giveUp));
    if (milliseconds <= LONGEST_WAIT_MS) {
      const timer = setTimeout(giveUp, Number(milliseconds));
      stack.defer(() => clearTimeout(timer));
    }
    look();
    signal.throwIfAborted();
    const isReached = await promise;
    signal.throwIfAborted();
    return isReached;
  }

  /** A job that was deleted had ended. */
  #hasEnded(uuid: string): boolean {
    const status = this.#store.statusOf(uuid);
    return status === undefined || hasEnded(status);
  }

  /** @param own uuid of the job itself, of which there is a folder already */
  #refuseWithoutRoom(spec: CheckedJobSpec, own?: string): void {
    const { jobsConfig } = this.#options;
    if (jobsConfig.all_work_bytes !== undefined) {
      const live = this.#store
        .uuidsWithStatus(LIVE_STATES)
        .map((uuid) => [uuid, workBytesOf(this.#require(uuid).spec, jobsConfig)] as const);
      refuseWithoutRoom(workBytesOf(spec, jobsConfig), new Map(live), this.#options, own);
    }
  }

  #find(id: string): string {
    return findJob(this.#store, id);
  }

  #require(uuid: string): StoredJob {
    const job = this.#store.get(uuid);
    if (job === undefined) {
      throw noSuchJob(uuid);
    }
    return job;
  }

  #show(job: JobRecord): Job {
    return jobMessage(job, {
      nodeId: this.#options.nodeId,
      waitingFor: isAwaitingFiles(job)
        ? this.#uploads.waitingFor(job.uuid)
        : this.#runner.waitingFor(job.uuid),
      attempts: job.spec.retry?.attempts ? this.#store.attemptsOf(job.uuid) : [],
      addresses: this.networks.addressesOf(job.uuid),
    });
  }
}

/**
 * Of a job that a monitor was, or is about to be, made for: those that wait have no network yet, or no more. One whose specification is
 * damaged loses its network: nobody knows what it may reach.
 */
function startedSpec(store: JobStore, uuid: string): CheckedJobSpec | undefined {
  const job = store.get(uuid);
  return job === undefined || job.damage !== null || !hasMonitor(job.status)
    ? undefined
    : checkedSpec(job.spec);
}

interface NewJob {
  readonly uuid: string;
  readonly status: JobStatus;
  readonly ownerUid: number;
  readonly nowUs: number;
  readonly spec: JobSpec;
}

function newJob({ uuid, status, ownerUid, nowUs, spec }: NewJob): JobRecord {
  return {
    uuid,
    status,
    ownerUid,
    createdUs: nowUs,
    dueUs: firstDueUs({ status, spec }),
    startedUs: 0,
    endedUs: 0,
    exitCode: null,
    signal: null,
    failure: null,
    usage: null,
    denials: [],
    logState: null,
    spec: storable(spec),
  };
}

/** @throws JobletError (invalid) */
function refuseFarStart({ startAtUs }: CheckedJobSpec, nowUs: number): void {
  // Who counts the year from an instant before must not be refused for the time that the call took.
  if (startAtUs > BigInt(nowUs) + (MAX_DURATION_MS + SLACK_MS) * 1000n) {
    throw new JobletError('invalid', {
      layer: 'job',
      operation: 'check',
      object: 'startAtUs',
      reason: 'is more than a year away',
      mend: '',
    });
  }
}

function refuseUnless(
  isPossible: boolean,
  uuid: string,
  status: JobStatus,
  operation: 'pause' | 'resume',
): void {
  if (!isPossible) {
    throw new JobletError('conflict', {
      layer: 'job',
      operation,
      object: uuid,
      reason: `is ${JobStatus[status]}`,
      mend:
        operation === 'pause' ? 'Only a job that runs can be paused.' : 'Only a paused job can be resumed.',
    });
  }
}

function isBeingPrepared(uuid: string): JobletError {
  return new JobletError('unavailable', {
    layer: 'job',
    operation: 'stop',
    object: uuid,
    reason: 'what it asks for is still being made; it ends before its command runs',
    mend: 'Wait for its end: joblet job wait.',
  });
}

function doesNotFreeze(uuid: string): JobletError {
  return new JobletError('unavailable', {
    layer: 'cgroup',
    operation: 'pause',
    object: uuid,
    reason:
      'a process of the job does not stand still (cgroup.events: frozen 0): it waits for a device or a file system',
    mend: 'The job goes on. Try again when what it waits for has answered.',
  });
}

/** Root has stopped it, or it waits for room on a full disk. */
function monitorIsDeaf(operation: string, reason: string, socket: string): JobletError {
  return new JobletError('unavailable', {
    layer: 'monitor',
    operation,
    object: socket,
    reason,
    mend: `Make room if the disk is full. Else let the monitor go on or end it; \`ss -xlp src ${socket}\` names its pid.`,
  });
}

function refuseEndOfFollowed(request: GetLogsRequest): void {
  const { follow, untilUs, endOffset, tailLines = 0, pattern } = request;
  const ends = [
    { object: 'until_us', isAsked: untilUs !== 0n },
    { object: 'end_offset', isAsked: endOffset !== 0n },
    { object: 'tail_lines of a pattern', isAsked: pattern !== undefined && tailLines > 0 },
  ];
  const object = ends.find(({ isAsked }) => isAsked)?.object ?? '';
  if (follow && object !== '') {
    throw new JobletError('invalid', {
      layer: 'log',
      operation: 'read',
      object,
      reason: 'what is followed ends with its job',
      mend: 'Ask for one of the two.',
    });
  }
}

function refusePlacesOfNothing({ placesOnly, pattern, tailLines }: GetLogsRequest): void {
  if (placesOnly && (pattern === undefined || tailLines !== undefined)) {
    throw new JobletError('invalid', {
      layer: 'log',
      operation: 'read',
      object: 'places_only',
      reason: pattern === undefined ? 'there are places only of a pattern' : 'the last lines come as lines',
      mend: pattern === undefined ? 'Give a pattern.' : 'Ask for one of the two.',
    });
  }
}

/** No file is as long as what can't be counted exactly: an offset beyond means the end. */
function safeOffset(offset: bigint): number {
  return Number(offset > MAX_OFFSET ? MAX_OFFSET : offset);
}
