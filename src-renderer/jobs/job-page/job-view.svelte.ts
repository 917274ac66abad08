/** One job, as long as it exists. What was last known of it stays when the helper is away or the job is deleted. */
import type { Failure, JobDetails } from '../../../src-main/ipc/contract.ts';
import { RequestFailed, stream } from '../../ipc/client.ts';

export class JobView {
  details = $state.raw<JobDetails | undefined>(undefined);
  /** There is no such job, or not any more. */
  isGone = $state(false);
  failure = $state.raw<Failure | undefined>(undefined);

  /** @returns ends it; what a component's `onMount` returns. */
  follow(uuid: string): () => void {
    const closing = new AbortController();
    void this.#read(uuid, closing.signal);
    return () => closing.abort();
  }

  async #read(uuid: string, signal: AbortSignal): Promise<void> {
    try {
      for await (const details of stream('job', { uuid }, signal)) {
        this.details = details;
      }
      this.isGone = !signal.aborted;
    } catch (error) {
      if (!(error instanceof RequestFailed)) {
        throw error;
      }
      this.failure = error.failure;
    }
  }
}
