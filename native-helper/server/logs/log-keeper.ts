/** Keeps logs as the configuration says: compresses what is cold, takes away what is too old or too much. */
import { statfs } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerConfig } from '../../api/config-schema.ts';
import { causeOf } from '../../api/errors.ts';
import type { Logger } from '../log.ts';
import type { EndedJob, EndPlace } from '../state/job-store.ts';
import { compressLog } from './log-compressor.ts';
import { FRAME_BYTES } from './log-frames.ts';
import type { LogStore } from './log-store.ts';
import { type LogUsage, logUsageIn, logUsageOf, totalOf } from './log-usage.ts';
import type { StoredLog } from './stored-log.ts';

/** How often the logs of running jobs are looked at. */
const ROUND_MS = 10_000;
const LONGEST_SLEEP_MS = 3_600_000;
/** What readers of a running job look at most stays as it is. */
export const HOT_BYTES = 64 * FRAME_BYTES;
/** With less of the disk free than this share, nothing waits until it is cold. */
const SHORT_SHARE = 0.05;
/** A log that takes less is not worth two more files. */
const WORTHWHILE_BYTES = 64 * 1024;
/** Of a running job something stays, however small the budget is. */
const KEPT_BYTES_MINIMUM = FRAME_BYTES;
const JOBS_AT_ONCE = 100;
const US_OF_A_DAY = 86_400_000_000;
const FROM_THE_BEGINNING: EndPlace = { endedUs: 0, sequence: 0 };
/** What a disk says that may be better later. */
const DISK_TROUBLE: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS']);

/** What is to know of jobs. */
export interface LogOwners {
  /** Not deleted. */
  readonly isKnown: (uuid: string) => boolean;
  /** Those whose log may grow. */
  readonly running: () => readonly string[];
  readonly endedAfter: (place: EndPlace, beforeUs: number, limit: number) => EndedJob[];
  /** The job that so many have ended after. */
  readonly endedBefore: (later: number) => EndedJob | undefined;
}

export interface LogKeeperOptions {
  readonly config: ServerConfig['logs'];
  readonly logs: LogStore;
  readonly owners: LogOwners;
  readonly jobsDirectory: string;
  readonly folderOf: (uuid: string) => string;
  readonly logger: Logger;
}

export class LogKeeper {
  readonly #options: LogKeeperOptions;
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #wakesAt = 0;
  #round: Promise<void> | undefined;
  /** The log that is worked on. */
  #work:
    | { readonly uuid: string; readonly leaving: AbortController; readonly done: Promise<void> }
    | undefined;
  /** Up to here each log that is cold is compressed, is not too long, has not been taken away. A clock that is set back leaves some to the next helper. */
  #compressed = FROM_THE_BEGINNING;
  #cut = FROM_THE_BEGINNING;
  #taken = FROM_THE_BEGINNING;
  /** Whether a log may have grown since they were counted. */
  #mayHaveGrown = true;

  constructor(options: LogKeeperOptions) {
    this.#options = options;
  }

  /** Call it when a job begins, or has ended; the first call begins. */
  readonly look = (): void => {
    this.#mayHaveGrown = true;
    this.#wakeIn(ROUND_MS);
  };

  /** What all logs take now. */
  async usage(): Promise<LogUsage & { readonly logs: number }> {
    const usage = await logUsageIn(this.#options.jobsDirectory);
    return { ...totalOf(usage.values()), logs: usage.size };
  }

  /** Resolves when nothing of the job's log is touched any more: it is about to be deleted. */
  async leave(uuid: string): Promise<void> {
    if (this.#work?.uuid === uuid) {
      this.#work.leaving.abort();
      await this.#work.done;
    }
  }

  /** Does at once what there is to do now. */
  async keep(): Promise<void> {
    this.#round ??= this.#keepAll().finally(() => {
      this.#round = undefined;
      this.#sleep();
    });
    await this.#round;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#round;
  }

  async #keepAll(): Promise<void> {
    const { config, owners, logger } = this.#options;
    try {
      for (const uuid of owners.running()) {
        await this.#with(uuid, (log, signal) => this.#keepRunning(log, signal));
      }
      if (config.job_bytes !== undefined) {
        this.#cut = await this.#each(this.#cut, Number.POSITIVE_INFINITY, (log) => this.#cutLog(log));
      }
      this.#taken = await this.#each(this.#taken, this.#tooOldUs(), dropAll);
      if (config.compress) {
        await ((await this.#isDiskShort())
          ? this.#compressEnded(Number.POSITIVE_INFINITY, 0)
          : this.#compressEnded(nowUs() - config.compress_after_ms * 1000, 1));
      }
      await this.#keepBudget();
    } catch (error) {
      logger.warn({ err: error }, 'logs can not be compressed or taken away now; it is tried again');
    }
  }

  async #keepRunning(log: StoredLog, signal: AbortSignal): Promise<void> {
    await this.#cutLog(log);
    const until = (await log.size()) - HOT_BYTES;
    if (this.#options.config.compress && until - log.plainStart >= FRAME_BYTES) {
      await compressLog(log, { until, isWhole: false, restFactor: 1, signal });
    }
  }

  async #cutLog(log: StoredLog): Promise<void> {
    const { job_bytes = Number.POSITIVE_INFINITY } = this.#options.config;
    const tooMuch = (await log.size()) - job_bytes;
    if (tooMuch > log.dropped) {
      await log.drop(tooMuch);
    }
  }

  async #compressEnded(beforeUs: number, restFactor: number): Promise<void> {
    const { folderOf } = this.#options;
    this.#compressed = await this.#each(
      this.#compressed,
      beforeUs,
      async (log, signal) => {
        log.finishHoles();
        await compressLog(log, { until: await log.size(), isWhole: true, restFactor, signal });
      },
      async (uuid) => (await logUsageOf(folderOf(uuid))).diskBytes >= WORTHWHILE_BYTES,
    );
  }

  async #isDiskShort(): Promise<boolean> {
    const { bavail, blocks } = await statfs(this.#options.jobsDirectory);
    return bavail < blocks * SHORT_SHARE;
  }

  /** @returns jobs that ended before it have no log any more. */
  #tooOldUs(): number {
    const { config, owners } = this.#options;
    const { keep_days: days, keep_jobs: jobs } = config;
    const byAge = days === undefined ? 0 : nowUs() - days * US_OF_A_DAY;
    const last = jobs === undefined ? undefined : owners.endedBefore(jobs);
    return Math.max(byAge, last === undefined ? 0 : last.endedUs + 1);
  }

  /** First what compressing gives, then the logs of the jobs that ended first, then the oldest parts of the longest that still grow. */
  async #keepBudget(): Promise<void> {
    const { config, jobsDirectory } = this.#options;
    const { total_bytes: budget } = config;
    if (budget === undefined || !this.#mayHaveGrown) {
      return;
    }
    this.#mayHaveGrown = false;
    const tooMuch = async () => totalOf((await logUsageIn(jobsDirectory)).values()).diskBytes - budget;
    if ((await tooMuch()) > 0 && config.compress) {
      await this.#compressEnded(Number.POSITIVE_INFINITY, 0);
    }
    let left = await tooMuch();
    if (left > 0) {
      left = await this.#takeOldest(left);
    }
    if (left > 0) {
      await this.#cutLongest(left);
    }
  }

  /** @returns how many bytes are still too much. */
  async #takeOldest(tooMuch: number): Promise<number> {
    const { folderOf, logger } = this.#options;
    let left = tooMuch;
    await this.#each(FROM_THE_BEGINNING, Number.POSITIVE_INFINITY, dropAll, async (uuid) => {
      if (left <= 0) {
        return false;
      }
      const { diskBytes } = await logUsageOf(folderOf(uuid));
      left -= diskBytes;
      logger.info({ job: uuid, bytes: diskBytes }, 'takes away a log: all together are over their budget');
      return true;
    });
    return left;
  }

  async #cutLongest(tooMuch: number): Promise<void> {
    const { owners, folderOf, logger } = this.#options;
    const running = owners.running();
    const usages = await Promise.all(running.map((uuid) => logUsageOf(folderOf(uuid))));
    const longest = running
      .map((uuid, number) => ({ uuid, bytes: (usages[number] as LogUsage).diskBytes }))
      .sort((one, other) => other.bytes - one.bytes);
    let left = tooMuch;
    for (const { uuid, bytes } of longest) {
      if (left <= 0) {
        return;
      }
      await this.#with(uuid, async (log) => {
        const until = Math.min(log.dropped + left, (await log.size()) - KEPT_BYTES_MINIMUM);
        if (until > log.dropped) {
          left -= until - log.dropped;
          logger.info(
            { job: uuid, bytes },
            'takes away the beginning of a log: all together are over their budget',
          );
          await log.drop(until);
        }
      });
    }
  }

  /**
   * One log after the other, in the order in which their jobs ended.
   *
   * @returns how far it came.
   */
  async #each(
    place: EndPlace,
    beforeUs: number,
    action: (log: StoredLog, signal: AbortSignal) => Promise<void>,
    isWanted: (uuid: string) => Promise<boolean> = async () => true,
  ): Promise<EndPlace> {
    let last = place;
    while (!this.#closing.signal.aborted) {
      const until = Math.min(beforeUs, Number.MAX_SAFE_INTEGER);
      const jobs = this.#options.owners.endedAfter(last, until, JOBS_AT_ONCE);
      if (jobs.length === 0) {
        break;
      }
      for (const job of jobs) {
        if (await isWanted(job.uuid)) {
          await this.#with(job.uuid, action);
        }
        last = job;
      }
      // Other work of the helper comes first.
      await delay(0);
    }
    return last;
  }

  /** @throws what a disk in trouble says; what else a log has is told of, and it stays as it is. */
  async #with(uuid: string, action: (log: StoredLog, signal: AbortSignal) => Promise<void>): Promise<void> {
    const { logs, owners, folderOf, logger } = this.#options;
    if (this.#closing.signal.aborted || !owners.isKnown(uuid)) {
      return;
    }
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const leaving = new AbortController();
    this.#work = { uuid, leaving, done };
    try {
      await using shared = await logs.share(folderOf(uuid));
      if (shared?.log.canShrink) {
        await action(shared.log, AbortSignal.any([leaving.signal, this.#closing.signal]));
      }
    } catch (error) {
      if (DISK_TROUBLE.has(causeOf(error))) {
        throw error;
      }
      logger.error({ err: error, job: uuid }, 'a log can not be compressed or cut; it stays as it is');
    } finally {
      this.#work = undefined;
      resolve();
    }
  }

  #sleep(): void {
    const { owners, config } = this.#options;
    if (this.#closing.signal.aborted) {
      return;
    }
    if (owners.running().length > 0) {
      this.#mayHaveGrown = true;
      this.#wakeIn(ROUND_MS);
      return;
    }
    const dueUs = [
      config.compress ? this.#dueUs(this.#compressed, config.compress_after_ms * 1000) : undefined,
      config.keep_days ? this.#dueUs(this.#taken, config.keep_days * US_OF_A_DAY) : undefined,
    ].filter((due) => due !== undefined);
    if (dueUs.length > 0) {
      const due = (Math.min(...dueUs) - nowUs()) / 1000;
      this.#wakeIn(Math.min(LONGEST_SLEEP_MS, Math.max(ROUND_MS, due)));
    }
  }

  #dueUs(place: EndPlace, afterUs: number): number | undefined {
    const [next] = this.#options.owners.endedAfter(place, Number.MAX_SAFE_INTEGER, 1);
    return next && next.endedUs + afterUs;
  }

  /** Sooner than that, if it was to be so. */
  #wakeIn(milliseconds: number): void {
    const at = performance.now() + milliseconds;
    if (this.#timer !== undefined && this.#wakesAt <= at) {
      return;
    }
    clearTimeout(this.#timer);
    this.#wakesAt = at;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.keep();
    }, milliseconds).unref();
  }
}

async function dropAll(log: StoredLog): Promise<void> {
  await log.drop(await log.size());
}

function nowUs(): number {
  return Date.now() * 1000;
}
