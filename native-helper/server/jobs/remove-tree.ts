/** Removes a folder whose content a job has made: any depth, any names, links to anywhere. */
import { randomUUID } from 'node:crypto';
import { type FileHandle, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import { causeOf } from '../../api/errors.ts';
import { openFolder, within } from '../../api/held-folder.ts';

/** Folders that are moved up together: one at a time would open each folder once for each in it. */
const FOLDERS_AT_ONCE = 8;

/**
 * fs.rm goes by path: a job that nests folders beyond PATH_MAX (4096 bytes) would leave one that can't be removed.
 * Here every step is relative to an open descriptor and never follows a link. The depth is taken out of the tree
 * instead of being walked: a folder within a folder is moved up to the top, so two folders are open whatever the
 * depth, and each moves once.
 *
 * What was moved up last is removed first. So the top holds few folders, however wide the tree is, and need not grow: on
 * a full disk it couldn't, and a job that filled it is what its user deletes to get room.
 *
 * Nobody changes the tree meanwhile: the job has ended, and its folder is 0700 root. A job has no capability with
 * which to make a file immutable, nor to mount anything outside its own mount namespace.
 *
 * @param signal once it is aborted, what is left stays: the promise is rejected with its reason.
 */
export async function removeTree(path: string, signal?: AbortSignal): Promise<void> {
  const top = await openIfPresent(path);
  if (top === undefined) {
    return;
  }
  try {
    const folders = await unlinkFiles(top, { signal });
    for (let last = folders.at(-1); last !== undefined; last = folders.at(-1)) {
      const movedUp = await removeFolder(top, last, signal);
      if (movedUp.length === 0) {
        folders.pop();
      }
      folders.push(...movedUp);
    }
  } finally {
    await top.close();
  }
  await rmdir(path);
}

async function openIfPresent(path: string): Promise<FileHandle | undefined> {
  try {
    return await openFolder(path);
  } catch (error) {
    if (causeOf(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}

/** @returns the names, at the top, of folders that were in it and have to go first; none: it is gone. */
async function removeFolder(
  top: FileHandle,
  name: Buffer,
  signal: AbortSignal | undefined,
): Promise<Buffer[]> {
  const movedUp: Buffer[] = [];
  const folder = await openFolder(within(top, name));
  try {
    for (const inner of await unlinkFiles(folder, { most: FOLDERS_AT_ONCE, signal })) {
      const newName = unusedName();
      await rename(within(folder, inner), within(top, newName));
      movedUp.push(newName);
    }
  } finally {
    await folder.close();
  }
  if (movedUp.length === 0) {
    await rmdir(within(top, name));
  }
  return movedUp;
}

/**
 * Unlinks what is not a folder, until it has met the most folders that are wanted.
 *
 * @returns the names of the folders.
 */
async function unlinkFiles(
  folder: FileHandle,
  { most, signal }: { most?: number; signal: AbortSignal | undefined },
): Promise<Buffer[]> {
  const folders: Buffer[] = [];
  // The declaration of opendir knows no buffers; the implementation does, and a name need not be UTF-8.
  const entries = await opendir(`/proc/self/fd/${folder.fd}`, { encoding: 'buffer' as BufferEncoding });
  for await (const entry of entries) {
    signal?.throwIfAborted();
    const name = entry.name as unknown as Buffer;
    if (!entry.isDirectory()) {
      await unlink(within(folder, name));
    } else if (folders.push(name) === most) {
      break;
    }
  }
  return folders;
}

/** A job can't guess it, so it can't be in the way. */
function unusedName(): Buffer {
  return Buffer.from(randomUUID());
}
