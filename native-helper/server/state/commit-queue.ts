/** Changes of the state that arrive in one turn of the event loop share one commit, and so one sync of the disk. */
import type { DatabaseSync } from 'node:sqlite';
import { stateError } from './database.ts';

/**
 * - `durable`: survives the loss of power once the promise has resolved.
 * - `recoverable`: survives the death of the helper at once (the bytes are in the page cache), and the loss of power
 *   with the next durable commit, since the write-ahead log is one sequence. For what the start of the helper finds
 *   out again by itself.
 */
export type Durability = 'durable' | 'recoverable';

interface Change {
  readonly apply: () => void;
  readonly durability: Durability;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class CommitQueue {
  readonly #database: DatabaseSync;
  #waiting: Change[] = [];

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Runs `apply` in the next commit.
   *
   * @throws JobletError (exhausted) when the disk is full: then nothing of the change is there.
   */
  commit(apply: () => void, durability: Durability): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) {
        setImmediate(() => this.flush());
      }
      this.#waiting.push({ apply, durability, resolve, reject });
    });
  }

  /** Commits what waits, now. */
  flush(): void {
    const changes = this.#waiting;
    this.#waiting = [];
    if (changes.length === 0) {
      return;
    }
    const error = this.#commitTogether(changes);
    if (error === undefined) {
      settle(changes, undefined);
    } else if (changes.length === 1) {
      settle(changes, error);
    } else {
      // One bad change must not take the others with it.
      for (const change of changes) {
        settle([change], this.#commitTogether([change]));
      }
    }
  }

  /** @returns what went wrong; then nothing was changed. */
  #commitTogether(changes: readonly Change[]): Error | undefined {
    const durable = changes.some((change) => change.durability === 'durable');
    try {
      // Takes effect with the next commit and costs a microsecond: sqlite.org/pragma.html#pragma_synchronous
      this.#database.exec(`PRAGMA synchronous = ${durable ? 'FULL' : 'NORMAL'}; BEGIN IMMEDIATE`);
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

function settle(changes: readonly Change[], error: Error | undefined): void {
  for (const change of changes) {
    if (error === undefined) {
      change.resolve();
    } else {
      change.reject(error);
    }
  }
}
