/** Where the lines of a view come from: all of a log, or those that match. */
import {
  LOG_PART_BYTES,
  type LogMatches,
  type LogNote,
  type LogPattern,
  type StreamPayload,
} from '../../src-main/ipc/contract.ts';
import { request } from '../ipc/client.ts';
import type { LogPart } from './line-window.ts';

export type Filter = StreamPayload<'log'>['stream'];

export interface LogSource {
  readonly isOfMatches: boolean;
  /** What ends before an offset; null: the end. */
  before(offset: number | null, signal: AbortSignal): Promise<LogPart>;
  /** What begins at an offset or later. */
  after(offset: number, signal: AbortSignal): Promise<LogPart>;
}

const PART_BYTES = LOG_PART_BYTES / 4;
const PART_LINES = 300;
const RANGES_MAXIMUM = 64;

/** @param logBytes how long the log is. @param notes in what was read of it. */
type Told = (logBytes: number, notes: readonly LogNote[]) => void;

export class AllLines implements LogSource {
  readonly isOfMatches = false;
  readonly #log: { readonly uuid: string; readonly stream: Filter };
  readonly #told: Told;

  constructor(log: { readonly uuid: string; readonly stream: Filter }, told: Told) {
    this.#log = log;
    this.#told = told;
  }

  before(to: number | null, signal: AbortSignal): Promise<LogPart> {
    return this.#read({ from: 0, to, edge: 'last' }, signal);
  }

  after(from: number, signal: AbortSignal): Promise<LogPart> {
    return this.#read({ from, to: null, edge: 'first' }, signal);
  }

  async #read(
    part: { readonly from: number; readonly to: number | null; readonly edge: 'first' | 'last' },
    signal: AbortSignal,
  ): Promise<LogPart> {
    const asked = { ...this.#log, ...part, bytes: PART_BYTES };
    const { pieces, notes, isAll, logBytes } = await request('log.read', asked, signal);
    this.#told(logBytes, notes);
    return { pieces, isEdge: isAll };
  }
}

export interface LogSearch {
  readonly uuid: string;
  readonly stream: Filter;
  readonly pattern: LogPattern;
}

/** A page of them is read from those parts of the log that have some. */
export class MatchingLines implements LogSource {
  readonly isOfMatches = true;
  readonly #search: LogSearch;
  readonly #matches: () => LogMatches;

  constructor(search: LogSearch, matches: () => LogMatches) {
    this.#search = search;
    this.#matches = matches;
  }

  async before(end: number | null, signal: AbortSignal): Promise<LogPart> {
    const { counts, firsts, lasts } = this.#matches();
    const offset = end ?? Number.POSITIVE_INFINITY;
    const ranges: Range[] = [];
    let lines = 0;
    let bucket = counts.length - 1;
    for (; bucket >= 0 && lines < PART_LINES && ranges.length < RANGES_MAXIMUM; bucket -= 1) {
      const [count = 0, from = 0, last = 0] = [counts[bucket], firsts[bucket], lasts[bucket]];
      if (count > 0 && from < offset) {
        ranges.unshift(...(last < offset ? rangesOf(count, from, last) : [{ from, to: offset, last: null }]));
        lines += last < offset ? count : 1;
      }
    }
    return this.#read(ranges, 'last', bucket < 0, signal);
  }

  async after(offset: number, signal: AbortSignal): Promise<LogPart> {
    const { counts, firsts, lasts } = this.#matches();
    const ranges: Range[] = [];
    let lines = 0;
    let bucket = 0;
    for (; bucket < counts.length && lines < PART_LINES && ranges.length < RANGES_MAXIMUM; bucket += 1) {
      const [count = 0, first = 0, last = 0] = [counts[bucket], firsts[bucket], lasts[bucket]];
      if (count > 0 && last >= offset) {
        ranges.push(...(first >= offset ? rangesOf(count, first, last) : [{ from: offset, to: last, last }]));
        lines += first >= offset ? count : 1;
      }
    }
    return this.#read(ranges, 'first', bucket === counts.length, signal);
  }

  async #read(
    ranges: Range[],
    edge: 'first' | 'last',
    isOfAll: boolean,
    signal: AbortSignal,
  ): Promise<LogPart> {
    if (ranges.length === 0) {
      return { pieces: [], isEdge: true };
    }
    const asked = { ...this.#search, ranges, edge, lines: PART_LINES };
    const { pieces, isAll } = await request('log.lines', asked, signal);
    return { pieces, isEdge: isAll && isOfAll };
  }
}

interface Range {
  from: number;
  to: number;
  last: number | null;
}

/** Of one or two matches it is known where they are: nothing has to be searched again. */
function rangesOf(count: number, first: number, last: number): Range[] {
  if (count > 2) {
    return [{ from: first, to: last, last }];
  }
  return [...new Set([first, last])].map((place) => ({ from: place, to: place, last: place }));
}
