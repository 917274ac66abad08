/** The rows of all jobs, and what became of them since somebody looked: one change costs one change, with 100,000 of them too. */
import type { JobRow, JobStatus, JobsItem } from '../../../src-main/ipc/contract.ts';

export const FILTERS = ['all', 'live', 'completed', 'failed', 'stopped'] as const;
export type Filter = (typeof FILTERS)[number];

const FILTER_OF: Readonly<Record<JobStatus, Exclude<Filter, 'all'>>> = {
  INITIALIZING: 'live',
  SCHEDULED: 'live',
  QUEUED: 'live',
  RUNNING: 'live',
  PAUSED: 'live',
  COMPLETED: 'completed',
  FAILED: 'failed',
  TIMEOUT: 'failed',
  LOST: 'failed',
  STOPPED: 'stopped',
  CANCELED: 'stopped',
};

/** A job in the table; `row` is another object after each change. */
export interface Entry {
  row: JobRow;
  /** No longer in the table. */
  isGone: boolean;
}

export function isLive(status: JobStatus): boolean {
  return FILTER_OF[status] === 'live';
}

export function passes(filter: Filter, status: JobStatus): boolean {
  return filter === 'all' || FILTER_OF[status] === filter;
}

/** Microseconds that a job has run, until now if it is live and runs: no other job's time grows. */
export function durationOf({ status, startedUs, endedUs }: JobRow, nowUs: number): number {
  return startedUs === 0 ? 0 : Math.max(0, (isLive(status) && endedUs === 0 ? nowUs : endedUs) - startedUs);
}

export class JobTable {
  readonly #entries = new Map<string, Entry>();
  readonly #live = new Set<Entry>();
  readonly #counts: Record<Filter, number> = { all: 0, live: 0, completed: 0, failed: 0, stopped: 0 };
  #changed = new Set<Entry>();
  /** What has been told since `begin`, until it is complete. */
  #told: Set<string> | undefined;

  get size(): number {
    return this.#entries.size;
  }

  /** How many there are behind each filter. */
  get counts(): Readonly<Record<Filter, number>> {
    return this.#counts;
  }

  /** Those that have not ended. */
  get live(): ReadonlySet<Entry> {
    return this.#live;
  }

  get(uuid: string): JobRow | undefined {
    return this.#entries.get(uuid)?.row;
  }

  entry(uuid: string): Entry | undefined {
    return this.#entries.get(uuid);
  }

  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** What came, changed or went since the last call; for the one who shows the list. */
  takeChanged(): ReadonlySet<Entry> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  apply(item: JobsItem): void {
    switch (item.kind) {
      case 'begin':
        this.#told = new Set();
        return;
      case 'rows':
      case 'changed':
        for (const row of item.rows) {
          this.#put(row);
        }
        return;
      case 'complete':
        for (const uuid of this.#entries.keys()) {
          if (this.#told?.has(uuid) === false) {
            this.#remove(uuid);
          }
        }
        this.#told = undefined;
        return;
      case 'removed':
        for (const uuid of item.uuids) {
          this.#remove(uuid);
        }
        return;
    }
  }

  #put(row: JobRow): void {
    this.#told?.add(row.uuid);
    const known = this.#entries.get(row.uuid);
    const entry = known ?? { row, isGone: false };
    if (known === undefined) {
      this.#entries.set(row.uuid, entry);
    } else {
      this.#count(known, -1);
      known.row = row;
    }
    this.#count(entry, 1);
    this.#changed.add(entry);
  }

  #remove(uuid: string): void {
    const entry = this.#entries.get(uuid);
    if (entry !== undefined) {
      this.#entries.delete(uuid);
      this.#count(entry, -1);
      entry.isGone = true;
      this.#changed.add(entry);
    }
  }

  #count(entry: Entry, by: 1 | -1): void {
    const filter = FILTER_OF[entry.row.status];
    this.#counts.all += by;
    this.#counts[filter] += by;
    if (filter === 'live' && by === 1) {
      this.#live.add(entry);
    } else {
      this.#live.delete(entry);
    }
  }
}
