/** The jobs that have not ended: starts them, hears of them, and writes down what becomes of them. */
import type { Socket } from 'node:net';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { ServerConfig } from '../../api/config-schema.ts';
import { JobStatus } from '../../api/gen/joblet_pb.js';
import type { CheckedJobSpec } from '../../api/job-spec.ts';
import type { CgroupTree } from '../../kernel/cgroup.ts';
import type { Logger } from '../log.ts';
import type { CommitQueue, Durability } from '../state/commit-queue.ts';
import type { JobChange, JobStore } from '../state/job-store.ts';
import { changeOf, type ExitRecord } from './exit-record.ts';
import { failureFrom, failureOf } from './failure.ts';
import type { JobChanges } from './job-changes.ts';
import type { JobFolder } from './job-folder.ts';
import { predecessorsOf } from './job-state.ts';
import type { MonitorLauncher } from './monitor-launcher.ts';
import { MonitorLink } from './monitor-link.ts';
import type { MonitorMessage } from './monitor-messages.ts';
import { Reaper } from './reaper.ts';
import { isShortage } from './shortage.ts';
import { StartQueue } from './start-queue.ts';

/** How long to wait before the end of a job is written again that could not be written, for a full disk. */
const RETRY_MS = 1000;
const EXIT_REFUSED = 125;
const TURNS_OF_ANSWER = 3;

/** What is held of a job while it lives. */
interface LiveJob {
  readonly folder: JobFolder;
  /** With the values of its secrets, until a monitor has them. */
  spec: CheckedJobSpec | undefined;
  link: MonitorLink | undefined;
  /** Whether it takes one of the places for jobs that are being started. */
  isStarting: boolean;
  /** Asked for before there was a monitor to ask. */
  isToStop: boolean;
  /** Its end has been told and is being written. */
  hasExited: boolean;
}

export interface RunnerOptions {
  readonly store: JobStore;
  readonly commits: CommitQueue;
  readonly changes: JobChanges;
  readonly launcher: MonitorLauncher;
  readonly cgroups: CgroupTree;
  readonly logger: Logger;
  readonly jobsConfig: ServerConfig['jobs'];
}

export class JobRunner {
  readonly #options: RunnerOptions;
  readonly #live = new Map<string, LiveJob>();
  readonly #queue: StartQueue;
  readonly #reaper = new Reaper();
  readonly #closing = new AbortController();

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#queue = new StartQueue(options.jobsConfig.concurrent_starts, (uuid) => void this.#handOver(uuid));
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
  }

  /** What a job waits for, in words; empty when it doesn't wait. */
  waitingFor(uuid: string): string {
    return this.#queue.waitingFor(uuid);
  }

  isLive(uuid: string): boolean {
    return this.#live.has(uuid);
  }

  /** Asks for the end of a job; asking again, or too late, does no harm. */
  stop(uuid: string, graceMs: bigint): void {
    const job = this.#live.get(uuid);
    if (job === undefined) {
      return;
    }
    if (job.link !== undefined) {
      job.link.stop(graceMs);
    } else if (this.#queue.cancel(uuid)) {
      void this.#end(job, stoppedBeforeStart());
    } else {
      job.isToStop = true;
    }
  }

  /** Writes down the end of a job that its monitor has recorded. */
  finish(folder: JobFolder, record: ExitRecord): Promise<void> {
    return this.#record(folder.uuid, changeOf(record), 'durable');
  }

  /** Writes down that a job did not start. */
  refuse(folder: JobFolder, error: unknown): Promise<void> {
    return this.#record(folder.uuid, neverStarted(error), 'durable');
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

  /** Lets go of all monitors; their jobs go on. */
  close(): void {
    this.#closing.abort();
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
      isStarting: false,
      isToStop: false,
      hasExited: false,
    };
    this.#live.set(folder.uuid, job);
    return job;
  }

  /** A job that waited has got its place: from here on it must not be started a second time, whatever happens. */
  async #handOver(uuid: string): Promise<void> {
    const job = this.#live.get(uuid);
    if (job === undefined) {
      this.#queue.release();
      return;
    }
    job.isStarting = true;
    await this.#record(uuid, { status: JobStatus.INITIALIZING }, 'durable');
    if (!this.#closing.signal.aborted) {
      this.#launch(job);
    }
  }

  /**
   * Making a process keeps the event loop for a millisecond, so the answer to whoever asked for the job goes first. Its
   * head, message and trailer each leave in a turn of their own; launching in the first turn made RunJob cost 3.5 empty
   * calls instead of 2.
   */
  async #launchAfterAnswer(job: LiveJob): Promise<void> {
    for (let turn = 0; turn < TURNS_OF_ANSWER; turn += 1) {
      await nextTurn();
    }
    this.#launch(job);
  }

  #launch(job: LiveJob): void {
    const { launcher, jobsConfig, logger } = this.#options;
    const { spec } = job;
    job.spec = undefined;
    if (spec === undefined || this.#closing.signal.aborted) {
      return;
    }
    if (job.isToStop) {
      void this.#end(job, stoppedBeforeStart());
      return;
    }
    try {
      job.folder.create(jobsConfig);
      const { pid, socket } = launcher.launch(spec, job.folder);
      socket.once('close', () => this.#expectEnd(pid, job.folder.uuid));
      job.link = this.#linkTo(job, socket);
    } catch (error) {
      logger.warn({ err: error, job: job.folder.uuid }, 'a job could not be started');
      void this.#end(job, neverStarted(error));
    }
  }

  #expectEnd(pid: number, uuid: string): void {
    this.#reaper.expect(pid, (status) => {
      if (status.ended === 'signal' || status.code !== 0) {
        this.#options.logger.warn({ job: uuid, pid, ...status }, 'a monitor ended abnormally');
      }
    });
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
        return;
      case 'running':
        this.#hasStarted(job);
        // Told again by the monitor to the next helper; and when the power fails, the job is LOST in either state.
        void this.#record(uuid, { status: JobStatus.RUNNING, startedUs: message.started_us }, 'recoverable');
        return;
      case 'exited': {
        const { event: _, ...record } = message;
        void this.#end(job, changeOf(record));
        return;
      }
    }
  }

  /** The monitor is gone. It has recorded the end of its job, unless it was killed. */
  async #settle(job: LiveJob, reason: string): Promise<void> {
    this.#hasStarted(job);
    // Whatever it has told or recorded, it may have been killed before it took its socket away.
    this.#removeSocket(job.folder);
    if (job.hasExited) {
      return;
    }
    job.hasExited = true;
    await this.#untilDone(job.folder.uuid, () => this.settle(job.folder, reason));
    this.#live.delete(job.folder.uuid);
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
  async settle(folder: JobFolder, reason: string): Promise<void> {
    let record: ExitRecord | undefined;
    try {
      record = folder.readExit();
    } catch (error) {
      if (isShortage(error)) {
        throw error;
      }
      this.#options.logger.error({ err: error, job: folder.uuid }, 'the exit record of a job is damaged');
    }
    await (record === undefined ? this.lose(folder, reason) : this.finish(folder, record));
  }

  async #end(job: LiveJob, change: JobChange): Promise<void> {
    this.#hasStarted(job);
    job.hasExited = true;
    await this.#record(job.folder.uuid, change, 'durable');
    if (!this.#closing.signal.aborted) {
      job.link?.dismiss();
    }
    this.#live.delete(job.folder.uuid);
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
   */
  async #record(uuid: string, change: JobChange, durability: Durability): Promise<void> {
    const { commits, store, changes } = this.#options;
    await this.#untilDone(uuid, async () => {
      await commits.commit(() => void store.update(uuid, predecessorsOf(change.status), change), durability);
      if (!this.#closing.signal.aborted) {
        changes.announce(uuid);
      }
    });
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

function lost(reason: string): JobChange {
  const failure = failureOf({ layer: 'monitor', operation: 'watch', object: '', cause: reason });
  return { status: JobStatus.LOST, endedUs: nowUs(), failure };
}
