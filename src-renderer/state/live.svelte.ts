import type { Failure, StreamItem, StreamName, StreamPayload } from '../../src-main/ipc/contract.ts';
import { RequestFailed, stream } from '../ipc/client.ts';

/** The newest item of a stream, for a page that shows it: `onMount(() => live.follow(…))`. */
export class Live<Name extends StreamName> {
  value = $state.raw<StreamItem<Name> | undefined>(undefined);
  failure = $state.raw<Failure | undefined>(undefined);

  /** @returns ends it; what a component's `onMount` returns. */
  follow(name: Name, payload: StreamPayload<Name>): () => void {
    const closing = new AbortController();
    this.failure = undefined;
    void this.#read(name, payload, closing.signal);
    return () => closing.abort();
  }

  async #read(name: Name, payload: StreamPayload<Name>, signal: AbortSignal): Promise<void> {
    try {
      for await (const item of stream(name, payload, signal)) {
        this.value = item;
      }
    } catch (error) {
      if (!(error instanceof RequestFailed)) {
        throw error;
      }
      this.failure = error.failure;
    }
  }
}
