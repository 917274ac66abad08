/** Where in a log the bytes lie that a search was given, which are those of one stream, or of both. */
import type { LogIndex, LogRecord, StreamNumber } from './log-index.ts';
import { RECORDS_AT_ONCE } from './log-pieces.ts';

export interface Place {
  /** In the log of both streams. */
  readonly offset: number;
  readonly timeUs: bigint;
  readonly stream: StreamNumber;
  readonly length: number;
  /** Of its first byte in the line, or the part of one, that was asked for. */
  readonly from: number;
}

/** Asked for places in rising order. Reads the index again, since who searches reads far ahead of what it finds, by more than could be remembered. */
export class LinePlaces {
  readonly #index: LogIndex;
  readonly #streams: readonly StreamNumber[];
  #batch: readonly LogRecord[] = [];
  /** Number in the index of the batch's first record. */
  #first = 0;
  /** In the batch. */
  #at = 0;
  /** Of the next byte of a wanted stream: in what was searched, and in the log. */
  #searched = 0;
  #offset: number;

  /** @param start where in the log the search began */
  constructor(index: LogIndex, streams: readonly StreamNumber[], start: number) {
    this.#index = index;
    this.#streams = streams;
    this.#offset = start;
  }

  /** As `of`, where that takes no reading: most lines lie in the record of the one before. */
  here(from: number, length: number): Place[] | undefined {
    const record = this.#batch[this.#at];
    const offset = this.#offset + from - this.#searched;
    if (record === undefined || offset < record.offset || offset + length > record.offset + record.length) {
      return undefined;
    }
    const { timeUs, stream } = record;
    if (!this.#streams.includes(stream)) {
      return undefined;
    }
    this.#searched = from + length;
    this.#offset = offset + length;
    return [{ offset, timeUs, stream, length, from: 0 }];
  }

  /** @param from in what was searched; the runs together have that length. */
  async of(from: number, length: number): Promise<Place[]> {
    const places: Place[] = [];
    if (this.#streams.length > 1 && from > this.#searched) {
      await this.#skipTo(this.#offset + from - this.#searched);
      this.#searched = from;
    }
    for (let left = length; left > 0; ) {
      const record = await this.#record();
      const there = record.offset + record.length - this.#offset;
      if (!this.#streams.includes(record.stream)) {
        this.#offset += there;
        continue;
      }
      const skipped = Math.min(there, from + length - left - this.#searched);
      const taken = Math.min(there - skipped, left);
      if (taken > 0) {
        const { timeUs, stream } = record;
        places.push({ offset: this.#offset + skipped, timeUs, stream, length: taken, from: length - left });
      }
      this.#searched += skipped + taken;
      this.#offset += skipped + taken;
      left -= taken;
    }
    return places;
  }

  /** In the log of both streams a place is known without those before it. */
  async #skipTo(offset: number): Promise<void> {
    this.#offset = offset;
    const last = this.#batch.at(-1);
    if (last === undefined || offset >= last.offset + last.length) {
      this.#first = await this.#index.find(offset, await this.#index.count());
      this.#batch = [];
      this.#at = 0;
    }
  }

  /** In which the next byte lies. */
  async #record(): Promise<LogRecord> {
    for (;;) {
      const record = this.#batch[this.#at];
      if (record === undefined) {
        await this.#readBatch();
      } else if (record.offset + record.length > this.#offset) {
        return record;
      } else {
        this.#at += 1;
      }
    }
  }

  async #readBatch(): Promise<void> {
    const count = await this.#index.count();
    this.#first =
      this.#batch.length > 0 || this.#first > 0
        ? this.#first + this.#batch.length
        : await this.#index.find(this.#offset, count);
    this.#batch = await this.#index.read(this.#first, Math.min(RECORDS_AT_ONCE, count - this.#first));
    this.#at = 0;
    if (this.#batch.length === 0) {
      throw new RangeError(`no record of the log's index holds byte ${this.#offset}`);
    }
  }
}
