/** Takes a sample of each running job once a second. Nothing ticks while none runs. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CgroupUsage } from '../../../kernel/cgroup.ts';
import type { Logger } from '../../log.ts';
import { JobChanges } from '../job-changes.ts';
import type { JobFolder } from '../job-folder.ts';
import { addSample, type SampleFileState } from './sample-file.ts';

const TICK_MS = 1000;
/** The samples of a thousand jobs take hundreds of milliseconds: so long of it at a time, then whoever has called is answered. */
const SLICE_MS = 2;
/** After a sample for which a full disk had no room. */
const RETRY_MS = 60_000;

interface RecordedJob {
  readonly folder: JobFolder;
  state: SampleFileState | undefined;
  /** Of performance.now(). */
  dueMs: number;
  isPaused: boolean;
  /** A full disk is told of once. */
  hasFailed: boolean;
}

export interface RecorderOptions {
  /** undefined: the job runs no more. */
  readonly usageOf: (uuid: string) => CgroupUsage | undefined;
  readonly logger: Logger;
  /** Told at each tick while a job runs that is not paused, and once when none does any more. */
  readonly onRunning: (isRunning: boolean) => void;
}

export class MetricsRecorder implements Disposable {
  /** Tells of each sample that was taken. */
  readonly samples = new JobChanges();
  readonly #options: RecorderOptions;
  readonly #jobs = new Map<string, RecordedJob>();
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  #isTicking = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** The job runs, or stands still. Again and again does no harm. */
  follow(folder: JobFolder, isPaused: boolean): void {
    const job = this.#jobs.get(folder.uuid);
    if (job !== undefined) {
      job.isPaused = isPaused;
      return;
    }
    this.#jobs.set(folder.uuid, { folder, state: undefined, dueMs: 0, isPaused, hasFailed: false });
    this.#timer ??= setInterval(() => void this.#tick(), TICK_MS);
  }

  /** The job has ended. */
  forget(uuid: string): void {
    this.#jobs.delete(uuid);
    if (this.#jobs.size === 0) {
      this[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#tell(false);
  }

  /** When a tick takes longer than a second, the next one is left out. */
  async #tick(): Promise<void> {
    if (this.#isTicking) {
      return;
    }
    this.#isTicking = true;
    await this.#recordDue();
    this.#isTicking = false;
    if (this.#timer !== undefined) {
      this.#tell([...this.#jobs.values()].some(({ isPaused }) => !isPaused));
    }
  }

  async #recordDue(): Promise<void> {
    const nowMs = performance.now();
    let sliceEndMs = nowMs + SLICE_MS;
    for (const job of this.#jobs.values()) {
      // Half a tick early is on time: ticks are never exactly a second apart.
      if (nowMs >= job.dueMs - TICK_MS / 2) {
        const wasWritten = this.#record(job);
        job.dueMs = nowMs + (wasWritten ? (job.state?.period ?? 1) * TICK_MS : RETRY_MS);
      }
      if (performance.now() > sliceEndMs) {
        await nextTurn();
        sliceEndMs = performance.now() + SLICE_MS;
      }
      if (this.#timer === undefined) {
        return;
      }
    }
  }

  /** @returns whether there was room for it. */
  #record(job: RecordedJob): boolean {
    const { uuid, metrics } = job.folder;
    try {
      const usage = this.#options.usageOf(uuid);
      if (usage !== undefined) {
        job.state = addSample(metrics, { timeUs: BigInt(Date.now()) * 1000n, ...usage }, job.state);
        this.samples.announce(uuid);
      }
      return true;
    } catch (error) {
      job.state = undefined;
      if (!job.hasFailed) {
        job.hasFailed = true;
        this.#options.logger.warn({ err: error, job: uuid }, 'what a job uses could not be written down');
      }
      return false;
    }
  }

  #tell(isRunning: boolean): void {
    if (isRunning || this.#isRunning) {
      this.#isRunning = isRunning;
      this.#options.onRunning(isRunning);
    }
  }
}
