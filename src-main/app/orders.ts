/** What the main process asks of the window. An order given while no window listens waits for the next one. */
import type { Order } from '../ipc/contract.ts';

/** A window that does not come must not be greeted by a hundred jumps. */
const MAX_WAITING = 8;

export class Orders {
  #waiting: Order[] = [];
  #wake: () => void = () => {};

  give(order: Order): void {
    this.#waiting = [...this.#waiting, order].slice(-MAX_WAITING);
    this.#wake();
  }

  /** Each order goes to one listener: there is one window. */
  async *listen(signal: AbortSignal): AsyncGenerator<Order> {
    const onAbort = () => this.#wake();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const order = this.#waiting.shift();
        if (order !== undefined) {
          yield order;
          continue;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
