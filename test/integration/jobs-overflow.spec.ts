/** A full disk under a whole helper: what the job, its log and its state tell of output that the disk does not take. */
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Job,
  type JobSpec,
  type JobSpecSchema,
  JobStatus,
  LogOverflow,
  LogPlace,
} from '../../native-helper/api/gen/joblet_pb.js';
import { jobDirectoryOf, pathsUnder } from '../../native-helper/api/paths.ts';
import type { JobManager } from '../../native-helper/server/jobs/job-manager.ts';
import {
  closeJobService,
  logOf,
  openJobService,
  shell,
  untilEnded,
  untilState,
} from '../fixtures/job-service.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { SmallDisk } from '../fixtures/small-disk.ts';

const LINES = 300_000;
const NUMBERS = Array.from({ length: LINES }, (_, index) => `${index + 1}\n`).join('');

let disk: SmallDisk;
let jobs: JobManager;
const workOf = (uuid: string): string => join(jobDirectoryOf(pathsUnder(disk.path), uuid), 'work');
const has = (uuid: string, name: string): boolean => existsSync(join(workOf(uuid), name));

/** It prints all when it is told to, then makes `done` and waits for its end. */
const printer = (rest: MessageInitShape<typeof JobSpecSchema> = {}) =>
  shell(`mkfifo go end; read word <go; seq ${LINES}; touch done; read word <end`, rest);

async function started(spec: JobSpec): Promise<string> {
  const { uuid } = await jobs.run(spec, 0);
  await vi.waitUntil(() => has(uuid, 'end'), 20_000);
  return uuid;
}
const tell = (uuid: string, name: string) => writeFile(join(workOf(uuid), name), '\n');
const untilLog = (uuid: string, holds: (state: Job['logState']) => boolean) =>
  untilState(jobs, uuid, ({ logState }) => holds(logState));

beforeEach(() => {
  disk = new SmallDisk('ext4');
});
afterEach(async () => {
  await closeJobService(jobs);
  disk[Symbol.dispose]();
});

describe('a job on a full disk', () => {
  it('goes on: its state says where its output is, and its log has all of it when there is room', async () => {
    jobs = await openJobService(disk.path);
    const uuid = await started(printer());
    const free = disk.fill();
    await tell(uuid, 'go');
    await untilLog(uuid, (state) => state?.place === LogPlace.MEMORY && state.cause === 'ENOSPC');
    await vi.waitUntil(() => has(uuid, 'done'), 20_000);
    free();
    await untilLog(uuid, (state) => state === undefined);
    await tell(uuid, 'end');
    const ended = await untilEnded(jobs, uuid);
    expect(ended).toMatchObject({ status: JobStatus.COMPLETED });
    expect(ended.logState).toBeUndefined();
    expect((await logOf(jobs, uuid)).toString()).toBe(NUMBERS);
  });

  it('has its output in logs.spill_dir, in a file without a name', async () => {
    const elsewhere = temporaryRoot();
    jobs = await openJobService(disk.path, { logs: { memory_bytes: 2 ** 20, spill_dir: elsewhere } });
    const uuid = await started(printer());
    const free = disk.fill();
    await tell(uuid, 'go');
    await untilLog(uuid, (state) => state?.place === LogPlace.SPILL);
    await vi.waitUntil(() => has(uuid, 'done'), 20_000);
    expect(await readdir(elsewhere)).toEqual([]);
    free();
    await tell(uuid, 'end');
    expect(await untilEnded(jobs, uuid)).toMatchObject({ status: JobStatus.COMPLETED });
    expect((await logOf(jobs, uuid)).toString()).toBe(NUMBERS);
  });

  it('runs without a spill that can not be had', async () => {
    jobs = await openJobService(disk.path, { logs: { spill_dir: '/nowhere' } });
    const { uuid } = await jobs.run(shell('echo here'), 0);
    expect(await untilEnded(jobs, uuid)).toMatchObject({ status: JobStatus.COMPLETED });
  });

  it('waits if it has chosen so', async () => {
    jobs = await openJobService(disk.path);
    const uuid = await started(printer({ logOverflow: LogOverflow.BLOCK }));
    const free = disk.fill();
    await tell(uuid, 'go');
    await untilLog(uuid, (state) => state?.blocked === true && state.cause === 'ENOSPC');
    expect(has(uuid, 'done')).toBe(false);
    free();
    await vi.waitUntil(() => has(uuid, 'done'), 20_000);
    await tell(uuid, 'end');
    expect((await untilEnded(jobs, uuid)).logState).toBeUndefined();
    expect((await logOf(jobs, uuid)).toString()).toBe(NUMBERS);
  });

  it('tells for ever how much was lost, and a helper that comes later hears of it', async () => {
    jobs = await openJobService(disk.path, { logs: { memory_bytes: 2 ** 20 } });
    const uuid = await started(printer());
    const free = disk.fill();
    await tell(uuid, 'go');
    await untilLog(uuid, (state) => state?.every === 10);
    await vi.waitUntil(() => has(uuid, 'done'), 20_000);
    free();
    await closeJobService(jobs);
    jobs = await openJobService(disk.path);
    const lost = (await untilLog(uuid, (state) => state?.place === LogPlace.DISK)).logState;
    expect(lost?.lostLines).toBeGreaterThan(0n);
    await tell(uuid, 'end');
    const { logState } = await untilEnded(jobs, uuid);
    const kept = (await logOf(jobs, uuid)).toString();
    expect(Number(logState?.lostLines)).toBe(LINES - kept.split('\n').length + 1);
    expect(Number(logState?.lostBytes)).toBe(NUMBERS.length - kept.length);
  });
});
