/** Files that hold keys are read only if nobody else could have read or written them. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { MAX_CONFIG_BYTES } from './config-text.ts';
import { causeOf, JobletError } from './errors.ts';

/**
 * @returns undefined when there is no such file.
 * @throws JobletError when it is not a regular file of that owner which nobody else can open, or too large.
 */
export function readSecretFile(path: string, ownerUid: number): string | undefined {
  let fd: number;
  try {
    // A FIFO put in its place must not make us wait.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (causeOf(error) === 'ENOENT') {
      return undefined;
    }
    throw unsafe(path, causeOf(error), '');
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) {
      throw unsafe(path, 'is not a regular file', '');
    }
    if (stats.uid !== ownerUid) {
      throw unsafe(path, `belongs to uid ${stats.uid}, not ${ownerUid}`, `chown ${ownerUid} ${path}`);
    }
    if ((stats.mode & 0o077) !== 0) {
      const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
      throw unsafe(
        path,
        `has mode ${mode}, so others can read its keys`,
        `chmod 600 ${path}; then rotate the certificates`,
      );
    }
    if (stats.size > MAX_CONFIG_BYTES) {
      throw unsafe(path, `is larger than ${MAX_CONFIG_BYTES} bytes`, '');
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function unsafe(object: string, reason: string, mend: string): JobletError {
  return new JobletError('refused', { layer: 'config', operation: 'read', object, reason, mend });
}
