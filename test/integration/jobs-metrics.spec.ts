import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JobMetrics, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { WATCHED_IDS_MAXIMUM } from '../../native-helper/server/jobs/job-watch.ts';
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

function metrics(ids: readonly string[], intervalMs: number): AsyncIterator<JobMetrics> {
  return service.jobs.metrics(ids, intervalMs, new AbortController().signal)[Symbol.asyncIterator]();
}

async function next(told: AsyncIterator<JobMetrics>): Promise<JobMetrics> {
  const { value, done } = await told.next();
  if (done === true) {
    throw new Error('there are no more metrics');
  }
  return value;
}

async function start(line: string): Promise<string> {
  const { uuid } = await service.jobs.run(shell(line), 0);
  await untilState(service.jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
  return uuid;
}

const processorUs = ({ cpuUserUs, cpuSystemUs }: JobMetrics) => Number(cpuUserUs + cpuSystemUs);

/** proc_pid_stat(5): utime and stime, in ticks of 10 ms. */
function ofProcessesUs(uuid: string): number {
  const pids = readFileSync(join(service.jobs.status().cgroup, `job-${uuid}`, 'cgroup.procs'), 'utf8').trim();
  return pids.split('\n').reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) * 10_000;
  }, 0);
}

describe('metrics', () => {
  it('count the time on the processor as /proc does, for a job that takes all that it gets', async () => {
    const uuid = await start('while :; do :; done');
    const told = metrics([uuid], 1000);
    const [first, firstOfProcesses] = [await next(told), ofProcessesUs(uuid)];
    await next(told);
    const [last, lastOfProcesses] = [await next(told), ofProcessesUs(uuid)];
    const usedUs = processorUs(last) - processorUs(first);
    expect(Math.abs(usedUs - (lastOfProcesses - firstOfProcesses))).toBeLessThan(100_000);
    const passedUs = Number(last.timeUs - first.timeUs);
    expect(passedUs).toBeGreaterThan(1_900_000);
    // What else runs on this machine has its share.
    expect(usedUs / passedUs).toBeGreaterThan(0.1);
    expect(usedUs / passedUs).toBeLessThan(1.05);
    await service.jobs.stop(uuid, 0n);
  });

  it('count processes with any kernel, and memory where the controller is', async () => {
    const uuid = await start('sleep 100 & sleep 100 & wait');
    const told = metrics([uuid], 250);
    let seen = await next(told);
    const initShellAndTwoSleeps = 4n;
    while (seen.pids !== initShellAndTwoSleeps) {
      seen = await next(told);
    }
    expect(seen.memoryBytes !== undefined).toBe(service.jobs.status().controllers.includes('memory'));
    await service.jobs.stop(uuid, 0n);
  });

  it('are fresh for a slow reader, who gets fewer', async () => {
    const uuid = await start('sleep 100');
    const told = metrics([uuid], 250);
    await next(told);
    await delay(1100);
    const askedUs = Date.now() * 1000;
    const [second, third] = [await next(told), await next(told)];
    expect(Number(second.timeUs)).toBeGreaterThanOrEqual(askedUs);
    expect(Number(third.timeUs - second.timeUs)).toBeGreaterThan(240_000);
    await service.jobs.stop(uuid, 0n);
  });

  it('leave out a job that has ended, and end with the last that was named', async () => {
    const [one, other] = [await start('sleep 100'), await start('sleep 100')];
    const told = metrics([one, other], 250);
    expect(new Set([(await next(told)).uuid, (await next(told)).uuid])).toEqual(new Set([one, other]));
    await service.jobs.stop(one, 0n);
    expect([(await next(told)).uuid, (await next(told)).uuid]).toEqual([other, other]);
    await service.jobs.stop(other, 0n);
    expect(await told.next()).toEqual({ done: true, value: undefined });
  });

  it('refuse more ids than can be looked up at once', () => {
    const ids = Array.from({ length: WATCHED_IDS_MAXIMUM + 1 }, () => randomUUID());
    expect(() => metrics(ids, 0)).toThrow(/ids/);
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

describe('the history of a job', () => {
  const history = (uuid: string, follow: boolean) =>
    service.jobs.metricsOf(uuid, follow, new AbortController().signal);

  async function all(uuid: string, follow: boolean): Promise<JobMetrics[]> {
    const told: JobMetrics[] = [];
    for await (const sample of history(uuid, follow)) {
      told.push(sample);
    }
    return told;
  }

  it('has a sample a second from the start, is followed to the end, and is there afterwards', async () => {
    const uuid = await start('i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 2.5');
    const followed = await all(uuid, true);
    expect(followed.length).toBeGreaterThanOrEqual(2);
    const distances = followed
      .slice(1)
      .map(({ timeUs }, index) => Number(timeUs - (followed[index]?.timeUs ?? 0n)));
    expect(Math.min(...distances)).toBeGreaterThan(500_000);
    expect(processorUs(followed[0] as JobMetrics)).toBeGreaterThan(0);
    expect(service.jobs.get(uuid).status).toBe(JobStatus.COMPLETED);
    expect(await all(uuid, true)).toEqual(followed);
    expect(await all(uuid, false)).toEqual(followed);
  });

  it('is empty for a job that ran for less than a second, and gone with a job that was deleted', async () => {
    const { uuid } = await runToEnd(service.jobs, specOf('true'));
    expect(await all(uuid, true)).toEqual([]);
    await service.jobs.delete(uuid);
    expect(() => history(uuid, false)).toThrow(/no such job|not found|There is no/i);
  });
});
