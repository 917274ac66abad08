/** What the helper does while the disk under its state hangs, and when that disk fails. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Job, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { hasEnded } from '../../native-helper/server/jobs/job-state.ts';
import type { Client } from '../../src-main/client/index.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { MappedDevice } from './mapped-device.ts';

const PATIENCE_MS = 120_000;
const HANG_MS = 3000;
const SECTORS = 200_000;
const IMAGE = join(process.env.JOBLET_VM_DISK ?? '', 'state-disk');
const PLACE = '/mnt/state-disk';

let linear: string;
let device: MappedDevice;
let helper: RunningHelper;
let client: Client;

const run = (program: string, ...argv: string[]) => execFileSync(program, argv, { encoding: 'utf8' }).trim();
const submit = (): Promise<Job> => client.jobs.runJob({ spec: { command: 'true' } });

async function endOf({ uuid: id }: Job): Promise<JobStatus> {
  for (;;) {
    const { status } = await client.jobs.getJob({ id });
    if (hasEnded(status)) {
      return status;
    }
    await delay(50);
  }
}

beforeAll(async () => {
  writeFileSync(IMAGE, '');
  truncateSync(IMAGE, SECTORS * 512);
  linear = `0 ${SECTORS} linear ${run('losetup', '--find', '--show', IMAGE)} 0`;
  device = new MappedDevice('state', linear);
  run('mkfs.ext4', '-q', device.path);
  mkdirSync(PLACE);
  run('mount', device.path, PLACE);
  const root = join(PLACE, 'root');
  mkdirSync(root);
  helper = await RunningHelper.start({ root });
  client = await helper.connect();
  // What a job needs to be read from the disk has been read.
  expect(await endOf(await submit())).toBe(JobStatus.COMPLETED);
}, PATIENCE_MS);

afterAll(async () => {
  client?.close();
  await helper?.[Symbol.asyncDispose]();
}, PATIENCE_MS);

it(
  'tells of a job when the disk has it, and answers everybody else meanwhile',
  async () => {
    device.suspend();
    let isTold = false;
    const submitted = submit().finally(() => {
      isTold = true;
    });
    for (const end = Date.now() + HANG_MS; Date.now() < end; await delay(100)) {
      expect((await client.jobs.listJobs({})).jobs).not.toEqual([]);
    }
    expect(isTold).toBe(false);
    device.resume();
    expect(await endOf(await submitted)).toBe(JobStatus.COMPLETED);
  },
  PATIENCE_MS,
);

it(
  'ends when the disk fails, and the next helper goes on from what is there',
  async () => {
    const before = (await client.jobs.listJobs({})).jobs.map(({ uuid }) => uuid);
    device.suspend();
    device.resume(`0 ${SECTORS} error`);
    await expect(submit()).rejects.toMatchObject({ kind: 'unavailable' });
    await expect.poll(() => existsSync(`/proc/${helper.pid}/exe`), { timeout: 10_000 }).toBe(false);
    client.close();

    run('umount', '--lazy', PLACE);
    device.suspend();
    device.resume(linear);
    run('mount', device.path, PLACE);
    await helper.startAgain();
    client = await helper.connect();
    expect((await client.jobs.listJobs({})).jobs.map(({ uuid }) => uuid)).toEqual(
      expect.arrayContaining(before),
    );
  },
  PATIENCE_MS,
);
