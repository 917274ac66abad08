/** What running jobs use now, while a page shows it. */
import type { Metrics } from '../../src-main/ipc/contract.ts';
import { Live } from './live.svelte.ts';

export class LiveMetrics {
  readonly #live = new Live<'metrics'>();
  readonly #byUuid = $derived(new Map((this.#live.value ?? []).map((line) => [line.uuid, line])));

  /** @returns ends it; what a component's `onMount` returns. */
  follow(): () => void {
    return this.#live.follow('metrics', {});
  }

  of(uuid: string): Metrics[number] | undefined {
    return this.#byUuid.get(uuid);
  }
}
