/** From several writers to one reader, with room for few: who writes waits for who reads. */
export class Queue<Item> implements AsyncIterable<Item> {
  readonly #room: number;
  readonly #items: Item[] = [];
  #isEnded = false;
  #changed = Promise.withResolvers<void>();

  /** @param room items that may wait */
  constructor(room: number) {
    this.#room = room;
  }

  /** Resolves when there is room for another one. */
  async push(item: Item): Promise<void> {
    this.#items.push(item);
    this.#change();
    while (this.#items.length >= this.#room && !this.#isEnded) {
      await this.#changed.promise;
    }
  }

  /** The reader gets what is waiting, and no more. */
  end(): void {
    this.#isEnded = true;
    this.#change();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for (;;) {
      const [item] = this.#items;
      if (item !== undefined) {
        yield item;
        this.#items.shift();
        this.#change();
      } else if (this.#isEnded) {
        return;
      } else {
        await this.#changed.promise;
      }
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
