import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { pathsUnder } from '../../../api/paths.ts';
import { JobFolder } from '../job-folder.ts';
import { MetricsRecorder } from './recorder.ts';

const JOBS = 200;
const READ_MS = 1;

/** As the kernel keeps whoever reads a cgroup's files. */
function keepBusy(): void {
  for (const end = performance.now() + READ_MS; performance.now() < end; );
}

it('lets others have their turns while it samples many jobs', async () => {
  const read: string[] = [];
  using recorder = new MetricsRecorder({
    usageOf: (uuid) => {
      keepBusy();
      read.push(uuid);
      return undefined;
    },
    logger: pino({ enabled: false }),
    onRunning: () => undefined,
  });
  const uuids = Array.from({ length: JOBS }, (_, number) => `job-${number}`);
  for (const uuid of uuids) {
    recorder.follow(new JobFolder(pathsUnder('/nowhere'), uuid), false);
  }
  let turns = 0;
  for (; read.length < JOBS; await nextTurn()) {
    turns += read.length > 0 ? 1 : 0;
  }
  // On a busy machine the next tick may have begun.
  expect(read.slice(0, JOBS)).toEqual(uuids);
  expect(turns).toBeGreaterThan(JOBS / 10);
});
