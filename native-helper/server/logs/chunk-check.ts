/** Looks, while a log is read from one offset on, whether each chunk has the bytes that the monitor read. */
import { crc32 } from 'node:zlib';
import { JobletError } from '../../api/errors.ts';
import type { LogIndex, LogRecord } from './log-index.ts';
import { RECORDS_AT_ONCE } from './log-pieces.ts';

export class ChunkCheck {
  readonly #index: LogIndex;
  #batch: readonly LogRecord[] = [];
  /** Number in the index of the batch's first record; undefined before it is looked for. */
  #first: number | undefined;
  /** In the batch. */
  #at = 0;
  /** Of the chunk that is being read: up to there its checksum is known. */
  #checkedUntil = -1;
  #sum = 0;

  constructor(index: LogIndex) {
    this.#index = index;
  }

  /**
   * @param bytes those that follow the ones before. A chunk whose beginning was not among them, or that has no checksum, is taken as it is.
   * @throws JobletError (internal) when a chunk has others.
   */
  async look(bytes: Buffer, offset: number): Promise<void> {
    const end = offset + bytes.length;
    for (let at = offset; at < end; ) {
      const record = await this.#recordOf(at);
      if (record === undefined) {
        return;
      }
      const chunkEnd = record.offset + record.length;
      const until = Math.min(end, chunkEnd);
      if (at === record.offset || at === this.#checkedUntil) {
        const before = at === record.offset ? 0 : this.#sum;
        this.#sum = crc32(bytes.subarray(at - offset, until - offset), before);
        this.#checkedUntil = until;
        if (until === chunkEnd && record.crc32 !== undefined && record.crc32 !== this.#sum) {
          throw otherBytes(record);
        }
      }
      at = until;
    }
  }

  async #recordOf(offset: number): Promise<LogRecord | undefined> {
    for (;;) {
      const record = this.#batch[this.#at];
      if (record === undefined) {
        await this.#readBatch(offset);
        if (this.#batch.length === 0) {
          return undefined;
        }
      } else if (offset < record.offset + record.length) {
        return record;
      } else {
        this.#at += 1;
      }
    }
  }

  async #readBatch(offset: number): Promise<void> {
    const count = await this.#index.count();
    this.#first =
      this.#first === undefined ? await this.#index.find(offset, count) : this.#first + this.#batch.length;
    this.#batch = await this.#index.read(this.#first, Math.min(RECORDS_AT_ONCE, count - this.#first));
    this.#at = 0;
  }
}

function otherBytes({ offset, length }: LogRecord): JobletError {
  return new JobletError('internal', {
    layer: 'log',
    operation: 'compress',
    object: `${length} bytes at offset ${offset}`,
    reason: 'are not those that the job printed: their checksum is another',
    mend: 'The disk or its memory gives other bytes than it took. The log stays as it is.',
  });
}
