/** One helper for each root: whoever holds the lock. */
import { constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { causeOf, JobletError } from '../api/errors.ts';
import { tryLock } from '../kernel/lock.ts';

/**
 * Takes the lock for as long as this process lives; its file says who holds it: pid and start, a line each.
 *
 * @throws JobletError (conflict) that names the helper that was first.
 */
export function takeHelperLock(path: string): void {
  const fd = openLock(path);
  if (!fstatSync(fd).isFile()) {
    throw lockError('refused', path, 'is not a regular file', 'Look at what it is, then move it away.');
  }
  if (!tryLock(fd)) {
    const [pid = '?', since = '?'] = readFileSync(fd, 'utf8').split('\n');
    throw lockError(
      'conflict',
      path,
      `another helper was first: process ${pid}, since ${since}`,
      'Use that one, or end it with `joblet helper stop`.',
    );
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n${new Date().toISOString()}\n`, 0);
}

function openLock(path: string): number {
  try {
    return openSync(
      path,
      constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      0o600,
    );
  } catch (error) {
    throw lockError('refused', path, causeOf(error), 'Look at what it is, then move it away.');
  }
}

function lockError(kind: 'refused' | 'conflict', object: string, reason: string, mend: string): JobletError {
  return new JobletError(kind, { layer: 'helper', operation: 'lock', object, reason, mend });
}
