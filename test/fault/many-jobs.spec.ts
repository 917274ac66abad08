/** A thousand jobs at once: the helper stays within its memory, and answers as if there were none. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import type { Client } from '../../src-main/client/index.ts';
import { quantile } from '../bench/measurement.ts';
import { anonymousBytes } from '../fixtures/process-figures.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { sized, within } from './size.ts';

const JOBS = sized(1000);
const SUBMITTED_AT_ONCE = 16;
const CALLS = 1000;
/** Between two calls: so the figure is that of an answer, not of a queue. */
const PAUSE_MS = 10;
/** Longer than all of the helper's work that comes once a second. */
const SETTLE_MS = 5000;
const POLL_MS = 500;

const BAR_MS = 20;
const BAR_BYTES = 64_000_000;

let helper: RunningHelper;
let client: Client;

beforeAll(async () => {
  helper = await RunningHelper.start();
  client = await helper.connect();
});
afterAll(async () => {
  client?.close();
  await helper?.[Symbol.asyncDispose]();
}, within(300_000));

it(`${JOBS} jobs at once are held, in memory and time`, { timeout: within(600_000) }, async () => {
  const uuids = await submitAll();
  await expect.poll(runningJobs, { timeout: within(300_000), interval: POLL_MS }).toBe(JOBS);
  await delay(SETTLE_MS);
  const milliseconds: number[] = [];
  for (let call = 0; call < CALLS; call += 1) {
    const id = uuids[(call * 7) % uuids.length] as string;
    const start = performance.now();
    await (call % 2 === 0 ? client.jobs.getJob({ id }) : client.jobs.listJobs({ pageSize: 100 }));
    milliseconds.push(performance.now() - start);
    await delay(PAUSE_MS);
  }
  const bytes = anonymousBytes(helper.pid);
  const [p50, p99, longest] = [0.5, 0.99, 1].map((share) => quantile(milliseconds, share)) as [
    number,
    number,
    number,
  ];
  process.stdout.write(
    `${JOBS} jobs: a call takes p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (bar ${BAR_MS}), at most ${longest.toFixed(1)} ms; ` +
      `RssAnon ${(bytes / 1e6).toFixed(1)} MB (bar ${BAR_BYTES / 1e6})\n`,
  );
  expect(await runningJobs()).toBe(JOBS);
  expect(bytes).toBeLessThanOrEqual(BAR_BYTES);
  expect(p99).toBeLessThanOrEqual(BAR_MS);
});

/** They print a line now and then. */
async function submitAll(): Promise<string[]> {
  const uuids: string[] = [];
  let left = JOBS;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const args = ['-c', 'while :; do echo line; sleep 20; done'];
      uuids.push((await client.jobs.runJob({ spec: { command: 'sh', args } })).uuid);
    }
  };
  await Promise.all(Array.from({ length: SUBMITTED_AT_ONCE }, lane));
  return uuids;
}

async function runningJobs(): Promise<number> {
  const { jobs } = await client.jobs.listJobs({ status: [JobStatus.RUNNING], pageSize: 1000 });
  return jobs.length;
}
