/** A machine whose controllers are on cgroup v1: jobs that ask for a limit are refused there, the others run. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { hasEnded } from '../../native-helper/server/jobs/job-state.ts';
import type { Client } from '../../src-main/client/index.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

const PATIENCE_MS = 60_000;
/** Controller, and what asks for it. */
const LIMITS = [
  ['memory', { memoryBytes: 2n ** 26n }],
  ['pids', { pids: 50n }],
  ['cpu', { cpuPercent: 50 }],
  ['cpu', { cpuWeight: 50 }],
  ['memory', { memoryHighBytes: 2n ** 26n }],
  ['memory', { swapBytes: 2n ** 26n }],
  ['cpuset', { cpuCores: '0' }],
  ['io', { ioBytesPerSecond: 2n ** 20n }],
  ['io', { ioWeight: 200 }],
] as const;

/** Where a controller is mounted as v1, which calls `io` otherwise. */
function v1Mount(name: string): string | undefined {
  const controller = name === 'io' ? 'blkio' : name;
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  return mounts.find(
    ([, , type, options]) => type === 'cgroup' && options?.split(',').includes(controller),
  )?.[1];
}

const isHybrid = LIMITS.every(([controller]) => v1Mount(controller) !== undefined);

describe.skipIf(!isHybrid)('a hybrid machine', () => {
  let helper: RunningHelper;
  let client: Client;

  beforeAll(async () => {
    helper = await RunningHelper.start();
    client = await helper.connect();
  }, PATIENCE_MS);

  afterAll(async () => {
    client?.close();
    await helper?.[Symbol.asyncDispose]();
  });

  it.each(LIMITS)(
    'refuses a limit that needs %s, says why, and how to mend it',
    async (controller, limits) => {
      const call = client.jobs.runJob({ spec: { command: 'true', limits } });
      await expect(call).rejects.toMatchObject({
        kind: 'refused',
        details: {
          layer: 'cgroup',
          object: expect.stringMatching(`^${controller}\\.`),
          reason: `cgroup v2 controller ${controller} is not available: it is mounted as cgroup v1 at ${v1Mount(controller)}`,
          mend: expect.stringContaining('systemd.unified_cgroup_hierarchy=1'),
        },
      });
      expect((await client.jobs.listJobs({})).jobs.filter(({ spec }) => spec?.limits !== undefined)).toEqual(
        [],
      );
    },
  );

  it('runs a job that asks for none', async () => {
    const { uuid } = await client.jobs.runJob({ spec: { command: 'true' } });
    let job = await client.jobs.getJob({ id: uuid });
    while (!hasEnded(job.status)) {
      await delay(20);
      job = await client.jobs.getJob({ id: uuid });
    }
    expect(job).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0 });
  });

  it('says in its doctor what is missing', async () => {
    const { checks } = await client.helper.doctor({});
    expect(checks).toContainEqual(
      expect.objectContaining({
        name: 'cgroup v2 memory',
        available: false,
        required: false,
        found: expect.stringContaining('cgroup v1'),
        mend: expect.stringContaining('cgroup_no_v1=all'),
      }),
    );
  });
});
