/** Files that were half written when the machine went down: nothing but what is torn is lost, and that is said. */
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect } from 'vitest';
import { type Job, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { jobDirectoryOf, pathsUnder } from '../../native-helper/api/paths.ts';
import type { Client } from '../../src-main/client/index.ts';
import type { Random } from '../fixtures/random.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { seeded } from './seeded.ts';
import { sized, within } from './size.ts';
import { floodOf, type Output } from './streams.ts';
import { logFaults, readLog, untilEnded } from './verdict.ts';

const ROUNDS = sized(20);
const LINES = 500;
const POLL_MS = 20;

let helper: RunningHelper;
let client: Client;
/** It has ended long before anything is torn. */
let bystander: Printed;

interface Printed {
  readonly job: Job;
  readonly output: Output;
}

beforeEach(async () => {
  helper = await RunningHelper.start();
  client = await helper.connect();
  bystander = await print('bystander');
  await untilEnded(client, bystander.job.uuid);
});
afterEach(async () => {
  client?.close();
  await helper?.[Symbol.asyncDispose]();
});

seeded('half of an exit record', within(600_000), async (random) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { job, output } = await print(`round-${round}`, 'sleep 0.5;');
    await expect
      .poll(async () => (await client.jobs.getJob({ id: job.uuid })).status)
      .toBe(JobStatus.RUNNING);
    await helper.kill();
    const record = join(folderOf(job), 'exit.json');
    while (!existsSync(record)) {
      await delay(POLL_MS);
    }
    tear(record, random);
    await helper.startAgain();
    const ended = await untilEnded(client, job.uuid);
    expect(ended).toMatchObject({ status: JobStatus.LOST, failure: { layer: 'monitor' } });
    expect(readFileSync(pathsUnder(helper.root).helperLog, 'utf8')).toMatch(
      new RegExp(`${job.uuid}.*the exit record of a job is damaged`),
    );
    expect(logFaults(await readLog(client, job.uuid), output)).toEqual([]);
    await expectBystander();
  }
});

seeded('half of an index', within(600_000), async (random) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { job, output } = await print(`round-${round}`);
    await untilEnded(client, job.uuid);
    await helper.kill();
    tear(join(folderOf(job), 'log.index'), random);
    await helper.startAgain();
    const log = await readLog(client, job.uuid);
    expect(output.stdout.startsWith(textOf(log.stdout))).toBe(true);
    expect(output.stderr.startsWith(textOf(log.stderr))).toBe(true);
    await expectBystander();
  }
});

seeded('half of the write-ahead log of the state', within(600_000), async (random) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const accepted: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const { uuid } = await client.jobs.runJob({ spec: { command: 'true' } });
      accepted.push(uuid);
      await untilEnded(client, uuid);
    }
    await helper.kill();
    cutWriteAheadLog(random);
    await helper.startAgain();
    const { jobs } = await client.jobs.listJobs({ pageSize: 1000 });
    const kept = accepted.filter((uuid) => jobs.some((job) => job.uuid === uuid));
    expect(kept).toEqual(accepted.slice(0, kept.length));
    const { uuid } = await client.jobs.runJob({ spec: { command: 'true' } });
    expect(await untilEnded(client, uuid)).toMatchObject({ status: JobStatus.COMPLETED });
  }
});

async function print(words: string, before = ''): Promise<Printed> {
  const { script, output } = floodOf(words, LINES);
  const spec = { command: 'sh', args: ['-c', `${before} ${script}`] };
  return { job: await client.jobs.runJob({ spec }), output };
}

async function expectBystander(): Promise<void> {
  const { job, output } = bystander;
  expect(await client.jobs.getJob({ id: job.uuid })).toMatchObject({ status: JobStatus.COMPLETED });
  expect(logFaults(await readLog(client, job.uuid), output)).toEqual([]);
}

const folderOf = ({ uuid }: Job) => jobDirectoryOf(pathsUnder(helper.root), uuid);
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();

function tear(path: string, random: Random): void {
  truncateSync(path, random.below(statSync(path).size));
}

/** It has its full size from the beginning: what was not written is zeroes. Its first frame ends at byte 4152 (sqlite.org/walformat.html). */
function cutWriteAheadLog(random: Random): void {
  const path = `${pathsUnder(helper.root).database}-wal`;
  const bytes = readFileSync(path);
  const used = bytes.findLastIndex((byte) => byte !== 0);
  bytes.fill(0, random.below(used));
  writeFileSync(path, bytes);
}
