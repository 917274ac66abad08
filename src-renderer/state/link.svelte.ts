/** How the app stands with the helper, as the main process tells it. */
import type { LinkState } from '../../src-main/ipc/contract.ts';
import { stream } from '../ipc/client.ts';

class LinkView {
  state = $state.raw<LinkState>({ state: 'connecting' });
  /** Whether the helper answers: then jobs can be asked for. */
  readonly isUp = $derived(this.state.state === 'connected' || this.state.state === 'other-version');
  /** Until when what is known was kept up to date, µs since the epoch; 0: it is, or never was. */
  knownUntilUs = $state(0);

  async follow(signal: AbortSignal): Promise<void> {
    for await (const state of stream('link', {}, signal)) {
      const wasUp = this.isUp;
      this.state = state;
      if (wasUp !== this.isUp) {
        this.knownUntilUs = wasUp ? Date.now() * 1000 : 0;
      }
    }
  }
}

export const link = new LinkView();
