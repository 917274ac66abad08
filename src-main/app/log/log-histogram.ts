/** Where in a log matches lie, however many there are: the log is cut into at most 2048 equal parts, and each knows its own. */
import type { LogMatches } from '../../ipc/contract.ts';

export const BUCKETS = 2048;
/** Of a small log: 128 KiB in all. A power of two, and so is each that comes of it by doubling. */
const LEAST_BUCKET_BYTES = 64;

export class LogHistogram {
  #bucketBytes = LEAST_BUCKET_BYTES;
  #total = 0;
  readonly #counts = new Uint32Array(BUCKETS);
  /** Offsets of the first and the last match in each bucket that has any. */
  readonly #firsts = new Float64Array(BUCKETS);
  readonly #lasts = new Float64Array(BUCKETS);

  /** @param offset of a match, later in the log than all before */
  add(offset: number): void {
    while (offset >= BUCKETS * this.#bucketBytes) {
      this.#halve();
    }
    const bucket = Math.floor(offset / this.#bucketBytes);
    if (this.#counts[bucket] === 0) {
      this.#firsts[bucket] = offset;
    }
    this.#lasts[bucket] = offset;
    (this.#counts[bucket] as number) += 1;
    this.#total += 1;
  }

  /** A copy of what there is now. */
  get matches(): Pick<LogMatches, 'bucketBytes' | 'total' | 'counts' | 'firsts' | 'lasts'> {
    const used = 1 + this.#counts.findLastIndex((count) => count > 0);
    return {
      bucketBytes: this.#bucketBytes,
      total: this.#total,
      counts: this.#counts.slice(0, used),
      firsts: this.#firsts.slice(0, used),
      lasts: this.#lasts.slice(0, used),
    };
  }

  /** Two buckets become one: the resolution is coarser, and the whole reaches twice as far. */
  #halve(): void {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const [left, right] = [2 * bucket, 2 * bucket + 1];
      const [before = 0, after = 0] = [this.#counts[left], this.#counts[right]];
      this.#counts[bucket] = before + after;
      this.#firsts[bucket] = this.#firsts[before > 0 ? left : right] ?? 0;
      this.#lasts[bucket] = this.#lasts[after > 0 ? right : left] ?? 0;
    }
    this.#bucketBytes *= 2;
  }
}
