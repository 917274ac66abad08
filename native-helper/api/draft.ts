/** Files that are not whole yet: each has its own name until it is, so that what was cut off goes on where it ended. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

const ZEROS = Buffer.alloc(1024 * 1024);
const DIGITS = 32;

/** Where the helper keeps those that come for a job, in its /work. */
export const UPLOAD_FOLDER = Buffer.from('.joblet-upload');

export interface FileState {
  readonly path: Uint8Array;
  readonly size: bigint;
  readonly modifiedUs: bigint;
}

/** The same name only for the same state of the same file: what is there of it is its beginning. */
export function draftNameOf(uuid: string, { path, size, modifiedUs }: FileState): string {
  const hash = createHash('sha256').update(path).update(`\0${uuid} ${size} ${modifiedUs}`);
  return hash.digest('hex').slice(0, DIGITS);
}

/** What is only zeroes takes no room, as there may be terabytes of them; it counts as there, for who goes on later. */
export async function writeSparse(file: FileHandle, data: Uint8Array, at: number): Promise<void> {
  if (data.length <= ZEROS.length && ZEROS.subarray(0, data.length).equals(data)) {
    await file.truncate(at + data.length);
    return;
  }
  for (let written = 0; written < data.length; ) {
    written += (await file.write(data, written, data.length - written, at + written)).bytesWritten;
  }
}

/** Whether two times are the same: some file systems keep them only roughly, and Node sets them as a fraction of seconds. */
export function isSameTime(oneUs: bigint, otherUs: bigint): boolean {
  const apart = oneUs - otherUs;
  return apart > -1000n && apart < 1000n;
}
