/** The helper as a service of systemd: what its units promise, tried on a systemd that has booted. */
import type { SpawnSyncReturns } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JOBLET } from '../fixtures/dist.ts';
import { until } from './desktop.ts';
import { Systemd } from './systemd.ts';

const LONG_MS = 120_000;

let systemd: Systemd;
let start: SpawnSyncReturns<string>;

beforeAll(async () => {
  systemd = await Systemd.boot();
  start = joblet('helper', 'start');
}, LONG_MS);

afterAll(() => systemd?.[Symbol.dispose](), LONG_MS);

const joblet = (...argv: string[]): SpawnSyncReturns<string> => systemd.run(JOBLET, ...argv);

interface JobLine {
  readonly id: string;
  readonly status: string;
}

/** @returns its uuid, once it runs */
async function runJob(...command: string[]): Promise<string> {
  const { job_uuid: id } = JSON.parse(joblet('--json', 'job', 'run', '--', ...command).stdout);
  await until(() => statusOf(id) === 'RUNNING');
  return id;
}

/** @returns undefined while no helper answers, too */
function statusOf(id: string): string | undefined {
  const { status, stdout } = joblet('--json', 'job', 'list');
  const jobs: JobLine[] = status === 0 ? JSON.parse(stdout) : [];
  return jobs.find((job) => job.id === id)?.status;
}

const isActive = (unit: string): string => systemd.run('systemctl', 'is-active', unit).stdout.trim();

describe('the service', () => {
  it('is started by `helper start`, with all limits', () => {
    expect(start).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Helper started:\n/) });
    expect(isActive('joblet.service')).toBe('active');
    expect(joblet('helper', 'status').stdout).toContain('Limits: cpu, memory, pids, io, cpuset\n');
  });

  it('is restarted while a job runs, which goes on', async () => {
    const id = await runJob('sleep', '1000');
    expect(systemd.run('systemctl', 'restart', 'joblet.service').status).toBe(0);
    await until(() => statusOf(id) === 'RUNNING');
    expect(joblet('job', 'stop', '--grace', '0s', id).status).toBe(0);
  });
});
