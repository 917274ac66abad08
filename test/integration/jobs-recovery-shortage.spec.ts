/** A helper that has too few descriptors to look at the jobs of the one before it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import type { Client } from '../../src-main/client/index.ts';
import { HELPER } from '../fixtures/dist.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

const JOBS = 20;
/** From too few for its own start, over what is enough for it and not for its jobs, to enough. */
const OPEN_FILES = [36, 40, 44, 48, 52, 56, 60, 64, 68, 72];
const POLL_MS = 20;

it('takes no job for lost: it says what it lacks and ends, and the next one goes on with all', async () => {
  await using helper = await RunningHelper.start();
  using client = await connected(helper);
  for (let job = 0; job < JOBS; job += 1) {
    await client.jobs.runJob({ spec: { command: 'sleep', args: ['600'] } });
  }
  const allRun = Array.from({ length: JOBS }, () => JobStatus.RUNNING);
  await expect.poll(() => statuses(client), { timeout: 30_000 }).toEqual(allRun);
  await helper.kill();

  const told: string[] = [];
  for (const openFiles of OPEN_FILES) {
    told.push(await startWith(openFiles, helper.root));
  }
  expect(told.filter((words) => /jobs: recover: .*EMFILE.*Jobs go on/.test(words)).length).toBeGreaterThan(1);
  expect(told.at(-1)).toBe('');

  await helper.startAgain();
  expect(await statuses(client)).toEqual(allRun);
}, 120_000);

async function connected(helper: RunningHelper): Promise<Client & Disposable> {
  const client = await helper.connect();
  return { ...client, [Symbol.dispose]: () => client.close() };
}

async function statuses(client: Client): Promise<JobStatus[]> {
  const { jobs } = await client.jobs.listJobs({ pageSize: 1000 });
  return jobs.map(({ status }) => status);
}

/** @returns what it has said when it has ended; nothing when it got so far that it served, and was killed. */
async function startWith(openFiles: number, root: string): Promise<string> {
  const before = timesServed(root);
  const limits = `--nofile=${openFiles}:${openFiles}`;
  const helper = spawn('prlimit', [limits, HELPER, '--root', root], { stdio: ['ignore', 'ignore', 'pipe'] });
  const told = text(helper.stderr);
  const ended = once(helper, 'exit');
  while (helper.exitCode === null && timesServed(root) === before) {
    await delay(POLL_MS);
  }
  helper.kill('SIGKILL');
  await ended;
  return told;
}

function timesServed(root: string): number {
  return readFileSync(pathsUnder(root).helperLog, 'utf8').split('the helper answers').length;
}
