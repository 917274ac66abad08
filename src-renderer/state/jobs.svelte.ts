/** All jobs, as the main process tells of them. */
import type { JobRow } from '../../src-main/ipc/contract.ts';
import { stream } from '../ipc/client.ts';

class Jobs {
  readonly #byUuid = new Map<string, JobRow>();
  /** Newest first. */
  rows = $state.raw<readonly JobRow[]>([]);
  /** Whether the whole list has been told. */
  isComplete = $state(false);

  async follow(signal: AbortSignal): Promise<void> {
    for await (const item of stream('jobs', {}, signal)) {
      switch (item.kind) {
        case 'begin':
          this.#byUuid.clear();
          this.isComplete = false;
          break;
        case 'rows':
        case 'changed':
          for (const row of item.rows) {
            this.#byUuid.set(row.uuid, row);
          }
          break;
        case 'removed':
          for (const uuid of item.uuids) {
            this.#byUuid.delete(uuid);
          }
          break;
        case 'complete':
          this.isComplete = true;
          break;
      }
      this.rows = [...this.#byUuid.values()].sort((one, other) => other.createdUs - one.createdUs);
    }
  }
}

export const jobs = new Jobs();
