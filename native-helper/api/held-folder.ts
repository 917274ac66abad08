/** Folders that are held open: what is in them is reached by one name at a time, and no link is followed. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** proc_pid_fd(5): a path through an open descriptor, wherever the folder lies. */
export function within(folder: FileHandle, name: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder.fd}/`), name]);
}

/** Rejects with ENOTDIR for a link, too. */
export function openFolder(path: Buffer | string): Promise<FileHandle> {
  return open(path, OPEN_FOLDER);
}

/** Goes down from a folder, which stays open; what is opened on the way is closed. */
export async function descend(top: FileHandle, names: readonly Uint8Array[]): Promise<FileHandle> {
  let folder = await openFolder(`/proc/self/fd/${top.fd}/.`);
  for (const name of names) {
    const above = folder;
    try {
      folder = await openFolder(within(above, name));
    } finally {
      await above.close();
    }
  }
  return folder;
}
