/** The disk of state and logs is full: nothing is told that is not so, and all goes on when there is room. (One that fails: test/vm/state-disk.vm.spec.ts.) */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { causeOf, JobletError } from '../../native-helper/api/errors.ts';
import { type Job, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { jobDirectoryOf, pathsUnder } from '../../native-helper/api/paths.ts';
import type { Client } from '../../src-main/client/index.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { fillDisk } from '../fixtures/small-disk.ts';
import { MappedDevice } from '../vm/mapped-device.ts';
import { floodOf } from './streams.ts';
import { logFaults, readLog, untilEnded } from './verdict.ts';

const PATIENCE_MS = 240_000;
const SECTORS = 200_000;
const IMAGE = join(process.env.JOBLET_VM_DISK ?? '', 'fault-disk');
const PLACE = '/mnt/fault-disk';

let device: MappedDevice;
let helper: RunningHelper;
let client: Client;

const run = (program: string, ...argv: string[]) => execFileSync(program, argv, { encoding: 'utf8' }).trim();
const submit = (script: string): Promise<Job> =>
  client.jobs.runJob({ spec: { command: 'sh', args: ['-c', script] } });

beforeEach(async () => {
  writeFileSync(IMAGE, '');
  truncateSync(IMAGE, SECTORS * 512);
  const linear = `0 ${SECTORS} linear ${run('losetup', '--find', '--show', IMAGE)} 0`;
  device = new MappedDevice('fault', linear);
  run('mkfs.ext4', '-q', '-m', '0', device.path);
  mkdirSync(PLACE, { recursive: true });
  run('mount', device.path, PLACE);
  mkdirSync(join(PLACE, 'root'));
  helper = await RunningHelper.start({ root: join(PLACE, 'root') });
  client = await helper.connect();
  // What a job needs to be read from the disk has been read.
  expect((await untilEnded(client, (await submit('true')).uuid)).status).toBe(JobStatus.COMPLETED);
}, PATIENCE_MS);
afterEach(async () => {
  client?.close();
  await helper?.[Symbol.asyncDispose]();
  run('umount', '--lazy', PLACE);
  device.remove();
  rmSync(IMAGE);
}, PATIENCE_MS);

it('full: what runs waits and loses nothing, what is new is refused with the mend', {
  timeout: PATIENCE_MS,
}, async () => {
  const { script, output } = floodOf('full', 20_000);
  const job = await submit(`until [ -e go ]; do sleep 0.1; done; ${script}`);
  const free = fillDisk(PLACE);
  writeFileSync(join(jobDirectoryOf(pathsUnder(helper.root), job.uuid), 'work/go'), '');
  const refusal = await refusalOf('true');
  expect(refusal).toContain('ENOSPC');
  expect(refusal).toMatch(/space/i);
  const { status } = await client.jobs.getJob({ id: job.uuid });
  expect(status).toBe(JobStatus.RUNNING);
  free();
  const ended = await untilEnded(client, job.uuid);
  expect(ended.status).toBe(JobStatus.COMPLETED);
  expect(logFaults(await readLog(client, job.uuid), output)).toEqual([]);
  expect((await untilEnded(client, (await submit('true')).uuid)).status).toBe(JobStatus.COMPLETED);
});

/** A new job is not taken, or told of as one that did not start. @returns what is said of it. */
async function refusalOf(script: string): Promise<string> {
  try {
    const { uuid } = await submit(script);
    const { exitCode, failure } = await untilEnded(client, uuid);
    expect(exitCode).toBe(125);
    expect(failure).toMatchObject({ layer: expect.stringMatching(/./), mend: expect.stringMatching(/./) });
    return `${failure?.cause} ${failure?.mend}`;
  } catch (error) {
    expect(error, causeOf(error)).toBeInstanceOf(JobletError);
    const { layer, reason, mend } = (error as JobletError).details;
    expect([layer, reason, mend]).not.toContain('');
    return `${reason} ${mend}`;
  }
}
