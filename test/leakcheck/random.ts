/** Random choices that a seed brings back: mulberry32, 32 bits of state are enough to choose jobs by. */
export class Random {
  #state: number;

  /** @param seed 0 … 2³² − 1 */
  constructor(seed: number) {
    this.#state = seed;
  }

  /** @returns a number from 0 up to, and not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** @returns a whole number from 0 up to, and not including, `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** @throws RangeError when there is nothing to choose from. */
  choose<T>(things: readonly T[]): T {
    if (things.length === 0) {
      throw new RangeError('nothing to choose from');
    }
    return things[this.below(things.length)] as T;
  }
}
