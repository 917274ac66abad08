/** Tells whoever waits for a job that its stored state has changed. It carries no state: read that from the store. */

type Listener = (uuid: string) => void;

export class JobChanges {
  readonly #ofAll = new Set<Listener>();
  readonly #ofOne = new Map<string, Set<Listener>>();

  /** Call it when the change is committed. Listeners must not throw. */
  announce(uuid: string): void {
    for (const listener of [...(this.#ofOne.get(uuid) ?? []), ...this.#ofAll]) {
      listener(uuid);
    }
  }

  /** @param uuids whose changes to tell; `all` also those of jobs to come. */
  subscribe(uuids: 'all' | readonly string[], listener: Listener): Disposable {
    if (uuids === 'all') {
      this.#ofAll.add(listener);
      return { [Symbol.dispose]: () => this.#ofAll.delete(listener) };
    }
    for (const uuid of uuids) {
      const listeners = this.#ofOne.get(uuid) ?? new Set();
      this.#ofOne.set(uuid, listeners.add(listener));
    }
    return { [Symbol.dispose]: () => this.#unsubscribe(uuids, listener) };
  }

  #unsubscribe(uuids: readonly string[], listener: Listener): void {
    for (const uuid of uuids) {
      const listeners = this.#ofOne.get(uuid);
      listeners?.delete(listener);
      if (listeners?.size === 0) {
        this.#ofOne.delete(uuid);
      }
    }
  }
}
