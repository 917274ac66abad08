/** A search in a log: what it has found so far, and the way from one match to the next. */
import type { Failure, LogMatches, LogPattern } from '../../src-main/ipc/contract.ts';
import { RequestFailed, request, stream } from '../ipc/client.ts';
import { type Filter, type LogSearch, type LogSource, MatchingLines } from './log-source.ts';

export interface Match {
  /** Of the line's first byte. */
  readonly offset: number;
  /** 1: the first in the log. */
  readonly number: number;
}

const NONE: LogMatches = {
  bucketBytes: 1,
  total: 0,
  counts: new Uint32Array(),
  firsts: new Float64Array(),
  lasts: new Float64Array(),
  searchedBytes: 0,
  isOver: false,
};

export interface LogFinderOptions {
  /** More is known. @param before how far it was searched until now */
  readonly found: (before: number, isOver: boolean) => void;
}

export class LogFinder {
  matches = $state.raw<LogMatches>(NONE);
  search = $state.raw<LogSearch | undefined>(undefined);
  current = $state.raw<Match | undefined>(undefined);
  failure = $state.raw<Failure | undefined>(undefined);
  readonly #uuid: string;
  readonly #options: LogFinderOptions;
  #leaving = new AbortController();

  constructor(uuid: string, options: LogFinderOptions) {
    this.#uuid = uuid;
    this.#options = options;
  }

  get isSearching(): boolean {
    return this.search !== undefined && this.failure === undefined && !this.matches.isOver;
  }

  begin(filter: Filter, pattern: LogPattern): void {
    this.end();
    this.#leaving = new AbortController();
    this.search = { uuid: this.#uuid, stream: filter, pattern };
    void this.#read(this.search, this.#leaving.signal);
  }

  end(): void {
    this.#leaving.abort();
    this.search = undefined;
    this.matches = NONE;
    this.current = undefined;
    this.failure = undefined;
  }

  /** The lines that it finds, as they are found; undefined: nothing is searched for. */
  get source(): LogSource | undefined {
    return this.search && new MatchingLines(this.search, () => this.matches);
  }

  /**
   * The first match that begins after an offset; at the end it begins anew.
   *
   * @param offset where a line begins
   */
  async next(offset: number): Promise<Match | undefined> {
    const { counts, firsts, lasts } = this.matches;
    const bucket = lasts.findIndex((last, each) => (counts[each] ?? 0) > 0 && last > offset);
    if (bucket < 0) {
      return this.#become({ offset: firsts[this.#firstBucket] ?? 0, number: 1 });
    }
    const [count = 0, first = 0, last = 0] = [counts[bucket], firsts[bucket], lasts[bucket]];
    const before = this.#countBefore(bucket);
    if (first > offset) {
      return this.#become({ offset: first, number: before + 1 });
    }
    const rest = await this.#count(offset, last);
    const isOn = rest?.places[0] === offset;
    const next = rest?.places[isOn ? 1 : 0] ?? last;
    const left = (rest?.count ?? 0) - (isOn ? 1 : 0);
    return this.#become({ offset: next, number: before + count - left });
  }

  /** The last match that begins before an offset; at the beginning it goes on from the end. */
  async previous(offset: number): Promise<Match | undefined> {
    const { counts, firsts, lasts, total } = this.matches;
    const bucket = firsts.findLastIndex((first, each) => (counts[each] ?? 0) > 0 && first < offset);
    if (bucket < 0) {
      return this.#become({ offset: lasts.at(-1) ?? 0, number: total });
    }
    const [count = 0, first = 0, last = 0] = [counts[bucket], firsts[bucket], lasts[bucket]];
    const before = this.#countBefore(bucket);
    if (last < offset) {
      return this.#become({ offset: last, number: before + count });
    }
    const found = await this.#count(first, offset);
    return this.#become({ offset: found?.last ?? first, number: before + Math.max(1, found?.count ?? 1) });
  }

  /** A match that is near an offset: the first in its part of the log, or in one after, or the last of all. */
  nearest(offset: number): number {
    const { bucketBytes, counts, firsts, lasts } = this.matches;
    const from = Math.floor(offset / bucketBytes);
    const bucket = counts.findIndex((count, each) => each >= from && count > 0);
    return (bucket < 0 ? lasts.at(-1) : firsts[bucket]) ?? 0;
  }

  /** Of the lines between two that begin there, those that match. */
  async placesBetween(from: number, to: number): Promise<readonly number[]> {
    return (await this.#count(from, to))?.places ?? [];
  }

  get #firstBucket(): number {
    return this.matches.counts.findIndex((count) => count > 0);
  }

  #countBefore(bucket: number): number {
    return this.matches.counts.subarray(0, bucket).reduce((sum, count) => sum + count, 0);
  }

  #become(match: Match): Match | undefined {
    this.current = this.matches.total === 0 ? undefined : match;
    return this.current;
  }

  async #count(from: number, to: number) {
    const { search } = this;
    const { signal } = this.#leaving;
    try {
      return search && (await request('log.count', { ...search, from, to }, signal));
    } catch (error) {
      this.#fail(error, signal);
      return undefined;
    }
  }

  async #read(search: LogSearch, signal: AbortSignal): Promise<void> {
    try {
      for await (const matches of stream('log.search', search, signal)) {
        const before = this.matches.searchedBytes;
        this.matches = matches;
        this.#options.found(before, matches.isOver);
      }
    } catch (error) {
      this.#fail(error, signal);
    }
  }

  #fail(error: unknown, signal: AbortSignal): void {
    if (!signal.aborted) {
      if (!(error instanceof RequestFailed)) {
        throw error;
      }
      this.failure = error.failure;
    }
  }
}
