import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobMetrics } from '../../native-helper/api/gen/joblet_pb.js';
import { JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import {
  runToEnd,
  type Service,
  shell,
  specOf,
  temporaryService,
  untilState,
} from '../fixtures/job-service.ts';

let service: Service;

beforeAll(async () => {
  service = await temporaryService();
});
afterAll(async () => service[Symbol.asyncDispose]());

async function take(count: number, ids: readonly string[], intervalMs: number): Promise<JobMetrics[]> {
  const abort = new AbortController();
  const taken: JobMetrics[] = [];
  for await (const metrics of service.jobs.metrics(ids, intervalMs, abort.signal)) {
    taken.push(metrics);
    if (taken.length === count) {
      abort.abort();
    }
  }
  return taken;
}

describe('metrics', () => {
  it('count the time on the processor of a job that uses all that it gets', async () => {
    const { jobs } = service;
    const { uuid } = await jobs.run(shell('while :; do :; done'), 0);
    await untilState(jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    const [first, , third] = await take(3, [uuid], 500);
    const usedUs = Number((third?.cpuUserUs ?? 0n) + (third?.cpuSystemUs ?? 0n) - (first?.cpuUserUs ?? 0n));
    const passedUs = Number((third?.timeUs ?? 0n) - (first?.timeUs ?? 0n));
    expect(passedUs).toBeGreaterThan(900_000);
    // Other tests may want the processor too; but a loop of its own it runs.
    expect(usedUs / passedUs).toBeGreaterThan(0.1);
    expect(usedUs / passedUs).toBeLessThan(1.2);
    await jobs.stop(uuid, 0n);
  });

  it('tell of jobs that start later, and not of those that have ended', async () => {
    const { jobs } = service;
    const ended = await runToEnd(jobs, specOf('true'));
    const abort = new AbortController();
    const told = new Set<string>();
    const started: string[] = [];
    setTimeout(async () => started.push((await jobs.run(specOf('sleep', ['100']), 0)).uuid), 100);
    for await (const { uuid } of jobs.metrics([], 250, abort.signal)) {
      told.add(uuid);
      if (started.some((each) => told.has(each))) {
        abort.abort();
      }
    }
    expect(told.has(ended.uuid)).toBe(false);
    await jobs.stop(started[0] as string, 0n);
  });

  it.each([1, 249, 60_001])('refuse an interval of %d ms', (intervalMs) => {
    expect(() => service.jobs.metrics([], intervalMs, new AbortController().signal)).toThrow(/interval_ms/);
  });
});
