/** Gathers what comes close together, so that a thousand at once are dealt with once. */
export class Gather<T> implements Disposable {
  readonly #periodMs: number;
  readonly #deal: (items: readonly T[]) => void;
  #items: T[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param deal gets what was added in the `periodMs` after the first. */
  constructor(periodMs: number, deal: (items: readonly T[]) => void) {
    this.#periodMs = periodMs;
    this.#deal = deal;
  }

  add(item: T): void {
    this.#items.push(item);
    this.#timer ??= setTimeout(() => {
      const items = this.#items;
      this.#items = [];
      this.#timer = undefined;
      this.#deal(items);
    }, this.#periodMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
