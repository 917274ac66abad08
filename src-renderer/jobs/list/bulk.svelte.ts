/** Stops or deletes many jobs, a part at a time, so that it can be watched and broken off. */
import type { Failure, Response } from '../../../src-main/ipc/contract.ts';
import { RequestFailed, request } from '../../ipc/client.ts';
import { type FailedGroup, groupsOf } from './bulk-failures.ts';

/** Jobs in one request: the bar moves often, and few messages cross. */
const PART = 64;

export type BulkWork = 'stop' | 'delete';

export interface BulkOutcome {
  readonly work: BulkWork;
  readonly done: number;
  readonly failed: readonly FailedGroup[];
  /** Not asked for any more: it was broken off, or the helper went away. */
  readonly left: number;
}

export class Bulk {
  progress = $state.raw<
    { readonly work: BulkWork; readonly done: number; readonly total: number } | undefined
  >(undefined);
  #breaking = new AbortController();

  async run(work: BulkWork, uuids: readonly string[]): Promise<BulkOutcome> {
    this.#breaking = new AbortController();
    const results: Response<'jobs.stop'> = [];
    let lost: Failure | undefined;
    this.progress = { work, done: 0, total: uuids.length };
    try {
      while (results.length < uuids.length) {
        const part = uuids.slice(results.length, results.length + PART);
        results.push(...(await request(`jobs.${work}`, { uuids: part }, this.#breaking.signal)));
        this.progress = { work, done: results.length, total: uuids.length };
      }
    } catch (error) {
      lost = this.#reasonOf(error);
    } finally {
      this.progress = undefined;
    }
    const failed = results.flatMap(({ uuid, failure }) => (failure ? [{ uuid, failure }] : []));
    const groups = groupsOf(failed);
    return {
      work,
      done: results.length - failed.length,
      failed: lost ? [...groups, { failure: lost, uuids: [] }] : groups,
      left: uuids.length - results.length,
    };
  }

  /** What is on its way is still done. */
  breakOff(): void {
    this.#breaking.abort();
  }

  /** @returns undefined: it was broken off. */
  #reasonOf(error: unknown): Failure | undefined {
    if (this.#breaking.signal.aborted) {
      return undefined;
    }
    if (error instanceof RequestFailed) {
      return error.failure;
    }
    throw error;
  }
}
