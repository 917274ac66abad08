/** What one job has used, as long as a page shows it. */
import type { Failure, UsagePoint } from '../../../src-main/ipc/contract.ts';
import { RequestFailed, stream } from '../../ipc/client.ts';

export class UsageView {
  points = $state.raw<readonly UsagePoint[] | undefined>(undefined);
  failure = $state.raw<Failure | undefined>(undefined);

  /** @returns ends it; what a component's `onMount` returns. */
  follow(uuid: string): () => void {
    const closing = new AbortController();
    void this.#read(uuid, closing.signal);
    return () => closing.abort();
  }

  async #read(uuid: string, signal: AbortSignal): Promise<void> {
    try {
      for await (const points of stream('usage', { uuid }, signal)) {
        this.points = [...(this.points ?? []), ...points];
      }
      this.points ??= [];
    } catch (error) {
      if (!(error instanceof RequestFailed)) {
        throw error;
      }
      this.failure = error.failure;
    }
  }
}
