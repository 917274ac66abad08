import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PATIENCE_MS = 120_000;
const POLL_MS = 100;

/**
 * A new ext4 with a journal, as distributions make it, in a sparse file. What was written and deleted on the machine's
 * own disk before must not show in a figure: ext4 without a journal passes over every inode deleted in the last
 * minutes, one by one, for each file that it makes (recently_deleted in fs/ext4/ialloc.c).
 */
export class FreshDisk implements AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  readonly #folder: string;

  /** @param bytes at most; what is not written takes no room of the machine's own disk */
  constructor(bytes: number) {
    this.#folder = mkdtempSync(join(tmpdir(), 'joblet-bench-disk-'));
    this.path = join(this.#folder, 'mounted');
    const image = join(this.#folder, 'image');
    try {
      mkdirSync(this.path);
      writeFileSync(image, '');
      truncateSync(image, bytes);
      execFileSync('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image]);
      execFileSync('mount', ['-o', 'loop', image, this.path]);
    } catch (error) {
      rmSync(this.#folder, { recursive: true });
      throw error;
    }
  }

  /** Monitors that have told the end of their jobs may still be bringing gigabytes of log to the disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const deadline = Date.now() + PATIENCE_MS; !this.#isUnmounted(); await delay(POLL_MS)) {
      if (Date.now() > deadline) {
        throw new Error(`${this.path} is in use, ${PATIENCE_MS} ms after its benchmark`);
      }
    }
    rmSync(this.#folder, { recursive: true });
  }

  #isUnmounted(): boolean {
    return spawnSync('umount', [this.path], { stdio: 'ignore' }).status === 0;
  }
}
