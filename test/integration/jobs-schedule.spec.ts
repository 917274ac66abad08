import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobStatus, ListJobsRequestSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { jobDirectoryOf, pathsUnder } from '../../native-helper/api/paths.ts';
import type { JobManager } from '../../native-helper/server/jobs/job-manager.ts';
import {
  closeJobService,
  logOf,
  openJobService,
  shell,
  specOf,
  untilEnded,
  untilState,
} from '../fixtures/job-service.ts';
import { temporaryRoot } from '../fixtures/root.ts';

const HOUR_US = 3_600_000_000n;

let root: string;
let jobs: JobManager;

beforeEach(async () => {
  root = temporaryRoot();
  jobs = await openJobService(root);
});
afterEach(async () => {
  await closeJobService(jobs);
  rmSync(root, { recursive: true });
});

async function startAgain(): Promise<void> {
  await closeJobService(jobs);
  jobs = await openJobService(root);
}

function inUs(microseconds: bigint): bigint {
  return BigInt(Date.now()) * 1000n + microseconds;
}

function later(command = 'true', secretEnvironment: Record<string, string> = {}) {
  return jobs.run(specOf(command, [], { startAtUs: inUs(HOUR_US), secretEnvironment }), 0);
}

/** As if so much time had passed. */
function makeDue(uuid: string): void {
  const database = new DatabaseSync(pathsUnder(root).database);
  database.prepare('UPDATE job SET due_us = 1 WHERE uuid = ?').run(uuid);
  database.close();
}

describe('a job with a start time', () => {
  it('is SCHEDULED until then, says until when, and has taken nothing yet', async () => {
    const job = await later();
    expect(job).toMatchObject({ status: JobStatus.SCHEDULED, startedUs: 0n });
    expect(job.waitingFor).toMatch(/^its start at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    expect(job.dueUs).toBe(job.spec?.startAtUs);
    expect(existsSync(jobDirectoryOf(pathsUnder(root), job.uuid))).toBe(false);
    await jobs.cancel(job.uuid);
  });

  it('starts at its time, and not before', async () => {
    const startAtUs = inUs(400_000n);
    const { uuid } = await jobs.run(shell('echo now', { startAtUs }), 0);
    const job = await untilEnded(jobs, uuid);
    expect(job).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0, dueUs: 0n });
    expect(job.startedUs).toBeGreaterThanOrEqual(startAtUs);
    expect((await logOf(jobs, uuid)).toString()).toBe('now\n');
  });

  it('starts at once when its time is past', async () => {
    const job = await jobs.run(specOf('true', [], { startAtUs: 1n }), 0);
    expect(job.status).not.toBe(JobStatus.SCHEDULED);
    expect(await untilEnded(jobs, job.uuid)).toMatchObject({ status: JobStatus.COMPLETED });
  });

  it.each([
    ['beyond a year', inUs(366n * 24n * HOUR_US)],
    ['beyond all numbers', 2n ** 64n - 1n],
  ])('is refused %s', async (_, startAtUs) => {
    await expect(jobs.run(specOf('true', [], { startAtUs }), 0)).rejects.toMatchObject({
      kind: 'invalid',
      details: { object: 'startAtUs' },
    });
    expect(jobs.status().total).toBe(0);
  });

  it('goes on waiting with the next helper, and is started by it when its time has come meanwhile', async () => {
    const waiting = await later();
    const due = await later();
    await closeJobService(jobs);
    makeDue(due.uuid);
    jobs = await openJobService(root);
    expect(await untilEnded(jobs, due.uuid)).toMatchObject({ status: JobStatus.COMPLETED });
    expect(jobs.get(waiting.uuid)).toMatchObject({ status: JobStatus.SCHEDULED, dueUs: waiting.dueUs });
    await jobs.cancel(waiting.uuid);
  });

  it('has its secrets at its time, and they lie nowhere meanwhile', async () => {
    const { uuid } = await jobs.run(
      shell('echo "got $PIN"', { startAtUs: inUs(300_000n), secretEnvironment: { PIN: 'swordfish' } }),
      0,
    );
    const { database } = pathsUnder(root);
    const stored = [database, `${database}-wal`].map((path) => readFileSync(path, 'latin1')).join('');
    expect(stored).toContain('PIN');
    expect(stored).not.toContain('swordfish');
    await untilEnded(jobs, uuid);
    expect((await logOf(jobs, uuid)).toString()).toBe('got swordfish\n');
    expect(readFileSync(join(jobDirectoryOf(pathsUnder(root), uuid), 'plan'), 'latin1')).not.toContain(
      'swordfish',
    );
  });

  it('fails with words at the next start of the helper when it had secrets', async () => {
    const { uuid } = await later('true', { PIN: 'x' });
    await startAgain();
    const job = jobs.get(uuid);
    expect(job).toMatchObject({ status: JobStatus.FAILED, exitCode: 125 });
    expect(job.failure).toMatchObject({ layer: 'secrets', mend: expect.stringContaining('again') });
  });

  it('is refused at submit when it asks for what this machine can not give, not in an hour', async () => {
    const pids = { limits: { pids: 1n }, startAtUs: inUs(HOUR_US) };
    await expect(jobs.run(specOf('true', [], pids), 0)).rejects.toMatchObject({ kind: 'refused' });
  });

  it('holds up nobody, however many there are', async () => {
    const startAtUs = inUs(1_500_000n);
    const waiting = await Promise.all(
      Array.from({ length: 30 }, () => jobs.run(specOf('true', [], { startAtUs }), 0)),
    );
    const { uuid } = await jobs.run(specOf('true'), 0);
    await untilEnded(jobs, uuid);
    const ended = await Promise.all(waiting.map((job) => untilEnded(jobs, job.uuid)));
    expect(ended.every(({ status }) => status === JobStatus.COMPLETED)).toBe(true);
  });
});

describe('cancel', () => {
  it('ends what is SCHEDULED, for good', async () => {
    const { uuid } = await later();
    expect(await jobs.cancel(uuid)).toMatchObject({ status: JobStatus.CANCELED, startedUs: 0n });
    await startAgain();
    expect(jobs.get(uuid).status).toBe(JobStatus.CANCELED);
    await jobs.delete(uuid);
  });

  it('ends nothing else', async () => {
    const { uuid } = await jobs.run(specOf('sleep', ['60']), 0);
    await untilState(jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    await expect(jobs.cancel(uuid)).rejects.toMatchObject({
      kind: 'conflict',
      details: { reason: expect.stringContaining('is RUNNING'), mend: expect.stringContaining('job stop') },
    });
    await jobs.stop(uuid, 0n);
    await expect(jobs.cancel(uuid)).rejects.toMatchObject({ kind: 'conflict' });
  });

  it('and the start of a job at the same time: one of them happens', async () => {
    const startAtUs = inUs(120_000n);
    const all = await Promise.all(
      Array.from({ length: 20 }, () => jobs.run(specOf('true', [], { startAtUs }), 0)),
    );
    const canceled = await Promise.all(
      all.map(async ({ uuid }, index) => {
        await new Promise((resolve) => setTimeout(resolve, 100 + index * 2));
        return jobs.cancel(uuid).then(
          () => true,
          () => false,
        );
      }),
    );
    const ended = await Promise.all(all.map(({ uuid }) => untilEnded(jobs, uuid)));
    for (const [index, { status, startedUs }] of ended.entries()) {
      expect(status).toBe(canceled[index] ? JobStatus.CANCELED : JobStatus.COMPLETED);
      expect(startedUs === 0n).toBe(canceled[index]);
    }
  });

  it('is what a stop of a scheduled job is, and a delete asks for', async () => {
    const { uuid } = await later();
    await expect(jobs.delete(uuid)).rejects.toMatchObject({
      details: { mend: expect.stringContaining('job cancel') },
    });
    expect(await jobs.stop(uuid)).toMatchObject({ status: JobStatus.CANCELED });
  });
});

describe('labels', () => {
  it('are kept, and found', async () => {
    const labelled = (labels: Record<string, string>) => jobs.run(specOf('true', [], { labels }), 0);
    const one = await labelled({ team: 'a', 'example.com/stage': '' });
    const other = await labelled({ team: 'b' });
    await Promise.all([one, other].map(({ uuid }) => untilEnded(jobs, uuid)));
    const found = (...labels: string[]) =>
      jobs.list(create(ListJobsRequestSchema, { labels })).jobs.map(({ uuid }) => uuid);
    expect(found('team')).toEqual([other.uuid, one.uuid]);
    expect(found('team=a')).toEqual([one.uuid]);
    expect(found('team', 'example.com/stage=')).toEqual([one.uuid]);
    expect(found('nothing')).toEqual([]);
    expect(jobs.get(one.uuid).spec?.labels).toEqual({ team: 'a', 'example.com/stage': '' });
    expect(() => found("' OR 1=1")).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  it.each([{ '../x': '' }, { a: '\u0000' }, { '': 'x' }, { ['k'.repeat(10_000)]: '' }, { é: '' }])(
    'are refused: %j',
    async (labels) => {
      await expect(jobs.run(specOf('true', [], { labels }), 0)).rejects.toMatchObject({ kind: 'invalid' });
    },
  );
});
