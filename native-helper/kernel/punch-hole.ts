/** Gives the disk back what a file no longer needs, without moving the rest. */
import { constants } from 'node:os';
import { checked, declare, lastErrno, once } from './library.ts';

/** <linux/falloc.h>: the file stays as long as it is; what was there reads as zeroes. */
const FALLOC_FL_KEEP_SIZE = 0x01;
const FALLOC_FL_PUNCH_HOLE = 0x02;

const fallocate = once(() =>
  declare<(fd: number, mode: number, offset: number, length: number) => number>(
    'int fallocate64(int fd, int mode, int64_t offset, int64_t length)',
  ),
);

/**
 * fallocate(2). Only whole blocks come back.
 *
 * @param offset, length bytes; length is more than 0.
 */
export function punchHole(fd: number, offset: number, length: number): void {
  const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  checked(fallocate()(fd, mode, offset, length), 'fallocate', `descriptor ${fd}`);
}

/** Whether the file system of an open file can do that. Beyond the end of a file there is nothing that could change. */
export function canPunchHoles(fd: number): boolean {
  const beyond = 2 ** 52;
  const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  return fallocate()(fd, mode, beyond, 4096) === 0 || lastErrno() !== constants.errno.EOPNOTSUPP;
}
