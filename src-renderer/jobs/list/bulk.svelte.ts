/** Stops, pauses, resumes or deletes many jobs, a part at a time, so that it can be watched and broken off. */
import type { Failure, Response } from '../../../src-main/ipc/contract.ts';
import { RequestFailed, request } from '../../ipc/client.ts';
import { type FailedGroup, groupsOf } from './bulk-failures.ts';

/** Jobs in one request: the bar moves often, and few messages cross. */
const PART = 64;

export type BulkWork = 'stop' | 'pause' | 'resume' | 'delete';

export interface BulkOutcome {
  readonly work: BulkWork;
  readonly done: number;
  readonly failed: readonly FailedGroup[];
  /** What kept the rest from being asked for. */
  readonly lost: Failure | undefined;
  /** Asked for when it was lost: nobody was told what became of them. */
  readonly unknown: number;
  /** Not asked for any more. */
  readonly left: number;
}

export class Bulk {
  progress = $state.raw<
    { readonly work: BulkWork; readonly done: number; readonly total: number } | undefined
  >(undefined);
  #isBroken = false;

  async run(work: BulkWork, uuids: readonly string[]): Promise<BulkOutcome> {
    const results: Response<'jobs.stop'> = [];
    let lost: Failure | undefined;
    this.#isBroken = false;
    this.progress = { work, done: 0, total: uuids.length };
    try {
      while (results.length < uuids.length && !this.#isBroken) {
        const part = uuids.slice(results.length, results.length + PART);
        results.push(...(await request(`jobs.${work}`, { uuids: part })));
        this.progress = { work, done: results.length, total: uuids.length };
      }
    } catch (error) {
      if (!(error instanceof RequestFailed)) {
        throw error;
      }
      lost = error.failure;
    } finally {
      this.progress = undefined;
    }
    const failed = results.flatMap(({ uuid, failure }) => (failure ? [{ uuid, failure }] : []));
    const rest = uuids.length - results.length;
    const unknown = lost === undefined ? 0 : Math.min(PART, rest);
    return {
      work,
      done: results.length - failed.length,
      failed: groupsOf(failed),
      lost,
      unknown,
      left: rest - unknown,
    };
  }

  /** The part that is on its way is still done, so that all can be told of it. */
  breakOff(): void {
    this.#isBroken = true;
  }
}
