import { constants } from 'node:os';
import { declare, lastErrno, once, systemCallError } from './library.ts';

/** <sys/file.h> */
const LOCK_EX = 2;
const LOCK_NB = 4;

const flock = once(() =>
  declare<(fd: number, operation: number) => number>('int flock(int fd, int operation)'),
);

/**
 * Takes the exclusive flock(2) of an open file. The kernel gives it back when the last copy of the descriptor is
 * closed, so a holder that was killed leaves no stale lock.
 *
 * @returns false when another open file description holds it.
 */
export function tryLock(fd: number): boolean {
  if (flock()(fd, LOCK_EX | LOCK_NB) === 0) {
    return true;
  }
  const errno = lastErrno();
  if (errno === constants.errno.EWOULDBLOCK) {
    return false;
  }
  throw systemCallError('flock', `descriptor ${fd}`, errno);
}
