/** How the app stands with the helper, as the main process tells it. */
import type { LinkState } from '../../src-main/ipc/contract.ts';
import { stream } from '../ipc/client.ts';

class LinkView {
  state = $state.raw<LinkState>({ state: 'connecting' });
  /** Whether the helper answers: then jobs can be asked for. */
  readonly isUp = $derived(this.state.state === 'connected' || this.state.state === 'other-version');

  async follow(signal: AbortSignal): Promise<void> {
    for await (const state of stream('link', {}, signal)) {
      this.state = state;
    }
  }
}

export const link = new LinkView();
