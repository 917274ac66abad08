/** Lets one consumer sleep until something has happened; what happens while it is awake is not missed. */

export class Wakeup {
  #happened = false;
  #resolve: (() => void) | undefined;

  /** Any number of calls before the next `wait` count as one. */
  readonly wake = (): void => {
    this.#happened = true;
    this.#resolve?.();
  };

  /** Resolves when `wake` has been called since the last `wait`, or the signal is aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#happened && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resolve = resolve;
      signal.addEventListener('abort', this.wake, { once: true });
      await promise;
      signal.removeEventListener('abort', this.wake);
      this.#resolve = undefined;
    }
    this.#happened = false;
  }
}
