/** What the tests of a file share: one window that is connected, and a helper without jobs. */
import { afterAll, beforeAll } from 'vitest';
import { Desktop } from './desktop.ts';
import { Jobs } from './jobs.ts';

interface Opened {
  readonly desktop: Desktop;
  readonly jobs: Jobs;
}

/** Opens them before the tests that stand beside this call, and leaves neither window nor job after. */
export function openForAll(take: (opened: Opened) => void): void {
  const opened = new AsyncDisposableStack();
  beforeAll(async () => {
    const jobs = opened.use(await Jobs.connect());
    await jobs.clear();
    opened.defer(() => jobs.clear());
    const desktop = await Desktop.start();
    opened.defer(() => desktop.close());
    await desktop.connected();
    take({ desktop, jobs });
  });
  afterAll(() => opened.disposeAsync());
}
