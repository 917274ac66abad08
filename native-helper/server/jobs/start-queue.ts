/** First come, first served: how many monitors are on their way up at one time. */

export class StartQueue {
  readonly #places: number;
  readonly #start: (uuid: string) => void;
  readonly #waiting = new Set<string>();
  #taken = 0;

  /**
   * @param places monitors that may be on their way up at one time, ≥ 1.
   * @param start called for a job that waited, when it has been given a place.
   */
  constructor(places: number, start: (uuid: string) => void) {
    this.#places = places;
    this.#start = start;
  }

  /** Takes a place if one is free and nobody waits for it. Give it back with `release`. */
  tryTake(): boolean {
    const free = this.#taken < this.#places && this.#waiting.size === 0;
    this.#taken += free ? 1 : 0;
    return free;
  }

  /** Waits for a place, which `start` then has. */
  enqueue(uuid: string): void {
    this.#waiting.add(uuid);
    this.#serve();
  }

  /** @returns whether the job was waiting; it gets no place any more. */
  cancel(uuid: string): boolean {
    return this.#waiting.delete(uuid);
  }

  release(): void {
    this.#taken -= 1;
    this.#serve();
  }

  /** What a job waits for, in words; empty when it does not wait. */
  waitingFor(uuid: string): string {
    if (!this.#waiting.has(uuid)) {
      return '';
    }
    const before = [...this.#waiting].indexOf(uuid);
    const jobs = before === 1 ? '1 job is' : `${before} jobs are`;
    return `one of ${this.#places} places for jobs that are being started; ${jobs} before it`;
  }

  #serve(): void {
    for (const uuid of this.#waiting) {
      if (this.#taken >= this.#places) {
        return;
      }
      this.#waiting.delete(uuid);
      this.#taken += 1;
      this.#start(uuid);
    }
  }
}
