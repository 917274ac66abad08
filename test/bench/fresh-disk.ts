import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BYTES = 2 * 1024 ** 3;

/**
 * A new ext4 with a journal, as distributions make it, in a sparse file. What was written and deleted on the machine's
 * own disk before must not show in a figure: ext4 without a journal passes over every inode deleted in the last
 * minutes, one by one, for each file that it makes (recently_deleted in fs/ext4/ialloc.c).
 */
export class FreshDisk implements Disposable {
  /** Where it is mounted. */
  readonly path: string;
  readonly #folder: string;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'joblet-bench-disk-'));
    this.path = join(this.#folder, 'mounted');
    const image = join(this.#folder, 'image');
    try {
      mkdirSync(this.path);
      writeFileSync(image, '');
      truncateSync(image, BYTES);
      execFileSync('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image]);
      execFileSync('mount', ['-o', 'loop', image, this.path]);
    } catch (error) {
      rmSync(this.#folder, { recursive: true });
      throw error;
    }
  }

  [Symbol.dispose](): void {
    execFileSync('umount', [this.path]);
    rmSync(this.#folder, { recursive: true });
  }
}
