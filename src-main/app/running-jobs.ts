/** The jobs that have not ended, and the news of each that does, across times when the helper is away. */
import { JobletError } from '../../native-helper/api/errors.ts';
import { type Job, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import type { Client } from '../client/index.ts';
import type { Link } from './link.ts';

/** Of so many jobs it is remembered that their end was told. */
const REMEMBERED = 4096;

interface RunningJobsEvents {
  onChange(): void;
  onEnd(job: Job): void;
  /** A job that has not ended has changed. */
  onStep(before: Job, job: Job): void;
}

export class RunningJobs implements Disposable {
  readonly #live = new Map<string, Job>();
  readonly #told = new Set<string>();
  /** What ended before was never ours to tell. */
  readonly #sinceUs = BigInt(Date.now()) * 1000n;
  readonly #onChange: () => void;
  readonly #onEnd: (job: Job) => void;
  readonly #onStep: (before: Job, job: Job) => void;
  readonly #closing = new AbortController();
  readonly #subscriptions: readonly Disposable[];

  constructor(link: Link, { onChange, onEnd, onStep }: RunningJobsEvents) {
    this.#onChange = onChange;
    this.#onEnd = onEnd;
    this.#onStep = onStep;
    this.#subscriptions = [
      link.onJobEvent(({ job, deleted }) => job && this.#hear(job, deleted)),
      link.onConnection((client) => {
        if (client !== undefined) {
          void this.#askForMissed(client);
        }
      }),
    ];
  }

  /** How many run now, of all users. */
  countRunning(): number {
    return this.#count(({ status }) => status === JobStatus.RUNNING);
  }

  /** How many of one user's have not ended. */
  countOf(uid: number): number {
    return this.#count(({ ownerUid }) => ownerUid === uid);
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    for (const subscription of this.#subscriptions) {
      subscription[Symbol.dispose]();
    }
  }

  #count(isCounted: (job: Job) => boolean): number {
    return [...this.#live.values()].filter(isCounted).length;
  }

  #hear(job: Job, deleted = false): void {
    if (!deleted && job.status < JobStatus.COMPLETED) {
      const before = this.#live.get(job.uuid);
      this.#live.set(job.uuid, job);
      if (before !== undefined) {
        this.#onStep(before, job);
      }
    } else {
      const wasLive = this.#live.delete(job.uuid);
      if (!deleted && (wasLive || job.endedUs >= this.#sinceUs)) {
        this.#tellOnce(job);
      }
    }
    this.#onChange();
  }

  #tellOnce(job: Job): void {
    if (this.#told.has(job.uuid)) {
      return;
    }
    const [oldest] = this.#told;
    if (oldest !== undefined && this.#told.size >= REMEMBERED) {
      this.#told.delete(oldest);
    }
    this.#told.add(job.uuid);
    this.#onEnd(job);
  }

  /** A watch tells first of the jobs that live; of those that ended while the helper was away it says nothing. */
  async #askForMissed(client: Client): Promise<void> {
    const { signal } = this.#closing;
    for (const known of [...this.#live.values()]) {
      try {
        this.#hear(await client.jobs.getJob({ id: known.uuid }, { signal }));
      } catch (error) {
        if (!(error instanceof JobletError && error.kind === 'not_found')) {
          return;
        }
        this.#hear(known, true);
      }
    }
  }
}
