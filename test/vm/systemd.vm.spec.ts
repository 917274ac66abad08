/** The helper as a service of systemd: what its units promise, tried on a systemd that has booted. */
import type { SpawnSyncReturns } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JOBLET } from '../fixtures/dist.ts';
import { until } from './desktop.ts';
import { DEFAULT_TASKS_MAX, Systemd } from './systemd.ts';

const JOBS = 'joblet.slice/joblet-jobs.service/jobs';
const STARTER = '/var/lib/joblet/bin/elevate-start';
const LONG_MS = 120_000;
const MEASURE_MS = 5000;

let systemd: Systemd;
let start: SpawnSyncReturns<string>;

beforeAll(async () => {
  systemd = await Systemd.boot();
  start = joblet('helper', 'start');
}, LONG_MS);

afterAll(() => systemd?.[Symbol.dispose](), LONG_MS);

const joblet = (...argv: string[]): SpawnSyncReturns<string> => systemd.run(JOBLET, ...argv);

/** @returns its uuid, once it runs */
async function runJob(...command: string[]): Promise<string> {
  const { job_uuid: id } = JSON.parse(joblet('--json', 'job', 'run', '--', ...command).stdout);
  await until(() => processesOf(id) > 0);
  return id;
}

/** Its init among them; 0 when it does not run. */
function processesOf(id: string): number {
  const path = join(systemd.cgroup, JOBS, `job-${id}`, 'pids.current');
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
}

const stop = (id: string): SpawnSyncReturns<string> => joblet('job', 'stop', '--grace', '0s', id);

const systemctl = (...argv: string[]): SpawnSyncReturns<string> => systemd.run('systemctl', ...argv);

/** In µs, of two siblings: all jobs, and what stands for the desktop. */
function processorTime(): { jobs: number; desktop: number } {
  const timeOf = (slice: string): number => {
    const statistics = readFileSync(join(systemd.cgroup, slice, 'cpu.stat'), 'utf8');
    return Number(/^usage_usec (\d+)$/m.exec(statistics)?.[1]);
  };
  return { jobs: timeOf('joblet.slice'), desktop: timeOf('user.slice') };
}

describe('the service', () => {
  it('is started by `helper start`, with all limits', () => {
    expect(start).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Helper started:\n/) });
    expect(systemctl('is-active', 'joblet.service').stdout).toBe('active\n');
    const { stdout } = joblet('helper', 'status');
    expect(stdout).toContain(`Cgroup: /sys/fs/cgroup/${JOBS}\n`);
    expect(stdout).toContain('Limits: cpu, memory, pids, io, cpuset\n');
  });

  it('does not start with the machine, unless an administrator says so', () => {
    expect(systemctl('is-enabled', 'joblet.service').stdout).toBe('disabled\n');
    expect(systemctl('enable', 'joblet.service').status).toBe(0);
    expect(systemctl('is-enabled', 'joblet.service').stdout).toBe('enabled\n');
  });
});

describe('a job', () => {
  it('leaves five parts of six of a processor to the desktop', async () => {
    const spin = ['taskset', '--cpu-list', '0', 'sh', '-c', 'while :; do :; done'];
    const id = await runJob(...spin);
    systemd.run('systemd-run', '--unit=desktop', '--slice=user.slice', ...spin);
    const before = processorTime();
    await delay(MEASURE_MS);
    const after = processorTime();
    const [desktop, job] = [after.desktop - before.desktop, after.jobs - before.jobs];
    systemctl('kill', '--signal=KILL', 'desktop.service');
    stop(id);
    expect(job / (job + desktop)).toBeGreaterThan(0.05);
    // Without weights it would be a half; the processor of an emulated machine is not always there.
    expect(job / (job + desktop)).toBeLessThan(0.35);
  });

  it('of many processes keeps no other from its start', async () => {
    const id = await runJob(
      'sh',
      '-c',
      `for i in $(seq ${2 * DEFAULT_TASKS_MAX}); do sleep 1000 & done; wait`,
    );
    await until(() => processesOf(id) > DEFAULT_TASKS_MAX);
    expect(joblet('job', 'run', '--follow', '--', 'echo', 'neighbour').status).toBe(0);
    stop(id);
  });
});

describe('a service whose jobs go on', () => {
  it('is restarted while a job runs, which goes on, be the unit that holds the jobs dead', async () => {
    const id = await runJob('sleep', '1000');
    expect(systemctl('restart', 'joblet-jobs.service').stderr).toContain('Operation refused');
    expect(systemctl('kill', '--kill-whom=main', '--signal=KILL', 'joblet-jobs.service').status).toBe(0);
    await until(() => systemctl('is-active', 'joblet-jobs.service').stdout === 'failed\n');
    expect(systemd.run(STARTER)).toMatchObject({ status: 0, stderr: '' });
    expect(processesOf(id)).toBeGreaterThan(1);
    expect(stop(id)).toMatchObject({ status: 0, stderr: '' });
    expect(processesOf(id)).toBe(0);
    // Without jobs the unit can hold the cgroup again, and hand its controllers on.
    expect(systemd.run(STARTER)).toMatchObject({ status: 0, stderr: '' });
    expect(joblet('job', 'run', '--follow', '--max-memory', '64', '--', 'true').status).toBe(0);
  });
});

describe('a start that fails', () => {
  it('says why, in what the helper said, and is not tried for ever', () => {
    systemd.run('sed', '-i', 's/^version: 1/version: 9/', '/etc/joblet/joblet-config.yml');
    const { status, stderr } = systemd.run(STARTER);
    expect(status).not.toBe(0);
    expect(stderr).toContain('joblet-config.yml');
    expect(stderr).toContain('what it said is above and in /var/lib/joblet/start.log');
    expect(systemctl('is-active', 'joblet.service').stdout).toMatch(/^(inactive|failed)\n$/);
  });
});
