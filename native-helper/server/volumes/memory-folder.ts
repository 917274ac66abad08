/**
 * A folder in memory that never holds more than its size: a tmpfs, kept by its mount. It outlives the helper, and goes with the
 * machine's running.
 */
import { lstatSync, mkdirSync, statfsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import { causeOf, JobletError } from '../../api/errors.ts';
import { detachMount, mountTmpfs } from '../../kernel/mount.ts';
import type { SizedFolderOwner, SizedFolderUsage } from '../storage/sized-folder.ts';

/** A file takes a page at least, and its inode memory that no size counts. */
const BYTES_PER_FILE = 4096n;

export class MemoryFolder {
  readonly path: string;
  readonly #bytes: bigint;
  readonly #owner: SizedFolderOwner;

  /** @param path in a folder that only root can write to */
  constructor(path: string, bytes: bigint, owner: SizedFolderOwner) {
    this.path = path;
    this.#bytes = bytes;
    this.#owner = owner;
  }

  get isAttached(): boolean {
    const root = lstatSync(this.path, { throwIfNoEntry: false });
    return root?.isDirectory() === true && root.dev !== lstatSync(dirname(this.path)).dev;
  }

  /** Makes it, empty, where it is not: at first, and after each start of the machine. @throws JobletError (refused) */
  async attach(): Promise<void> {
    if (this.isAttached) {
      return;
    }
    if (this.#bytes > BigInt(totalmem())) {
      throw tooLarge(this.#bytes);
    }
    try {
      mkdirSync(this.path, { mode: 0o700 });
    } catch (error) {
      if (causeOf(error) !== 'EEXIST') {
        throw error;
      }
    }
    const files = this.#bytes / BYTES_PER_FILE;
    mountTmpfs(this.path, { name: 'joblet-volume', bytes: this.#bytes, files, ...this.#owner });
  }

  /** What is not there is passed over. */
  async remove(): Promise<void> {
    while (this.isAttached) {
      detachMount(this.path);
    }
    await rmdir(this.path).catch((error) => {
      if (causeOf(error) !== 'ENOENT') {
        throw error;
      }
    });
  }

  usage(): SizedFolderUsage {
    const { blocks, bfree, bsize } = statfsSync(this.path);
    return { bytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize };
  }
}

function tooLarge(bytes: bigint): JobletError {
  return new JobletError('refused', {
    layer: 'volume',
    operation: 'create',
    object: `${bytes} bytes`,
    reason: `this machine has ${totalmem()} bytes of memory`,
    mend: 'Ask for less, or for a volume of type filesystem.',
  });
}
