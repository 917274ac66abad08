/** Opens paths with a user's rights: in a child that has no others (docs/monitor-protocol.md, "open"). */
import { closeSync, openSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { JobletError } from '../../api/errors.ts';
import { receiveDescriptors } from '../../kernel/receive-descriptors.ts';
import { createSocketPair } from '../../kernel/socketpair.ts';
import { spawnExecutable } from '../../kernel/spawn.ts';
import { Reaper } from '../jobs/reaper.ts';
import type { Caller } from './caller.ts';

/** A file system that somebody else serves may take its time. */
const PATIENCE_MS = 10_000;
/** The child's descriptor for its answer. */
const ANSWER = 3;
const FOUND_BYTES = 40;

/** What lies at a path. */
export interface OpenedPath {
  /** O_PATH; whoever gets it closes it. */
  readonly fd: number;
  /** st_mode */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly device: bigint;
  readonly inode: bigint;
  /** statfs(2): f_type */
  readonly fileSystem: number;
}

export interface NotOpened {
  /** errno name */
  readonly error: string;
}

export class SourceOpener implements Disposable {
  readonly #executorFd: number;
  readonly #environment: readonly string[];
  readonly #reaper = new Reaper();

  /** @param environment of the child: empty, but in the tests of a weak executor. */
  constructor(executorFd: number, environment: readonly string[] = []) {
    this.#executorFd = executorFd;
    this.#environment = environment;
  }

  /**
   * @param paths 1 … 64, absolute.
   * @returns an answer for each path, in their order.
   * @throws JobletError (unavailable) when the file system doesn't answer in time.
   */
  async open(paths: readonly string[], caller: Caller): Promise<(OpenedPath | NotOpened)[]> {
    const [kept, given] = createSocketPair();
    try {
      await this.#untilAnswered(given, paths, caller);
      const { data, descriptors } = receiveDescriptors(kept, paths.length * FOUND_BYTES, paths.length);
      if (data.length !== paths.length * FOUND_BYTES) {
        throw unanswered(paths, 'the child that opens them ended without an answer');
      }
      return answersFrom(data, descriptors);
    } finally {
      closeSync(kept);
    }
  }

  /** The answer lies in the socket when the child has ended. */
  async #untilAnswered(given: number, paths: readonly string[], caller: Caller): Promise<void> {
    const pid = await this.#spawn(given, paths, caller);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      process.kill(pid, 'SIGKILL');
      reject(unanswered(paths, `the file system does not answer within ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
    this.#reaper.expect(pid, () => {
      clearTimeout(timer);
      resolve();
    });
    await promise;
  }

  async #spawn(given: number, paths: readonly string[], { uid, gid, groups }: Caller): Promise<number> {
    const nothing = openSync('/dev/null', 'r+');
    try {
      return await spawnExecutable({
        executableFd: this.#executorFd,
        argv: ['joblet-executor', 'open', `${uid}`, `${gid}`, groups.join(','), ...paths],
        descriptors: new Map([
          [0, nothing],
          [1, nothing],
          [2, nothing],
          [ANSWER, given],
        ]),
        newSession: true,
        environment: this.#environment,
      });
    } finally {
      closeSync(nothing);
      closeSync(given);
    }
  }

  [Symbol.dispose](): void {
    this.#reaper[Symbol.dispose]();
  }
}

function answersFrom(data: Buffer, descriptors: readonly number[]): (OpenedPath | NotOpened)[] {
  const unclaimed = [...descriptors];
  return Array.from({ length: data.length / FOUND_BYTES }, (_, index) => {
    const found = data.subarray(index * FOUND_BYTES);
    const errno = found.readUInt32LE(0);
    const fd = errno === 0 ? unclaimed.shift() : undefined;
    if (fd === undefined) {
      return { error: getSystemErrorName(-errno) };
    }
    return {
      fd,
      mode: found.readUInt32LE(4),
      uid: found.readUInt32LE(8),
      gid: found.readUInt32LE(12),
      device: found.readBigUInt64LE(16),
      inode: found.readBigUInt64LE(24),
      fileSystem: Number(found.readBigUInt64LE(32)),
    };
  });
}

function unanswered(paths: readonly string[], reason: string): JobletError {
  return new JobletError('unavailable', {
    layer: 'mount',
    operation: 'open',
    object: paths.join(', '),
    reason,
    mend: 'Check that the file system is there and answers, then run the job again.',
  });
}
