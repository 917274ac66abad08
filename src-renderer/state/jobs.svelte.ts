/** All jobs, as the main process tells of them. */
import type { JobRow } from '../../src-main/ipc/contract.ts';
import { stream } from '../ipc/client.ts';
import { JobTable } from '../jobs/list/job-table.ts';

/** The page shows at most so many new states a second: a thousand jobs that start and end at once must not keep it from anything else. */
const SHOWN_MS = 150;

class Jobs {
  readonly table = new JobTable();
  /** Grows with each change that is to be shown. */
  version = $state(0);
  /** Whether the whole list has been told once. */
  isComplete = $state(false);
  #shownAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  async follow(signal: AbortSignal): Promise<void> {
    for await (const item of stream('jobs', {}, signal)) {
      this.table.apply(item);
      this.isComplete ||= item.kind === 'complete';
      this.#show();
    }
  }

  get(uuid: string): JobRow | undefined {
    this.version;
    return this.table.get(uuid);
  }

  #show(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#shownAt = performance.now();
        this.version += 1;
      },
      Math.max(0, this.#shownAt + SHOWN_MS - performance.now()),
    );
  }
}

export const jobs = new Jobs();
