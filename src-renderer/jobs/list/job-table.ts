/** The rows of all jobs, kept so that one change costs one change, with 100,000 of them too. */
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

export const COLUMNS = ['status', 'name', 'command', 'created', 'duration', 'cpu', 'memory'] as const;
export type Column = (typeof COLUMNS)[number];

export interface Sort {
  readonly column: Column;
  readonly descending: boolean;
}

export interface View {
  readonly filter: Filter;
  /** Found in name, command or id, whatever its case. */
  readonly search: string;
  readonly sort: Sort;
}

export const NEWEST_FIRST: Sort = { column: 'created', descending: true };

/** What is not in a row and can be sorted by all the same. */
export interface Now {
  readonly timeUs: number;
  readonly cpuPercent: (uuid: string) => number;
  readonly memoryBytes: (uuid: string) => number;
}

export function isLive(status: JobStatus): boolean {
  return FILTER_OF[status] === 'live';
}

/** Microseconds that a job has run, until now if it has not ended. */
export function durationOf({ startedUs, endedUs }: JobRow, nowUs: number): number {
  return startedUs === 0 ? 0 : Math.max(0, (endedUs === 0 ? nowUs : endedUs) - startedUs);
}

export class JobTable {
  /** Oldest first, so that a new job is one more at the end. */
  #rows: JobRow[] = [];
  readonly #places = new Map<string, number>();
  /** What has been told since `begin`, newest first, until it is complete. */
  #told: JobRow[] | undefined;

  get size(): number {
    return this.#rows.length;
  }

  get(uuid: string): JobRow | undefined {
    const place = this.#places.get(uuid);
    return place === undefined ? undefined : this.#rows[place];
  }

  apply(item: JobsItem): void {
    switch (item.kind) {
      case 'begin':
        this.#told = [];
        return;
      case 'rows':
        this.#told?.push(...item.rows);
        // A first part is better than nothing; what was known before stays until all of the new is there.
        if (this.size === 0 || this.size < (this.#told?.length ?? 0)) {
          this.#replace((this.#told ?? []).toReversed());
        }
        return;
      case 'complete':
        this.#replace((this.#told ?? []).toReversed());
        this.#told = undefined;
        return;
      case 'changed':
        for (const row of item.rows) {
          this.#put(row);
        }
        return;
      case 'removed': {
        const gone = new Set(item.uuids);
        this.#replace(this.#rows.filter(({ uuid }) => !gone.has(uuid)));
        return;
      }
    }
  }

  /** How many there are behind each filter. */
  counts(): Record<Filter, number> {
    const counts = { all: this.size, live: 0, completed: 0, failed: 0, stopped: 0 };
    for (const { status } of this.#rows) {
      counts[FILTER_OF[status]] += 1;
    }
    return counts;
  }

  rows({ filter, search, sort }: View, now: Now): JobRow[] {
    const words = search.trim().toLowerCase();
    const found =
      filter === 'all' && words === ''
        ? this.#rows
        : this.#rows.filter(
            (row) => (filter === 'all' || FILTER_OF[row.status] === filter) && holds(row, words),
          );
    if (sort.column === 'created') {
      return sort.descending ? found.toReversed() : [...found];
    }
    const key = keyOf(sort.column, now);
    const sign = sort.descending ? -1 : 1;
    // Equal ones stay newest first.
    return found.toReversed().sort((one, other) => sign * compare(key(one), key(other)));
  }

  #put(row: JobRow): void {
    const place = this.#places.get(row.uuid);
    if (place === undefined) {
      this.#places.set(row.uuid, this.#rows.length);
      this.#rows.push(row);
    } else {
      this.#rows[place] = row;
    }
  }

  #replace(rows: JobRow[]): void {
    this.#rows = rows;
    this.#places.clear();
    for (const [place, { uuid }] of rows.entries()) {
      this.#places.set(uuid, place);
    }
  }
}

function holds({ name, command, uuid }: JobRow, words: string): boolean {
  return (
    words === '' ||
    name.toLowerCase().includes(words) ||
    command.toLowerCase().includes(words) ||
    uuid.startsWith(words)
  );
}

function keyOf(column: Column, { timeUs, cpuPercent, memoryBytes }: Now): (row: JobRow) => string | number {
  switch (column) {
    case 'status':
      return ({ status }) => status;
    case 'name':
      return ({ name }) => name.toLowerCase();
    case 'command':
      return ({ command }) => command;
    case 'created':
      return ({ createdUs }) => createdUs;
    case 'duration':
      return (row) => durationOf(row, timeUs);
    case 'cpu':
      return ({ uuid }) => cpuPercent(uuid);
    case 'memory':
      return ({ uuid }) => memoryBytes(uuid);
  }
}

function compare(one: string | number, other: string | number): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
