/** Finds out that the other side hangs: a process that is stopped keeps its connections, and the kernel says nothing of it. */

/** Between two looks while calls are under way, ms. A helper that hangs is found at the second or third. */
const LOOK_MS = 10_000;

export interface LivenessOptions {
  /** Bytes that the connection has received so far. */
  readonly bytesRead: () => number;
  /** Makes the other side say something. */
  readonly ask: () => void;
  /** Ends the connection, and the calls with it. */
  readonly giveUp: () => void;
}

/**
 * (The pings of connect-node would do, but an error of theirs has no listener any more when the client is closed in the same turn, and
 * ends the process: 2.2.0.)
 */
export class Liveness {
  readonly #options: LivenessOptions;
  #calls = 0;
  #timer: NodeJS.Timeout | undefined;
  #bytesSeen = 0;
  #hasAsked = false;

  constructor(options: LivenessOptions) {
    this.#options = options;
  }

  /** A call waits for the other side until the scope ends, or until it is cancelled: its reader may never come to an end then. */
  call(signal: AbortSignal | undefined): Disposable {
    this.#calls += 1;
    if (this.#timer === undefined) {
      this.#bytesSeen = this.#options.bytesRead();
      this.#hasAsked = false;
      this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
    }
    const waiting = new DisposableStack();
    waiting.defer(() => this.#end());
    const cancel = () => waiting.dispose();
    signal?.addEventListener('abort', cancel, { once: true });
    waiting.defer(() => signal?.removeEventListener('abort', cancel));
    return waiting;
  }

  #end(): void {
    this.#calls -= 1;
    if (this.#calls === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #look(): void {
    const bytes = this.#options.bytesRead();
    if (bytes !== this.#bytesSeen) {
      this.#bytesSeen = bytes;
      this.#hasAsked = false;
    } else if (this.#hasAsked) {
      this.#options.giveUp();
    } else {
      this.#hasAsked = true;
      this.#options.ask();
    }
  }
}
