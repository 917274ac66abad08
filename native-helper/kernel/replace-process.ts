import { constants } from 'node:os';
import { checked, declare, lastErrno, once, systemCallError } from './library.ts';

/** <fcntl.h> */
const F_DUPFD_CLOEXEC = 1030;
const F_SETFD = 2;
/** SIG_DFL */
const DEFAULT_ACTION = 0n;

export interface ReplacementOptions {
  /** The program: any descriptor of an executable file, also a sealed memfd. */
  readonly executableFd: number;
  /** The whole argument vector, the program's name included. */
  readonly argv: readonly string[];
  /** The whole environment, `NAME=value`. */
  readonly environment: readonly string[];
  /** What the program finds open beside 0, 1 and 2: its number → the number here. */
  readonly descriptors: ReadonlyMap<number, number>;
}

const native = once(() => ({
  fcntl: declare<(fd: number, command: number, type: 'int', argument: number) => number>(
    'int fcntl(int fd, int command, ...)',
  ),
  dup2: declare<(from: number, to: number) => number>('int dup2(int from, int to)'),
  signal: declare<(signal: number, handler: bigint) => bigint>(
    'intptr_t signal(int signal, intptr_t handler)',
  ),
  execve: declare<(path: string, argv: (string | null)[], environment: (string | null)[]) => number>(
    'int execve(const char *path, const char **argv, const char **environment)',
  ),
}));

/**
 * Becomes another program: execve(2), with descriptors under chosen numbers. Those may be numbers that Node itself
 * uses, so nothing of Node may run between here and the new program: when it fails, only ending is left.
 *
 * @throws JobletError when a call fails.
 */
export function replaceProcess({ executableFd, argv, environment, descriptors }: ReplacementOptions): never {
  const { fcntl, dup2, signal, execve } = native();
  const aboveAll = Math.max(2, ...descriptors.keys()) + 1;
  const copy = (fd: number): number =>
    checked(fcntl(fd, F_DUPFD_CLOEXEC, 'int', aboveAll), 'fcntl F_DUPFD_CLOEXEC', `descriptor ${fd}`);
  const executable = copy(executableFd);
  // Copied out of the way first: a target's number may be another one's source.
  const pairs = [...descriptors].map(([target, source]) => [target, copy(source)] as const);
  for (const [target, source] of pairs) {
    checked(dup2(source, target), 'dup2', `descriptor ${target}`);
  }
  // Node sets close-on-exec on all that it inherits.
  for (const fd of [0, 1, 2]) {
    checked(fcntl(fd, F_SETFD, 'int', 0), 'fcntl F_SETFD', `descriptor ${fd}`);
  }
  // Node ignores it, and what is ignored stays so across execve.
  signal(constants.signals.SIGPIPE, DEFAULT_ACTION);
  execve(`/proc/self/fd/${executable}`, [...argv, null], [...environment, null]);
  throw systemCallError('execve', argv[0] ?? '', lastErrno());
}
