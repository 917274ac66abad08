import { closeSync, constants, fdatasync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { stateError } from './database.ts';

const fdatasyncAsync = promisify(fdatasync);

/** Brings a file to the disk on a thread of the pool, for all at once who wait for it. */
export class DiskSync implements Disposable {
  readonly #path: string;
  readonly #fd: number;
  /** The newest; each begins when the one before has ended. */
  #last: Promise<void> = Promise.resolve();
  /** That one, while it has not begun. */
  #next: Promise<void> | undefined;

  /** @param path a file that must be there; others may write it. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  }

  /**
   * Resolves when all that was written to the file before the call is on the disk. A sync that has begun already may have
   * missed it: whoever asks meanwhile shares the next.
   *
   * @throws JobletError: from then on nobody knows what is on the disk, since the kernel takes pages for written that it
   * could not write, and the next sync would not tell (fsync(2)).
   */
  sync(): Promise<void> {
    if (this.#next === undefined) {
      this.#next = this.#last.then(() => this.#begin());
      this.#last = this.#next;
    }
    return this.#next;
  }

  async #begin(): Promise<void> {
    this.#next = undefined;
    try {
      await fdatasyncAsync(this.#fd);
    } catch (error) {
      throw stateError('fdatasync', this.#path, error);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
