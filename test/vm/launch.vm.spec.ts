/**
 * Launches that the kernel refuses, each told with its layer. What makes it refuse is one for the whole machine, or needs a
 * controller.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { Limit } from '../../native-helper/server/plan/plan.ts';
import { ExecutorJob } from '../fixtures/executor.ts';

const { EAGAIN, ENOSPC } = constants.errno;

const limitedTo = (file: string, value: number): ExecutorJob => {
  const limit: Limit = { file, written: String(value), readBack: String(value) };
  return new ExecutorJob(['true'], { edit: (plan) => ({ ...plan, limits: [limit] }) });
};

/** Sets a file of /proc/sys for a scope. */
function sysctl(path: string, value: string): Disposable {
  const before = readFileSync(path, 'utf8');
  writeFileSync(path, value);
  return { [Symbol.dispose]: () => writeFileSync(path, before) };
}

describe('a launch that fails for want of', () => {
  it.each([
    ['its first process', 0, 'clone3', 'init'],
    ['a process for the command', 1, 'clone', 'true'],
  ])('%s has layer `process`', async (_title, pids, operation, object) => {
    await using job = limitedTo('pids.max', pids);
    expect(await job.record()).toMatchObject({
      ran: false,
      exit_code: 125,
      ended_by: 'refused',
      error: { layer: 'process', operation, object, errno: EAGAIN },
    });
  });

  it('memory for init has layer `memory`', async () => {
    await using job = limitedTo('memory.max', 65_536);
    const record = await job.record();
    expect(record).toMatchObject({
      ran: false,
      exit_code: 125,
      ended_by: 'refused',
      error: { layer: 'memory' },
    });
    expect(record.usage.oom_kills).toBeGreaterThan(0);
  });

  it('a namespace that init makes has layer `namespace`, though init is gone before its files are opened', async () => {
    using _ = sysctl('/proc/sys/user/max_cgroup_namespaces', '0');
    for (let round = 0; round < 20; round += 1) {
      await using job = new ExecutorJob(['true']);
      expect(await job.record()).toMatchObject({
        ran: false,
        exit_code: 125,
        ended_by: 'refused',
        error: { layer: 'namespace', operation: 'unshare', object: 'cgroup', errno: ENOSPC },
      });
    }
  });
});
