import { closeSync, constants, openSync } from 'node:fs';
import { spawnExecutable } from '../../native-helper/kernel/spawn.ts';
import { reapChild, type WaitStatus } from '../../native-helper/kernel/wait.ts';

/** Runs the peers with the spawner that the helper itself uses, and waits for them as it does: by SIGCHLD. */
export class Children implements Disposable {
  readonly #waiting = new Map<number, (status: WaitStatus) => void>();
  readonly #nothing = openSync('/dev/null', constants.O_RDWR);
  /** A process that only listens for signals has nothing to live for. */
  readonly #reasonToLive = setInterval(() => undefined, 60_000);
  readonly #onSignal = (): void => {
    for (const [pid, resolve] of this.#waiting) {
      const ended = reapChild(pid);
      if (ended !== null) {
        this.#waiting.delete(pid);
        resolve(ended.status);
      }
    }
  };

  constructor() {
    process.on('SIGCHLD', this.#onSignal);
  }

  /** @throws Error when it doesn't end with 0: a peer that fails is not faster. */
  async run(
    executableFd: number,
    argv: readonly string[],
    environment: readonly string[],
    descriptors: ReadonlyMap<number, number> = new Map(),
  ): Promise<void> {
    const standard = [0, 1, 2].map((fd): [number, number] => [fd, fd === 2 ? 2 : this.#nothing]);
    const pid = await spawnExecutable({
      executableFd,
      argv,
      environment,
      newSession: true,
      descriptors: new Map([...standard, ...descriptors]),
    });
    const status = await this.ended(pid);
    if (status.ended !== 'exit' || status.code !== 0) {
      throw new Error(`${argv.join(' ')}: ${JSON.stringify(status)}`);
    }
  }

  /** Resolves when a child of ours has ended and was reaped. */
  ended(pid: number): Promise<WaitStatus> {
    return new Promise((resolve) => {
      this.#waiting.set(pid, resolve);
      this.#onSignal();
    });
  }

  [Symbol.dispose](): void {
    process.off('SIGCHLD', this.#onSignal);
    clearInterval(this.#reasonToLive);
    closeSync(this.#nothing);
  }
}
