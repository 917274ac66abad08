/** Takes away the children that have ended, so that none stays as a zombie. */
import { reapChild, type WaitStatus } from '../../kernel/wait.ts';

/**
 * A monitor's socket closes a moment before the kernel makes it a zombie, so asking once is not enough, and asking
 * again and again would be polling. SIGCHLD comes exactly when there is something to reap; several may come as one
 * (signal(7)), so each looks at all children that are on their way out.
 */
export class Reaper implements Disposable {
  readonly #leaving = new Map<number, (status: WaitStatus) => void>();
  readonly #onSignal = (): void => {
    for (const pid of this.#leaving.keys()) {
      this.#tryToReap(pid);
    }
  };

  constructor() {
    process.on('SIGCHLD', this.#onSignal);
  }

  /**
   * @param pid a child of ours that is about to end.
   * @param hasEnded called once, when it has.
   */
  expect(pid: number, hasEnded: (status: WaitStatus) => void): void {
    this.#leaving.set(pid, hasEnded);
    this.#tryToReap(pid);
  }

  [Symbol.dispose](): void {
    process.off('SIGCHLD', this.#onSignal);
  }

  #tryToReap(pid: number): void {
    const ended = reapChild(pid);
    if (ended !== null) {
      this.#leaving.get(pid)?.(ended.status);
      this.#leaving.delete(pid);
    }
  }
}
