import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type JobSpec, JobStatus, ListJobsRequestSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { jobDirectoryOf, pathsUnder } from '../../native-helper/api/paths.ts';
import type { JobManager } from '../../native-helper/server/jobs/job-manager.ts';
import {
  closeJobService,
  logOf,
  openJobService,
  runToEnd,
  shell,
  specOf,
  temporaryService,
  untilEnded,
  untilState,
} from '../fixtures/job-service.ts';
import { SmallDisk } from '../fixtures/small-disk.ts';

let disk: SmallDisk;
let root: string;
let jobs: JobManager;
/** The programs of a job that run now. */
const programsOf = (uuid: string): string[] => {
  const members = readFileSync(join(jobs.status().cgroup, `job-${uuid}`, 'cgroup.procs'), 'utf8');
  return members.split('\n').filter(Boolean).map(programOf);
};
const programOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'one that has just ended';
  }
};
/** A job that waits for `go` with whatever it is to do. */
const waiting = (line: string): JobSpec => shell(`mkfifo go; read word <go; ${line}`);
const ready = (uuid: string) => vi.waitUntil(() => existsSync(goOf(uuid)), 20_000);
const goOf = (uuid: string): string => join(jobDirectoryOf(pathsUnder(root), uuid), 'work/go');
const go = (uuid: string): Promise<void> => writeFile(goOf(uuid), '\n');
const fillDisk = (): (() => void) => disk.fill();

describe.each(['ext4', 'ext2'] as const)('a full disk with %s', (type) => {
  beforeEach(async () => {
    disk = new SmallDisk(type);
    root = disk.path;
    jobs = await openJobService(root);
  });
  afterEach(async () => {
    await closeJobService(jobs);
    disk[Symbol.dispose]();
  });

  it('is one that can take room for a file beforehand, or not', () => {
    const { status } = spawnSync('fallocate', ['-l', '4096', join(root, 'file')]);
    expect(status === 0).toBe(type === 'ext4');
  });

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

  it('refuses a job as a whole when no more files can be made', async () => {
    const folder = join(root, 'many');
    mkdirSync(folder);
    const { ffree } = statfsSync(root);
    for (let file = 0; file < ffree; file += 1) {
      writeFileSync(join(folder, String(file)), '');
    }
    await expect(jobs.run(specOf('true'), 0)).rejects.toMatchObject({ kind: 'exhausted' });
    expect(jobs.status().total).toBe(0);
    rmSync(folder, { recursive: true });
    expect(await runToEnd(jobs, specOf('true'))).toMatchObject({ status: JobStatus.COMPLETED });
  });

  it('keeps no job from ending: the room for its record was taken before', async () => {
    const { uuid } = await jobs.run(waiting('true'), 0);
    await ready(uuid);
    fillDisk();
    await go(uuid);
    expect(await untilEnded(jobs, uuid)).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0 });
  });

  it('has the room for the record of each job that runs, and no more when it has ended', async () => {
    const { uuid } = await jobs.run(specOf('sleep', ['0.5']), 0);
    await untilState(jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    const folder = jobDirectoryOf(pathsUnder(root), uuid);
    const { blocks } = statSync(join(folder, 'exit.json.new'));
    expect(blocks * 512).toBeGreaterThanOrEqual(8192);
    await untilEnded(jobs, uuid);
    const record = readFileSync(join(folder, 'exit.json'), 'utf8');
    expect(JSON.parse(record)).toMatchObject({ job: uuid, exit_code: 0 });
    expect(record.endsWith('}\n')).toBe(true);
  });

  it('keeps a job that has something to say until there is room for it', async () => {
    const { uuid } = await jobs.run(waiting('seq 100000'), 0);
    await ready(uuid);
    const freeDisk = fillDisk();
    await go(uuid);
    const ended = untilEnded(jobs, uuid);
    await delay(1500);
    expect(jobs.get(uuid).status).toBe(JobStatus.RUNNING);
    freeDisk();
    expect(await ended).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0 });
    const numbers = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`);
    expect((await logOf(jobs, uuid)).toString()).toBe(numbers.join(''));
  });

  it.each([
    ['that would go on', 'yes', true, { status: JobStatus.STOPPED, signal: 15 }],
    ['that has ended by itself', 'seq 100000', false, { status: JobStatus.COMPLETED, exitCode: 0 }],
  ])('lets a job %s be stopped, and says that output was lost', async (_, command, goesOn, end) => {
    const { uuid } = await jobs.run(waiting(`exec ${command}`), 0);
    await ready(uuid);
    fillDisk();
    await go(uuid);
    await vi.waitUntil(
      () => (goesOn ? programsOf(uuid).includes(command) : programsOf(uuid).length === 0),
      20_000,
    );
    await delay(500); // for the monitor to find the disk full
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

describe('a record that can never be written', () => {
  it('delays no end: the helper is told, writes it down, and lets the monitor go', async () => {
    await using service = await temporaryService();
    const { uuid } = await service.jobs.run(shell('sleep 0.5; exit 3'), 0);
    await untilState(service.jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    mkdirSync(join(jobDirectoryOf(service.paths, uuid), 'exit.json'));
    expect(await untilEnded(service.jobs, uuid)).toMatchObject({ status: JobStatus.FAILED, exitCode: 3 });
    const monitors = join(dirname(service.jobs.status().cgroup), 'helper', 'cgroup.procs');
    await vi.waitFor(() => expect(readFileSync(monitors, 'utf8').trim()).toBe(String(process.pid)), 5000);
    expect(readdirSync(service.paths.monitorsDirectory)).toEqual([]);
  });
});
