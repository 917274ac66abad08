/**
 * The rows that pass a filter and a search, in the order of a column. What changed is taken out and merged back in: no
 * change sorts what did not change.
 */
import { JOB_STATUSES, type JobRow } from '../../../src-main/ipc/contract.ts';
import { durationOf, type Entry, type Filter, isLive, type JobTable, passes } from './job-table.ts';

export const COLUMNS = ['status', 'name', 'command', 'created', 'duration', 'cpu', 'memory'] as const;
export type Column = (typeof COLUMNS)[number];

export interface Sort {
  readonly column: Column;
  readonly descending: boolean;
}

export const NEWEST_FIRST: Sort = { column: 'created', descending: true };

export interface View {
  readonly filter: Filter;
  /** Found in name, command, a label or at the beginning of the id, whatever its case. */
  readonly search: string;
  readonly sort: Sort;
}

/** What is not in a row and can be sorted by all the same. */
export interface Now {
  readonly timeUs: number;
  readonly cpuPercent: (uuid: string) => number;
  readonly memoryBytes: (uuid: string) => number;
}

/** Of a job that has ended: its last use is known for a while yet, and it is not looked at again. */
const NOTHING_USED = -1;

/** By these, jobs that have not ended change places without being changed. */
const MOVING_COLUMNS: ReadonlySet<Column> = new Set(['duration', 'cpu', 'memory']);

interface Line {
  readonly entry: Entry;
  key: string | number;
  /** In lower case, made when first searched. */
  text: string | undefined;
  isShown: boolean;
}

export class Listing {
  readonly #table: JobTable;
  readonly #lines = new Map<Entry, Line>();
  #view: View | undefined;
  #order: readonly Line[] = [];

  constructor(table: JobTable) {
    this.#table = table;
  }

  get size(): number {
    return this.#order.length;
  }

  rows(from: number, to: number): JobRow[] {
    return this.#order.slice(from, to).map(({ entry }) => entry.row);
  }

  at(index: number): string | undefined {
    return this.#order[index]?.entry.row.uuid;
  }

  /** @returns -1 when it is not shown */
  indexOf(uuid: string): number {
    const entry = this.#table.entry(uuid);
    const line = entry && this.#lines.get(entry);
    return line?.isShown ? this.#order.indexOf(line) : -1;
  }

  isShown(uuid: string): boolean {
    const entry = this.#table.entry(uuid);
    return entry !== undefined && this.#lines.get(entry)?.isShown === true;
  }

  /** Brings the rows up to date. */
  show(view: View, now: Now): void {
    const isOther = !isSameView(this.#view, view);
    this.#view = view;
    const changed = this.#table.takeChanged();
    const moved = new Set<Line>();
    for (const entry of changed) {
      const line = this.#lineOf(entry);
      line.text = undefined;
      moved.add(line);
    }
    const others = isOther
      ? this.#table.entries()
      : MOVING_COLUMNS.has(view.sort.column)
        ? this.#table.live
        : [];
    for (const entry of others) {
      moved.add(this.#lineOf(entry));
    }
    if (moved.size > 0) {
      this.#replace(moved, view, now);
    }
  }

  #lineOf(entry: Entry): Line {
    const known = this.#lines.get(entry);
    const line = known ?? { entry, key: '', text: undefined, isShown: false };
    if (known === undefined) {
      this.#lines.set(entry, line);
    }
    return line;
  }

  #replace(moved: ReadonlySet<Line>, { filter, search, sort }: View, now: Now): void {
    const order = comparison(sort.descending);
    const kept = moved.size >= this.#lines.size ? [] : without(this.#order, moved, order);
    const words = search.trim().toLowerCase();
    const keyOf = keyFor(sort.column, now);
    const placed: Line[] = [];
    for (const line of moved) {
      const { row, isGone } = line.entry;
      line.isShown = !isGone && passes(filter, row.status) && holds(line, words);
      if (line.isShown) {
        line.key = keyOf(row);
        placed.push(line);
      }
      if (isGone) {
        this.#lines.delete(line.entry);
      }
    }
    this.#order = merged(kept, placed.sort(order), order);
  }
}

function isSameView(one: View | undefined, other: View): boolean {
  return (
    one?.filter === other.filter &&
    one.search === other.search &&
    one.sort.column === other.sort.column &&
    one.sort.descending === other.sort.descending
  );
}

function holds(line: Line, words: string): boolean {
  if (words === '') {
    return true;
  }
  const { name, command, labels, uuid } = line.entry.row;
  // A line break between them is in no search.
  line.text ??= [name, command, ...labels].join('\n').toLowerCase();
  return line.text.includes(words) || uuid.startsWith(words);
}

function keyFor(column: Column, { timeUs, cpuPercent, memoryBytes }: Now): (row: JobRow) => string | number {
  switch (column) {
    case 'status':
      return ({ status }) => JOB_STATUSES.indexOf(status);
    case 'name':
      return ({ name }) => naturalKey(name);
    case 'command':
      return ({ command }) => command;
    case 'created':
      return ({ createdUs }) => createdUs;
    case 'duration':
      return (row) => durationOf(row, timeUs);
    case 'cpu':
      return ({ uuid, status }) => (isLive(status) ? cpuPercent(uuid) : NOTHING_USED);
    case 'memory':
      return ({ uuid, status }) => (isLive(status) ? memoryBytes(uuid) : NOTHING_USED);
  }
}

/**
 * By it `job-2` stands before `job-10`: each number begins with how many digits it has. Plain text is compared several times
 * as fast as `Intl.Collator` compares numbers, which 100,000 rows would feel.
 */
function naturalKey(name: string): string {
  return name
    .toLowerCase()
    .replace(/0*(\d+)/g, (_, digits: string) => `${String(digits.length).padStart(3, '0')}${digits}`);
}

/** Those with the same key: newest first, whichever way the column is sorted. */
function comparison(descending: boolean): Order {
  const sign = descending ? -1 : 1;
  return (one, other) =>
    sign * compare(one.key, other.key) ||
    other.entry.row.createdUs - one.entry.row.createdUs ||
    compare(one.entry.row.uuid, other.entry.row.uuid);
}

function compare(one: string | number, other: string | number): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

type Order = (one: Line, other: Line) => number;

/** Where a line stands in a sorted list, or would stand. */
function placeIn(lines: readonly Line[], line: Line, order: Order, from = 0): number {
  let low = from;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (order(lines[middle] as Line, line) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** They still have the keys by which they were placed, so that they are found without a look at the others. */
function without(lines: readonly Line[], moved: ReadonlySet<Line>, order: Order): readonly Line[] {
  const places = [...moved].filter(({ isShown }) => isShown).map((line) => placeIn(lines, line, order));
  places.sort((one, other) => one - other);
  const starts = [0, ...places.map((place) => place + 1)];
  return starts.flatMap((start, index) => lines.slice(start, places[index] ?? lines.length));
}

/** Two sorted lists as one. */
function merged(lines: readonly Line[], others: readonly Line[], order: Order): readonly Line[] {
  const parts: (readonly Line[] | Line)[] = [];
  let from = 0;
  for (const other of others) {
    const place = placeIn(lines, other, order, from);
    parts.push(lines.slice(from, place), other);
    from = place;
  }
  return [...parts, lines.slice(from)].flat();
}
