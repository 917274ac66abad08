/**
 * Changes of the state that arrive in one turn of the event loop share one commit, and those that wait for the disk at
 * one time share its sync.
 */
import type { DatabaseSync } from 'node:sqlite';
import { stateError, writeAheadLogOf } from './database.ts';
import { DiskSync } from './disk-sync.ts';

/**
 * - `durable`: survives the loss of power once the promise has resolved.
 * - `recoverable`: survives the death of the helper at once (the bytes are in the page cache), and the loss of power
 *   with the next durable commit, since the write-ahead log is one sequence. For what the start of the helper finds
 *   out again by itself.
 *
 * Both can be read as soon as they are committed.
 */
export type Durability = 'durable' | 'recoverable';

interface Change {
  readonly apply: () => void;
  readonly durability: Durability;
  readonly committed: (() => void) | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class CommitQueue {
  readonly #database: DatabaseSync;
  readonly #log: DiskSync;
  #waiting: Change[] = [];

  /** @param path the database's: no more than one of them has a queue. */
  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#log = new DiskSync(writeAheadLogOf(path));
    // SQLite itself syncs the log at checkpoints only (sqlite.org/pragma.html#pragma_synchronous): with each commit it would
    // hold the event loop for as long as the disk takes.
    database.exec('PRAGMA synchronous = NORMAL');
  }

  /**
   * Runs `apply` in the next commit.
   *
   * @param committed called in the turn of the event loop in which the change can first be read, for what must not be seen
   * to come after it; that may be some time before a durable change has resolved.
   * @throws JobletError (exhausted) when the disk is full: then nothing of the change is there. When the disk fails to sync,
   * it is an unhandled rejection of its own, and ends the helper (serve.ts): what was told as committed may not be there.
   */
  commit(apply: () => void, durability: Durability, committed?: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) {
        setImmediate(() => this.#flush());
      }
      this.#waiting.push({ apply, durability, committed, resolve, reject });
    });
  }

  /** Commits what waits, now, and resolves when it is on the disk; after that, no more may come. */
  async close(): Promise<void> {
    this.#flush();
    await this.#log.sync();
    this.#log[Symbol.dispose]();
  }

  #flush(): void {
    const changes = this.#waiting;
    this.#waiting = [];
    if (changes.length === 0) {
      return;
    }
    const error = this.#commitTogether(changes);
    if (error === undefined) {
      this.#settle(changes);
    } else if (changes.length === 1) {
      changes[0]?.reject(error);
    } else {
      // One bad change must not take the others with it.
      for (const change of changes) {
        const itsError = this.#commitTogether([change]);
        if (itsError === undefined) {
          this.#settle([change]);
        } else {
          change.reject(itsError);
        }
      }
    }
  }

  #settle(changes: readonly Change[]): void {
    const durable = changes.filter(({ durability }) => durability === 'durable');
    for (const change of changes) {
      change.committed?.();
    }
    for (const { durability, resolve } of changes) {
      if (durability === 'recoverable') {
        resolve();
      }
    }
    if (durable.length > 0) {
      void this.#log.sync().then(() => {
        for (const { resolve } of durable) {
          resolve();
        }
      });
    }
  }

  /** @returns what went wrong; then nothing was changed. */
  #commitTogether(changes: readonly Change[]): Error | undefined {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const change of changes) {
        change.apply();
      }
      this.#database.exec('COMMIT');
      return undefined;
    } catch (error) {
      this.#rollBack();
      return stateError('commit', 'state.db', error);
    }
  }

  /** A full disk makes SQLite roll back by itself. */
  #rollBack(): void {
    if (this.#database.isTransaction) {
      this.#database.exec('ROLLBACK');
    }
  }
}
