/** Limits on a real cgroup v2 host: that each is in force, and from the first instruction. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Job, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { hasEnded } from '../../native-helper/server/jobs/job-state.ts';
import type { Client } from '../../src-main/client/index.ts';
import { compileProbes, PROBES } from '../escape/probes.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

const MEBIBYTE = 2n ** 20n;
const EXIT_OUT_OF_MEMORY = 137;
/** The machine is thrown away, so its system may be given a program. Jobs see it there. */
const PROGRAM = '/usr/local/bin/joblet-probe';
/** Software emulation is ten times slower than a processor. */
const PATIENCE_MS = 120_000;
/** As much as a job can be off its share of the processor. */
const SHARE_TOLERANCE = 0.1;

let helper: RunningHelper;
let client: Client;
let cgroup: string;

beforeAll(async () => {
  await compileProbes();
  copyFileSync(PROBES, PROGRAM);
  helper = await RunningHelper.start();
  client = await helper.connect();
  ({ cgroup } = await client.helper.getStatus({}));
}, PATIENCE_MS);

afterAll(async () => {
  client?.close();
  await helper?.[Symbol.asyncDispose]();
}, PATIENCE_MS);

interface Limits {
  readonly cpuPercent?: number;
  readonly cpuWeight?: number;
  readonly memoryBytes?: bigint;
  readonly pids?: bigint;
}

async function start(command: readonly string[], limits: Limits, timeoutMs = 0n): Promise<Job> {
  const [program, ...args] = command;
  return await client.jobs.runJob({ spec: { command: program ?? '', args, limits, timeoutMs } });
}

async function until(job: Job, reached: (job: Job) => boolean): Promise<Job> {
  for (;;) {
    const now = await client.jobs.getJob({ id: job.uuid });
    if (reached(now)) {
      return now;
    }
    await delay(100);
  }
}

const untilRunning = (job: Job): Promise<Job> => until(job, ({ status }) => status >= JobStatus.RUNNING);
const untilEnded = (job: Job): Promise<Job> => until(job, ({ status }) => hasEnded(status));

async function outputOf(job: Job): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const { data } of client.jobs.getLogs({ id: job.uuid })) {
    chunks.push(data);
  }
  return Buffer.concat(chunks).toString();
}

function limitFile(job: Job, name: string): string {
  return readFileSync(join(cgroup, `job-${job.uuid}`, name), 'utf8').trim();
}

function expectShare(share: number, wanted: number): void {
  expect(share).toBeGreaterThanOrEqual(wanted * (1 - SHARE_TOLERANCE));
  expect(share).toBeLessThanOrEqual(wanted * (1 + SHARE_TOLERANCE));
}

/** What the report says that the kernel has set, by cgroup file. */
function reported(job: Job, item: string): string | undefined {
  return job.report.find((line) => line.layer === 'limit' && line.item === item && line.ok)?.kernel;
}

describe('memory.max', () => {
  it('has a job killed that takes more from its first instruction; neighbour and helper do not notice', async () => {
    const neighbour = await start(['sh', '-c', 'for i in 1 2 3 4 5; do echo $i; sleep 1; done'], {});
    const job = await untilEnded(
      await start(['joblet-probe', 'limits.allocate', '200'], { memoryBytes: 64n * MEBIBYTE }),
    );
    expect(job).toMatchObject({
      status: JobStatus.FAILED,
      exitCode: EXIT_OUT_OF_MEMORY,
      failure: { layer: 'memory' },
    });
    expect(job.failure?.cause).toMatch(/oom_kill [1-9]/);
    expect(job.usage?.oomKills).toBeGreaterThanOrEqual(1n);
    expect(job.usage?.memoryPeakBytes).toBeLessThanOrEqual(64n * MEBIBYTE);
    expect(await untilEnded(neighbour)).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0 });
    expect(await outputOf(neighbour)).toBe('1\n2\n3\n4\n5\n');
    expect((await client.helper.getStatus({})).pid).toBe(helper.pid);
  });

  it('lets a job have what it asked for', async () => {
    const job = await untilEnded(
      await start(['joblet-probe', 'limits.allocate', '32'], { memoryBytes: 64n * MEBIBYTE }),
    );
    expect(job).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0 });
    expect(job.usage?.oomKills).toBe(0n);
    expect(job.usage?.memoryPeakBytes).toBeGreaterThanOrEqual(32n * MEBIBYTE);
  });

  it('ends the whole job, not one process of it, and switches swap off', async () => {
    const job = await start(['sh', '-c', 'sleep 600 & joblet-probe limits.allocate 200; echo survived'], {
      memoryBytes: 64n * MEBIBYTE,
    });
    const ended = await untilEnded(job);
    expect(ended.exitCode).toBe(EXIT_OUT_OF_MEMORY);
    expect(await outputOf(job)).toBe('');
    expect(reported(ended, 'memory.max')).toBe(String(64n * MEBIBYTE));
    expect(reported(ended, 'memory.swap.max')).toBe('0');
    expect(reported(ended, 'memory.oom.group')).toBe('1');
  });
});

describe('pids.max', () => {
  it('ends a fork bomb, and the host goes on forking', async () => {
    const job = await untilRunning(
      await start(['joblet-probe', 'limits.fork-bomb'], { pids: 50n, cpuPercent: 50 }, 5000n),
    );
    for (let attempt = 0; attempt < 20; attempt += 1) {
      expect(spawnSync('true').status).toBe(0);
    }
    const ended = await untilEnded(job);
    expect(ended.status).toBe(JobStatus.TIMEOUT);
    expect(ended.usage?.pidsPeak).toBe(50n);
    expect(ended.usage?.pidsMaxHits).toBeGreaterThan(0n);
    expect(reported(ended, 'pids.max')).toBe('50');
  });
});

/** CPU time that a running job has used up to now, s: cgroup v2 cpu.stat. */
function secondsUsed(job: Job): number {
  return Number(/^usage_usec (\d+)$/m.exec(limitFile(job, 'cpu.stat'))?.[1]) / 1e6;
}

describe('cpu.max', () => {
  it('gives a job half a processor over 5 s, by the count of the kernel and by its own clock', async () => {
    const job = await start(['joblet-probe', 'limits.spin', '9000'], { cpuPercent: 50 });
    await untilRunning(job);
    const [from, usedBefore] = [performance.now(), secondsUsed(job)];
    await delay(5000);
    const [to, usedAfter] = [performance.now(), secondsUsed(job)];
    expectShare(((usedAfter - usedBefore) * 1000) / (to - from), 0.5);
    const ended = await untilEnded(job);
    expect(ended.status).toBe(JobStatus.COMPLETED);
    const own = /^([\d.]+) of ([\d.]+) s/.exec(await outputOf(job));
    expectShare(Number(own?.[1]) / Number(own?.[2]), 0.5);
    expect(reported(ended, 'cpu.max')).toBe('50000 100000');
  });
});

describe('cpu.weight', () => {
  it('is what was asked for', async () => {
    const job = await untilRunning(await start(['sleep', '600'], { cpuWeight: 7 }));
    expect(limitFile(job, 'cpu.weight')).toBe('7');
    expect(reported(job, 'cpu.weight')).toBe('7');
    await client.jobs.stopJob({ id: job.uuid, graceMs: 100n });
  });

  it('leaves the processor to the desktop when both want it', async () => {
    const job = await untilRunning(
      await start(['taskset', '--cpu-list', '0', 'joblet-probe', 'limits.spin', '20000'], {}),
    );
    const host = spawnSync('taskset', ['--cpu-list', '0', PROGRAM, 'limits.spin', '4000'], {
      encoding: 'utf8',
    });
    await client.jobs.stopJob({ id: job.uuid, graceMs: 100n });
    const [, got, of] = /^([\d.]+) of ([\d.]+) s/.exec(host.stdout) ?? [];
    expect(Number(got) / Number(of)).toBeGreaterThan(0.7);
  });
});

describe('metrics', () => {
  it('tell what a running job has of memory, tasks and the processor, as the kernel counts them', async () => {
    const job = await untilRunning(
      await start(['sh', '-c', 'head -c 33554432 /dev/zero >/tmp/file; sleep 600 & sleep 600'], {}),
    );
    const initShellAndTwoSleeps = 4n;
    for await (const seen of client.watchMetrics([job.uuid], AbortSignal.timeout(PATIENCE_MS))) {
      if (seen.pids === initShellAndTwoSleeps) {
        expect(Number(seen.memoryBytes)).toBeGreaterThan(2 ** 25);
        expect(Number(seen.memoryBytes)).toBeLessThan(2 ** 26);
        expect(seen.cpuUserUs + seen.cpuSystemUs).toBeGreaterThan(0n);
        break;
      }
    }
    expect(limitFile(job, 'pids.current')).toBe(String(initShellAndTwoSleeps));
    await client.jobs.stopJob({ id: job.uuid, graceMs: 100n });
  });
});

describe('joblet doctor', () => {
  it('finds every controller, so that every limit can be asked for', async () => {
    const { checks } = await client.helper.doctor({});
    for (const controller of ['cpu', 'memory', 'pids', 'io', 'cpuset']) {
      expect(checks).toContainEqual(
        expect.objectContaining({ name: `cgroup v2 ${controller}`, available: true, mend: '' }),
      );
    }
    expect((await client.helper.getStatus({})).controllers).toEqual(
      expect.arrayContaining(['cpu', 'memory', 'pids']),
    );
  });
});
