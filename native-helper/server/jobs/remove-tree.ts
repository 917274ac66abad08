/** Removes a folder whose content a job has made: any depth, any names, links to anywhere. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import { causeOf } from '../../api/errors.ts';

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * fs.rm goes by path: a job that nests folders beyond PATH_MAX (4096 bytes) would leave one that can't be removed.
 * Here every step is relative to an open descriptor and never follows a link. The depth is taken out of the tree
 * instead of being walked: a folder within a folder is moved up to the top, so two folders are open whatever the
 * depth, and each moves once.
 *
 * Nobody changes the tree meanwhile: the job has ended, and its folder is 0700 root. A job has no capability with
 * which to make a file immutable, nor to mount anything outside its own mount namespace.
 */
export async function removeTree(path: string): Promise<void> {
  const top = await openIfPresent(path);
  if (top === undefined) {
    return;
  }
  try {
    // A folder that moves up while the top is being read may or may not be seen in the same pass: readdir(3).
    for (let folders = 1; folders > 0; ) {
      folders = await removeEntries(top, (name) => removeFolder(top, name));
    }
  } finally {
    await top.close();
  }
  await rmdir(path);
}

async function openIfPresent(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, OPEN_FOLDER);
  } catch (error) {
    if (causeOf(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}

async function removeFolder(top: FileHandle, name: Buffer): Promise<void> {
  const folder = await open(within(top, name), OPEN_FOLDER);
  try {
    await removeEntries(folder, (inner) => rename(within(folder, inner), within(top, unusedName())));
  } finally {
    await folder.close();
  }
  await rmdir(within(top, name));
}

/**
 * Unlinks all that is not a folder, and gives the folders to `takeAway`.
 *
 * @returns how many folders there were.
 */
async function removeEntries(folder: FileHandle, takeAway: (name: Buffer) => Promise<void>): Promise<number> {
  let folders = 0;
  // The declaration of opendir knows no buffers; the implementation does, and a name need not be UTF-8.
  const entries = await opendir(`/proc/self/fd/${folder.fd}`, { encoding: 'buffer' as BufferEncoding });
  for await (const entry of entries) {
    const name = entry.name as unknown as Buffer;
    if (entry.isDirectory()) {
      folders += 1;
      await takeAway(name);
    } else {
      await unlink(within(folder, name));
    }
  }
  return folders;
}

/** A job can't guess it, so it can't be in the way. */
function unusedName(): Buffer {
  return Buffer.from(randomUUID());
}

/** proc_pid_fd(5): a path through an open descriptor, wherever the folder lies. */
function within(folder: FileHandle, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder.fd}/`), name]);
}
