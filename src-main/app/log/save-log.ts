/** A job's log as a file. Under the name that was chosen there is the whole of it or what was there before, never a half. */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { causeOf, JobletError } from '../../../native-helper/api/errors.ts';

/**
 * Writes no faster than the disk takes it, and reads no faster than that.
 *
 * @param path absolute; a link is followed, and what it leads to is replaced
 * @throws JobletError when it can't be written; the signal's reason when that is aborted. Nothing of it is left then.
 */
export async function saveLog(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  let draft: string | undefined;
  try {
    const { target, mode } = await targetOf(path);
    draft = join(dirname(target), `.${randomUUID()}.part`);
    const file = createWriteStream(draft, { flags: 'wx', mode, flush: true });
    await pipeline(Readable.from(chunks), file, { signal });
    await rename(draft, target);
    await flushFolder(dirname(target));
  } catch (error) {
    if (draft !== undefined) {
      await rm(draft, { force: true }).catch(() => {});
    }
    signal.throwIfAborted();
    throw error instanceof JobletError ? error : unwritable(path, error);
  }
}

/** A proposal for the name: letters that no shell and no file system minds. */
export function fileNameOf(name: string, uuid: string): string {
  return `${folderNameOf(name, uuid)}.log`;
}

export function folderNameOf(name: string, uuid: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_-]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return `${plain.slice(0, 64) || 'job'}-${uuid.slice(0, 8)}`;
}

/** What was there stays as private as it was. */
async function targetOf(path: string): Promise<{ target: string; mode?: number }> {
  try {
    const target = await realpath(path);
    const stats = await stat(target);
    if (!stats.isFile()) {
      throw new JobletError('invalid', {
        layer: 'app',
        operation: 'save log',
        object: path,
        reason: 'it is there, and is not a regular file',
        mend: 'Choose another name.',
      });
    }
    return { target, mode: stats.mode & 0o777 };
  } catch (error) {
    if (causeOf(error) === 'ENOENT') {
      return { target: join(await realpath(dirname(path)), basename(path)) };
    }
    throw error;
  }
}

async function flushFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

function unwritable(object: string, error: unknown): JobletError {
  return new JobletError(
    'unavailable',
    {
      layer: 'app',
      operation: 'save log',
      object,
      reason: causeOf(error),
      mend: 'Choose a folder that you can write to, on a disk with room.',
    },
    { cause: error },
  );
}
