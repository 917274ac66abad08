/** Files that hold keys, written so that nobody else can read them for an instant. */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fchownSync,
  fsyncSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { causeOf, JobletError } from '../../api/errors.ts';

/**
 * Puts a file in place atomically: a reader sees the old one or the new one, and after a power loss one of them is
 * there. The folder must be writable by root alone.
 *
 * @param ownerUid who may read it; it is theirs before its first byte.
 */
export function writeSecretFile(path: string, text: string, ownerUid: number): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    const fd = openSync(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      fchownSync(fd, ownerUid, 0);
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    removeIfPresent(temporary);
    const kind = causeOf(error) === 'ENOSPC' ? 'exhausted' : 'internal';
    throw new JobletError(
      kind,
      { layer: 'config', operation: 'write', object: path, reason: causeOf(error), mend: '' },
      { cause: error },
    );
  }
}

function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function removeIfPresent(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made, or the rename has happened.
  }
}
