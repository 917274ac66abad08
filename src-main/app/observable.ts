/** A value that is heard of when it changes. */
export class Observable<T> {
  #value: T;
  readonly #listeners = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
    for (const listener of [...this.#listeners]) {
      listener(value);
    }
  }

  /** Calls back at each change, not for the present value. */
  subscribe(listener: (value: T) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** The first value, the present one included, that is as wanted; throws the signal's reason when that is aborted. */
  async until(isWanted: (value: T) => boolean, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    if (isWanted(this.#value)) {
      return this.#value;
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    using _ = this.subscribe((value) => {
      if (isWanted(value)) {
        resolve(value);
      }
    });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** The present value and each that follows; a slow reader gets the newest and not all. */
  async *values(signal: AbortSignal): AsyncGenerator<T> {
    let seen: { readonly value: T } | undefined;
    while (!signal.aborted) {
      const value = this.#value;
      if (seen !== undefined && seen.value === value) {
        await this.until((each) => each !== value, signal);
      } else {
        seen = { value };
        yield value;
      }
    }
  }
}
