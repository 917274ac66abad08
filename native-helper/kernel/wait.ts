import { constants } from 'node:os';
import { declare, lastErrno, once, systemCallError } from './library.ts';

/** <sys/wait.h> */
const WNOHANG = 1;

/** How a child ended: by its own exit code, or by a signal. */
export type WaitStatus =
  | { readonly ended: 'exit'; readonly code: number }
  | { readonly ended: 'signal'; readonly signal: number };

export interface EndedChild {
  readonly pid: number;
  readonly status: WaitStatus;
}

const waitpid = once(() =>
  declare<(pid: number, status: Int32Array, options: number) => number>(
    'int waitpid(int pid, int32_t *status, int options)',
  ),
);

/**
 * Reaps one child if it has ended; never blocks.
 *
 * @param pid the child of spawnExecutable. −1 (any child) would also take the children of node:child_process.
 * @returns null while it runs.
 * @throws JobletError (ECHILD) when it is not our child or was reaped before.
 */
export function reapChild(pid: number): EndedChild | null {
  const status = new Int32Array(1);
  const result = waitpid()(pid, status, WNOHANG);
  if (result === 0) {
    return null;
  }
  if (result < 0) {
    const errno = lastErrno();
    if (errno === constants.errno.EINTR) {
      return null;
    }
    throw systemCallError('waitpid', `process ${pid}`, errno);
  }
  return { pid: result, status: decodeStatus(status[0] as number) };
}

/** WIFEXITED and its kin: the low seven bits hold the signal, the next byte the exit code. */
function decodeStatus(status: number): WaitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { ended: 'exit', code: (status >> 8) & 0xff } : { ended: 'signal', signal };
}
