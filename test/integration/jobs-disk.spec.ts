import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  openSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { causeOf } from '../../native-helper/api/errors.ts';
import { JobStatus, ListJobsRequestSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import type { JobManager } from '../../native-helper/server/jobs/job-manager.ts';
import {
  closeJobService,
  logOf,
  openJobService,
  runToEnd,
  shell,
  specOf,
  untilEnded,
  untilState,
} from '../fixtures/job-service.ts';
import { temporaryRoot } from '../fixtures/root.ts';

/** A root on a file system of its own, small enough to be filled, and without a reserve for root. */
let root: string;
let jobs: JobManager;
const DISK_BYTES = 24 * 1024 * 1024;

beforeEach(async () => {
  root = temporaryRoot();
  const image = `${root}.image`;
  writeFileSync(image, '');
  truncateSync(image, DISK_BYTES);
  execFileSync('mkfs.ext4', ['-q', '-m', '0', image]);
  execFileSync('mount', ['-o', 'loop', image, root]);
  rmSync(image);
  chmodSync(root, 0o755);
  jobs = await openJobService(root);
});
afterEach(async () => {
  await closeJobService(jobs);
  execFileSync('umount', ['--lazy', root]);
  rmSync(root, { recursive: true });
});

/** Leaves no byte. @returns what gives the space back. */
function fillDisk(): () => void {
  const path = join(root, 'ballast');
  const fd = openSync(path, 'w');
  const block = Buffer.alloc(4096);
  try {
    for (;;) {
      writeSync(fd, block);
    }
  } catch (error) {
    expect(causeOf(error)).toBe('ENOSPC');
  } finally {
    closeSync(fd);
  }
  return () => rmSync(path);
}

describe('a full disk', () => {
  it('refuses a job as a whole, and the next one is welcome when there is room', async () => {
    const freeDisk = fillDisk();
    await expect(jobs.run(specOf('true'), 0)).rejects.toMatchObject({
      kind: 'exhausted',
      details: { mend: 'Free space on the disk, then try again.' },
    });
    expect(readdirSync(pathsUnder(root).jobsDirectory)).toEqual([]);
    expect(jobs.list(create(ListJobsRequestSchema)).jobs).toEqual([]);
    expect(jobs.status().total).toBe(0);
    freeDisk();
    expect(await runToEnd(jobs, specOf('true'))).toMatchObject({ status: JobStatus.COMPLETED });
  });

  it('keeps no job from ending: the room for its record was taken before', async () => {
    const { uuid } = await jobs.run(specOf('sleep', ['0.5']), 0);
    await untilState(jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    fillDisk();
    expect(await untilEnded(jobs, uuid)).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0 });
  });

  it('keeps a job that has something to say until there is room for it', async () => {
    const { uuid } = await jobs.run(shell('sleep 0.5; seq 100000'), 0);
    await untilState(jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    const freeDisk = fillDisk();
    const ended = untilEnded(jobs, uuid);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(jobs.get(uuid).status).toBe(JobStatus.RUNNING);
    freeDisk();
    expect(await ended).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0 });
    const numbers = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`);
    expect((await logOf(jobs, uuid)).toString()).toBe(numbers.join(''));
  });

  it.each([
    ['that would go on', 'sleep 0.5; yes', { status: JobStatus.STOPPED, signal: 15 }],
    ['that has ended by itself', 'sleep 0.5; seq 100000', { status: JobStatus.COMPLETED, exitCode: 0 }],
  ])('lets a job %s be stopped, and says that output was lost', async (_, line, end) => {
    const { uuid } = await jobs.run(shell(line), 0);
    await untilState(jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    fillDisk();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await jobs.stop(uuid)).toMatchObject({
      ...end,
      failure: { layer: 'log', operation: 'write', cause: 'ENOSPC: No space left on device' },
    });
    await jobs.delete(uuid);
    expect(readdirSync(pathsUnder(root).jobsDirectory)).toEqual([]);
  });

  it('is emptied by deleting a job, however many folders it has made', async () => {
    const { uuid } = await runToEnd(jobs, specOf('sh', ['-c', 'mkdir $(seq 1000)']));
    fillDisk();
    await jobs.delete(uuid);
    expect(readdirSync(pathsUnder(root).jobsDirectory)).toEqual([]);
  });
});
