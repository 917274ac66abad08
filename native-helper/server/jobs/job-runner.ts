/** The jobs that have not ended: starts them, hears of them, and writes down what becomes of them. */
import type { Socket } from 'node:net';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { ServerConfig } from '../../api/config-schema.ts';
import { JobletError } from '../../api/errors.ts';
import { type Failure, JobStatus, type LogState } from '../../api/gen/joblet_pb.js';
import type { CheckedMount } from '../../api/job-mounts.ts';
import type { CheckedJobSpec } from '../../api/job-spec.ts';
import { hasAddresses } from '../../api/networks.ts';
import type { Paths } from '../../api/paths.ts';
import type { CgroupTree } from '../../kernel/cgroup.ts';
import type { Logger } from '../log.ts';
import { memoryShare } from '../logs/log-room.ts';
import type { JobMounts, OpenedMounts } from '../mounts/job-mounts.ts';
import type { Networks } from '../networks/networks.ts';
import type { CommitQueue, Durability } from '../state/commit-queue.ts';
import type { JobChange, JobStore } from '../state/job-store.ts';
import { type DeniedCall, withDenial } from './denials.ts';
import { changeOf, type ExitRecord } from './exit-record.ts';
import { failureFrom, failureOf } from './failure.ts';
import { HeldSecrets } from './held-secrets.ts';
import type { JobChanges } from './job-changes.ts';
import { JobFolder } from './job-folder.ts';
import { hasEnded, predecessorsOf } from './job-state.ts';
import { toldLogState } from './log-state.ts';
import type { MetricsRecorder } from './metrics/recorder.ts';
import type { LaunchedMonitor, MonitorLauncher } from './monitor-launcher.ts';
import { MonitorLink } from './monitor-link.ts';
import type { MonitorMessage } from './monitor-messages.ts';
import { Reaper } from './reaper.ts';
import { attemptOf, delayBefore, hasFailed, mayTryAgain } from './retry.ts';
import { Schedule } from './schedule.ts';
import { isShortage } from './shortage.ts';
import { storedSpec } from './specification.ts';
import { StartQueue } from './start-queue.ts';

/** How long to wait before the end of a job is written again that could not be written, for a full disk. */
const RETRY_MS = 1000;
const EXIT_REFUSED = 125;
const TURNS_OF_ANSWER = 3;
const SLOW_SOURCE_MS = 500;

/** What is held of a job while it lives. */
interface LiveJob {
  readonly folder: JobFolder;
  /** With the values of its secrets, until a monitor has them. */
  spec: CheckedJobSpec | undefined;
  link: MonitorLink | undefined;
  /** Its folder is that of the attempts before. One with uploads has its own before the first, too. */
  isAgain: boolean;
  /** Whether it takes one of the places for jobs that are being started. */
  isStarting: boolean;
  /** Milliseconds: somebody has asked for its end, perhaps before there was a monitor to ask. It is not tried again. */
  stopGraceMs: bigint | undefined;
  /** Of an attempt that failed: what comes of it is decided when its monitor has gone, which the next attempt must not meet. */
  outcome: ExitRecord | undefined;
  /** Its end has been told and is being written. */
  hasExited: boolean;
}

export interface RunnerOptions {
  readonly paths: Paths;
  readonly store: JobStore;
  readonly commits: CommitQueue;
  readonly changes: JobChanges;
  readonly launcher: MonitorLauncher;
  readonly mounts: JobMounts;
  readonly cgroups: CgroupTree;
  readonly networks: Networks;
  readonly logger: Logger;
  readonly jobsConfig: ServerConfig['jobs'];
  readonly logsConfig: ServerConfig['logs'];
  readonly recorder: MetricsRecorder;
}

export class JobRunner {
  readonly #options: RunnerOptions;
  readonly #live = new Map<string, LiveJob>();
  readonly #queue: StartQueue;
  readonly #schedule: Schedule;
  readonly #secrets = new HeldSecrets();
  readonly #reaper = new Reaper();
  readonly #launches = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  /** What of its output each running job may keep in memory, bytes. */
  #logMemoryBytes: bigint;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#logMemoryBytes = memoryShare(options.logsConfig.memory_bytes, 0);
    this.#queue = new StartQueue(options.jobsConfig.concurrent_starts, (uuid) => void this.#handOver(uuid));
    this.#schedule = new Schedule({
      next: (limit) => options.store.nextDue(limit),
      begin: (uuid) => this.#begin(uuid),
    });
  }

  /** From now on jobs are started when their time has come. */
  openSchedule(): void {
    this.#schedule.open();
  }

  /**
   * Call it before a job becomes durable that needs its secrets later than at once: then `start` or `schedule`, or `forgetSecrets`.
   *
   * @throws JobletError (exhausted)
   */
  holdSecrets(uuid: string, spec: CheckedJobSpec): void {
    this.#secrets.hold(uuid, spec);
  }

  forgetSecrets(uuid: string): void {
    this.#secrets.forget(uuid);
  }

  /** Lets a job that is durable and SCHEDULED wait for its time. */
  schedule(): void {
    this.#schedule.look();
  }

  /** Ends a job that is SCHEDULED. @returns false when it is not. */
  async endScheduled(
    uuid: string,
    status: typeof JobStatus.CANCELED | typeof JobStatus.STOPPED,
  ): Promise<boolean> {
    const { commits, store, changes } = this.#options;
    let hasEnded = false;
    await commits.commit(() => {
      hasEnded = store.update(uuid, [JobStatus.SCHEDULED], { status, endedUs: nowUs() });
    }, 'durable');
    if (hasEnded) {
      this.#secrets.forget(uuid);
      changes.announce(uuid);
      this.#schedule.look();
    }
    return hasEnded;
  }

  /**
   * Takes a place for a new job if one is free: its state before it is made durable. `start` or `release` must follow.
   */
  reserve(): typeof JobStatus.INITIALIZING | typeof JobStatus.QUEUED {
    return this.#queue.tryTake() ? JobStatus.INITIALIZING : JobStatus.QUEUED;
  }

  /** Gives back what `reserve` gave, for a job that did not become durable. */
  release(reserved: JobStatus): void {
    if (reserved === JobStatus.INITIALIZING) {
      this.#queue.release();
    }
  }

  /** Starts a job that is durable, in the state that `reserve` gave, or lets it wait for its turn. */
  start(folder: JobFolder, spec: CheckedJobSpec, reserved: JobStatus): void {
    const job = this.#track(folder, spec);
    if (reserved === JobStatus.INITIALIZING) {
      job.isStarting = true;
      void this.#launchAfterAnswer(job);
    } else {
      this.#queue.enqueue(folder.uuid);
    }
  }

  /** Goes on with a job whose monitor another helper has started. */
  adopt(folder: JobFolder, socket: Socket): void {
    const job = this.#track(folder, undefined);
    job.link = this.#linkTo(job, socket);
    this.#shareLogMemory();
  }

  /** What a job waits for, in words; empty when it doesn't wait. */
  waitingFor(uuid: string): string {
    return this.#queue.waitingFor(uuid);
  }

  isLive(uuid: string): boolean {
    return this.#live.has(uuid);
  }

  /** Told by a change of the job when it gets one after `stop`. */
  hasMonitor(uuid: string): boolean {
    return this.#live.get(uuid)?.link !== undefined;
  }

  /** Whether its monitor has said what it knows. Each change of the job may change it. */
  hasGreeted(uuid: string): boolean {
    return this.#live.get(uuid)?.link?.hasGreeted ?? false;
  }

  /**
   * A connection for a session in a job that runs.
   *
   * @throws JobletError: conflict when it does not run (any more), or unavailable.
   */
  openSession(uuid: string): Socket {
    const link = this.#live.get(uuid)?.link;
    if (link === undefined) {
      throw new JobletError('conflict', {
        layer: 'job',
        operation: 'open session',
        object: uuid,
        reason: 'does not run',
        mend: '',
      });
    }
    return link.openSession();
  }

  /** Asks for the end of a job; asking again, or too late, does no harm. */
  stop(uuid: string, graceMs: bigint): void {
    const job = this.#live.get(uuid);
    if (job === undefined) {
      return;
    }
    job.stopGraceMs = graceMs;
    if (job.link !== undefined) {
      job.link.stop(graceMs);
    } else if (this.#queue.cancel(uuid)) {
      void this.#end(job, stoppedBeforeStart());
    }
  }

  /**
   * Asks for the freeze of a job that runs.
   *
   * @throws JobletError (refused) when its monitor can't: it is of an older version.
   */
  pause(uuid: string): void {
    this.#live.get(uuid)?.link?.pause();
  }

  /** Lets a job go on that was paused. */
  resume(uuid: string): void {
    this.#live.get(uuid)?.link?.resume();
  }

  /**
   * Writes down the end of a job that its monitor has recorded, or that it is to be tried again.
   *
   * @param isToStop somebody has asked for its end
   */
  async finish({ uuid }: JobFolder, record: ExitRecord, isToStop = false): Promise<void> {
    const end = this.#endAfter(uuid, record, isToStop);
    if (end === 'again') {
      await this.#scheduleAgain(uuid, record);
    } else {
      await this.#record(uuid, end, 'durable');
    }
  }

  /** Writes down that a job did not start. */
  async refuse(folder: JobFolder, error: unknown): Promise<void> {
    await this.#record(folder.uuid, neverStarted(error), 'durable');
  }

  /** Ends what is left of a job whose monitor is gone without a record, and writes that down. */
  async lose(folder: JobFolder, reason: string): Promise<void> {
    const { cgroups, logger } = this.#options;
    try {
      this.#removeSocket(folder);
      cgroups.kill(folder.uuid);
      await cgroups.remove(folder.uuid);
    } catch (error) {
      logger.error({ err: error, job: folder.uuid }, 'a lost job could not be cleared away');
    }
    await this.#record(folder.uuid, lost(reason), 'durable');
  }

  /** Lets go of all monitors, also of those on their way up; their jobs go on. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#schedule[Symbol.dispose]();
    await Promise.allSettled(this.#launches);
    for (const job of this.#live.values()) {
      job.link?.release();
    }
    this.#live.clear();
    this.#reaper[Symbol.dispose]();
  }

  #track(folder: JobFolder, spec: CheckedJobSpec | undefined): LiveJob {
    const job: LiveJob = {
      folder,
      spec,
      link: undefined,
      isAgain: false,
      isStarting: false,
      stopGraceMs: undefined,
      outcome: undefined,
      hasExited: false,
    };
    this.#live.set(folder.uuid, job);
    return job;
  }

  /** The time of a SCHEDULED job has come. */
  async #begin(uuid: string): Promise<void> {
    const { paths, store } = this.#options;
    const job = this.#track(new JobFolder(paths, uuid), undefined);
    if (!(await this.#record(uuid, { status: JobStatus.QUEUED }, 'recoverable'))) {
      this.#forget(job);
    } else if (isToStop(job)) {
      await this.#end(job, stoppedBeforeStart());
    } else {
      try {
        job.spec = this.#secrets.restore(uuid, storedSpec(store, uuid));
        this.#queue.enqueue(uuid);
      } catch (error) {
        await this.#end(job, neverStarted(error));
      }
    }
  }

  /** A job that waited has got its place: from here on it must not be started a second time, whatever happens. */
  async #handOver(uuid: string): Promise<void> {
    const job = this.#live.get(uuid);
    if (job === undefined) {
      this.#queue.release();
      return;
    }
    job.isStarting = true;
    try {
      if (this.#options.store.attemptCount(uuid) > 0) {
        await job.folder.forgetAttempt();
        job.isAgain = true;
      }
    } catch (error) {
      await this.#end(job, neverStarted(error));
      return;
    }
    await this.#record(uuid, { status: JobStatus.INITIALIZING }, 'durable');
    if (!this.#closing.signal.aborted) {
      await this.#launch(job);
    }
  }

  /**
   * Making a plan and its files keeps the event loop for a while, so the answer to whoever asked for the job goes first. Its
   * head, message and trailer each leave in a turn of their own; launching in the first turn made RunJob cost 3.5 empty
   * calls instead of 2.
   */
  async #launchAfterAnswer(job: LiveJob): Promise<void> {
    for (let turn = 0; turn < TURNS_OF_ANSWER; turn += 1) {
      await nextTurn();
    }
    await this.#launch(job);
  }

  async #launch(job: LiveJob): Promise<void> {
    const { launcher, networks, jobsConfig, logger } = this.#options;
    const { spec } = job;
    job.spec = undefined;
    if (spec === undefined || this.#closing.signal.aborted) {
      return;
    }
    if (isToStop(job)) {
      void this.#end(job, stoppedBeforeStart());
      return;
    }
    try {
      if (job.isAgain || spec.uploads.length > 0) {
        await job.folder.attachWork();
      } else {
        await job.folder.createFor(spec, jobsConfig);
      }
      using attachment = hasAddresses(spec.network)
        ? await networks.attach(job.folder.uuid, spec)
        : undefined;
      using opened = spec.mounts.length > 0 ? await this.#openMounts(job, spec.mounts) : undefined;
      if (this.#closing.signal.aborted) {
        return;
      }
      if (isToStop(job)) {
        void this.#end(job, stoppedBeforeStart());
        return;
      }
      const launch = launcher
        .launch(spec, job.folder, { attachment, mounts: opened, logMemoryBytes: this.#logMemoryBytes })
        .then((launched) => this.#take(job, launched));
      this.#launches.add(launch);
      await launch.finally(() => this.#launches.delete(launch));
    } catch (error) {
      logger.warn({ err: error, job: job.folder.uuid }, 'a job could not be started');
      void this.#end(job, neverStarted(error));
    }
  }

  /** Where the file system does not answer soon, others must not wait for the job's place with it. */
  async #openMounts(job: LiveJob, mounts: readonly CheckedMount[]): Promise<OpenedMounts> {
    const timer = setTimeout(() => this.#hasStarted(job), SLOW_SOURCE_MS);
    try {
      return await this.#options.mounts.open(job.folder.uuid, mounts);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Its monitor is on its way up, and somebody may have asked for its end meanwhile. */
  #take(job: LiveJob, { pid, socket }: LaunchedMonitor): void {
    socket.once('close', () => this.#expectEnd(pid, job.folder.uuid));
    job.link = this.#linkTo(job, socket);
    this.#shareLogMemory();
    if (job.stopGraceMs !== undefined) {
      job.link.stop(job.stopGraceMs);
      this.#options.changes.announce(job.folder.uuid);
    }
  }

  #expectEnd(pid: number, uuid: string): void {
    this.#reaper.expect(pid, (status) => {
      if (status.ended === 'signal' || status.code !== 0) {
        this.#options.logger.warn({ job: uuid, pid, ...status }, 'a monitor ended abnormally');
      }
    });
  }

  #shareLogMemory(): void {
    const links = [...this.#live.values()].flatMap(({ link }) => link ?? []);
    const share = memoryShare(this.#options.logsConfig.memory_bytes, links.length);
    if (share !== this.#logMemoryBytes) {
      this.#logMemoryBytes = share;
      for (const link of links) {
        link.keepInMemory(share);
      }
    }
  }

  #linkTo(job: LiveJob, socket: Socket): MonitorLink {
    return new MonitorLink(socket, {
      message: (message) => this.#hear(job, message),
      closed: (reason) => void this.#settle(job, reason),
    });
  }

  #hear(job: LiveJob, message: MonitorMessage): void {
    const { uuid } = job.folder;
    switch (message.event) {
      case 'hello':
        if (message.job !== uuid) {
          throw new Error(`it is the monitor of job ${message.job}`);
        }
        job.link?.keepInMemory(this.#logMemoryBytes);
        return;
      case 'running':
        this.#hasStarted(job);
        this.#options.recorder.follow(job.folder, message.paused);
        // Told again by the monitor to the next helper; and when the power fails, the job is LOST in either state.
        void this.#record(
          uuid,
          { status: message.paused ? JobStatus.PAUSED : JobStatus.RUNNING, startedUs: message.started_us },
          'recoverable',
        );
        return;
      case 'paused':
        this.#options.recorder.follow(job.folder, true);
        void this.#record(uuid, { status: JobStatus.PAUSED }, 'recoverable');
        return;
      case 'resumed':
        this.#options.recorder.follow(job.folder, false);
        void this.#record(uuid, { status: JobStatus.RUNNING }, 'recoverable');
        return;
      case 'denied':
        void this.#recordDenial(uuid, message);
        return;
      case 'log':
        void this.#recordLogState(uuid, toldLogState(message));
        return;
      case 'exited': {
        const { event: _, ...record } = message;
        const end = this.#endAfter(uuid, record, isToStop(job));
        if (end === 'again') {
          this.#hasStarted(job);
          job.outcome = record;
          job.link?.dismiss();
        } else {
          void this.#end(job, end);
        }
        return;
      }
    }
  }

  /** The monitor is gone. It has recorded the end of its job, unless it was killed. */
  async #settle(job: LiveJob, reason: string): Promise<void> {
    this.#options.recorder.forget(job.folder.uuid);
    this.#hasStarted(job);
    // Whatever it has told or recorded, it may have been killed before it took its socket away.
    this.#removeSocket(job.folder);
    if (job.hasExited) {
      return;
    }
    job.hasExited = true;
    const { folder, outcome } = job;
    await this.#untilDone(folder.uuid, () =>
      outcome === undefined
        ? this.settle(folder, reason, isToStop(job))
        : this.finish(folder, outcome, isToStop(job)),
    );
    this.#forget(job);
    this.#schedule.look();
  }

  /** Its entry may be that of the next attempt already. */
  #forget(job: LiveJob): void {
    if (this.#live.get(job.folder.uuid) === job) {
      this.#live.delete(job.folder.uuid);
      this.#shareLogMemory();
    }
  }

  #removeSocket(folder: JobFolder): void {
    try {
      folder.removeSocket();
    } catch (error) {
      this.#options.logger.error(
        { err: error, job: folder.uuid },
        'the socket of a monitor could not be removed',
      );
    }
  }

  /**
   * Writes down the end of a job whose monitor is gone: as recorded, or as LOST.
   *
   * @throws the error of a shortage, in which nobody can say whether there is a record.
   */
  async settle(folder: JobFolder, reason: string, isToStop = false): Promise<void> {
    let record: ExitRecord | undefined;
    try {
      record = folder.readExit();
    } catch (error) {
      if (isShortage(error)) {
        throw error;
      }
      this.#options.logger.error({ err: error, job: folder.uuid }, 'the exit record of a job is damaged');
    }
    await (record === undefined ? this.lose(folder, reason) : this.finish(folder, record, isToStop));
  }

  /** What an attempt makes of its job: the end, or another attempt. */
  #endAfter(uuid: string, record: ExitRecord, isToStop: boolean): JobChange | 'again' {
    const { store } = this.#options;
    const change = changeOf(record);
    const spec = isToStop || !hasFailed(record) ? undefined : store.get(uuid)?.spec;
    if (spec === undefined || !mayTryAgain(spec, store.attemptCount(uuid) + 1)) {
      return change;
    }
    const hasSecrets = Object.keys(spec.secretEnvironment).length > 0;
    if (hasSecrets && !this.#secrets.has(uuid)) {
      return { ...change, failure: change.failure ?? notTriedAgain() };
    }
    return 'again';
  }

  async #scheduleAgain(uuid: string, record: ExitRecord): Promise<void> {
    const { store, commits, changes, networks } = this.#options;
    const spec = store.get(uuid)?.spec;
    if (spec === undefined) {
      return;
    }
    const dueUs = record.ended_us + delayBefore(spec, store.attemptCount(uuid) + 1) * 1000;
    const attempt = attemptOf(changeOf(record), record);
    const from = predecessorsOf(JobStatus.SCHEDULED);
    await commits.commit(
      () => void store.scheduleAgain(uuid, from, dueUs, attempt),
      'durable',
      () => void networks.release(uuid),
    );
    changes.announce(uuid);
  }

  async #recordDenial(uuid: string, denied: DeniedCall): Promise<void> {
    const { commits, store, changes } = this.#options;
    await this.#untilDone(uuid, async () => {
      await commits.commit(
        () => store.changeDenials(uuid, (known) => withDenial(known, denied)),
        'recoverable',
      );
      if (!this.#closing.signal.aborted) {
        changes.announce(uuid);
      }
    });
  }

  async #recordLogState(uuid: string, state: LogState): Promise<void> {
    const { commits, store, changes } = this.#options;
    await this.#untilDone(uuid, async () => {
      await commits.commit(() => store.changeLogState(uuid, state), 'recoverable');
      if (!this.#closing.signal.aborted) {
        changes.announce(uuid);
      }
    });
  }

  async #end(job: LiveJob, change: JobChange): Promise<void> {
    this.#options.recorder.forget(job.folder.uuid);
    this.#hasStarted(job);
    job.hasExited = true;
    await this.#record(job.folder.uuid, change, 'durable');
    if (!this.#closing.signal.aborted) {
      job.link?.dismiss();
    }
    this.#forget(job);
  }

  #hasStarted(job: LiveJob): void {
    if (job.isStarting) {
      job.isStarting = false;
      this.#queue.release();
    }
  }

  /**
   * Commits a change and tells those who wait for it. On a full disk it tries again: nobody is told what is not
   * written, and the next helper finds out from the monitor's record.
   *
   * @returns false when the job is in no state that it could follow: then nothing was changed.
   */
  async #record(uuid: string, change: JobChange, durability: Durability): Promise<boolean> {
    const { commits, store, changes } = this.#options;
    let isChanged = false;
    await this.#untilDone(uuid, async () => {
      await commits.commit(
        () => {
          isChanged = store.update(uuid, predecessorsOf(change.status), change);
        },
        durability,
        () => hasEnded(change.status) && this.#giveBack(uuid),
      );
      if (!this.#closing.signal.aborted) {
        changes.announce(uuid);
      }
    });
    return isChanged;
  }

  /** Whoever sees that a job has ended may ask at once for what it had: its network's removal, its ports. */
  #giveBack(uuid: string): void {
    this.#secrets.forget(uuid);
    void this.#options.networks.release(uuid);
  }

  /** Tries until it is done, or the helper ends. */
  async #untilDone(uuid: string, attempt: () => Promise<void>): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        return await attempt();
      } catch (error) {
        this.#options.logger.error({ err: error, job: uuid }, 'a change of a job could not be written');
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

function nowUs(): number {
  return Date.now() * 1000;
}

function stoppedBeforeStart(): JobChange {
  return { status: JobStatus.STOPPED, endedUs: nowUs() };
}

function neverStarted(error: unknown): JobChange {
  return {
    status: JobStatus.FAILED,
    endedUs: nowUs(),
    exitCode: EXIT_REFUSED,
    failure: failureFrom(error),
  };
}

function notTriedAgain(): Failure {
  return failureOf({
    layer: 'secrets',
    operation: 'retry',
    object: '',
    cause:
      'the helper was restarted meanwhile and secret values are never stored, so the command was not tried again',
  });
}

function isToStop(job: LiveJob): boolean {
  return job.stopGraceMs !== undefined;
}

function lost(reason: string): JobChange {
  const failure = failureOf({ layer: 'monitor', operation: 'watch', object: '', cause: reason });
  return { status: JobStatus.LOST, endedUs: nowUs(), failure };
}
