/** What is typed, on its way to a console or an input: in its order, in pieces that the contract takes, and not without end. */
import { CONSOLE_MESSAGE_BYTES } from '../../src-main/ipc/contract.ts';
import { request } from '../ipc/client.ts';

/** What is typed or pasted and not taken may be so much. */
const PENDING_BYTES = 4 * 1024 * 1024;

export class Outbox {
  readonly #name: string;
  readonly #encoder = new TextEncoder();
  #pending = 0;
  #last: Promise<unknown>;

  /** @param ready resolves when the other side takes it: what is typed before waits for that. */
  constructor(name: string, ready: Promise<void>) {
    this.#name = name;
    this.#last = ready;
  }

  /** @returns whether there is room for all of it; else nothing of it is sent. */
  type(typed: string): boolean {
    const bytes = this.#encoder.encode(typed);
    if (this.#pending + bytes.length > PENDING_BYTES) {
      return false;
    }
    this.#pending += bytes.length;
    for (let at = 0; at < bytes.length; at += CONSOLE_MESSAGE_BYTES) {
      const data = bytes.slice(at, at + CONSOLE_MESSAGE_BYTES);
      this.post(() =>
        request('console.type', { console: this.#name, data }).finally(() => (this.#pending -= data.length)),
      );
    }
    return true;
  }

  /** One after the other; the stream of the console tells why one can't be sent. */
  post(message: () => Promise<unknown>): void {
    this.#last = this.#last.then(message).catch(() => undefined);
  }
}
