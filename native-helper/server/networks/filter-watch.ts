/**
 * Notices that another program has taken our tables away, as `nft flush ruleset` of a reloaded firewall does: without them jobs reach
 * what they may not. A child without rights waits for the kernel to tell of it (executor/tables.h), so that the helper sleeps
 * meanwhile.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Logger } from '../log.ts';

/** A change of our own removes the tables and makes them again at once. Longer than between the two lines that tell of it. */
const SETTLING_MS = 100;
const RETRY_MS = 1000;
const LOST_EVENTS = '?';

export interface FilterWatchOptions {
  readonly executorFd: number;
  /** What the names of our tables begin with. */
  readonly prefix: string;
  /** Makes them again. Called until it resolves. */
  readonly restore: () => Promise<void>;
  readonly logger: Logger;
}

export class FilterWatch implements Disposable {
  readonly #options: FilterWatchOptions;
  #child: ChildProcess | undefined;
  /** Tables that were there. */
  readonly #gone = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FilterWatchOptions) {
    this.#options = options;
  }

  /**
   * Resolves when it notices each change, or can't: then the log says why, and jobs have their networks all the same. Does nothing when it
   * watches already.
   */
  async start(): Promise<void> {
    if (this.#child !== undefined) {
      return;
    }
    const { executorFd, prefix, logger } = this.#options;
    const child = spawn(`/proc/${process.pid}/fd/${executorFd}`, ['tables', prefix], {
      env: {},
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child = child;
    const { promise, resolve } = Promise.withResolvers<void>();
    const hasEnded = (reason: unknown) => {
      if (this.#child === child) {
        this.#child = undefined;
        logger.warn({ reason }, 'nobody notices any more when another program removes the packet filter');
      }
      resolve();
    };
    child.once('error', hasEnded).once('exit', (code, signal) => hasEnded(code ?? signal));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') {
        resolve();
      } else {
        this.#hear(line);
      }
    });
    await promise;
  }

  [Symbol.dispose](): void {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
    child?.stdout?.destroy();
    this.#gone.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #hear(line: string): void {
    if (line.startsWith('+')) {
      this.#gone.delete(line.slice(1));
    } else {
      this.#gone.add(line === LOST_EVENTS ? line : line.slice(1));
    }
    this.#timer ??= setTimeout(() => void this.#look(), SETTLING_MS);
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    if (this.#gone.size === 0) {
      return;
    }
    const { restore, logger } = this.#options;
    logger.warn('another program has removed the packet filter of jobs; it is made again');
    this.#gone.clear();
    try {
      await restore();
    } catch (error) {
      logger.error({ err: error }, 'the packet filter of jobs could not be made again');
      if (this.#child !== undefined) {
        this.#gone.add(LOST_EVENTS);
        this.#timer ??= setTimeout(() => void this.#look(), RETRY_MS);
      }
    }
  }
}
