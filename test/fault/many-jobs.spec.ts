/** A thousand jobs at once: the helper stays within its memory, and answers as it does without them. */
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
const CALLS = 600;
/** What else the machine does only adds to a figure: it holds if it does in one of them. */
const ROUNDS = 3;
/** Between two calls: so the figure is that of an answer, not of a queue. */
const PAUSE_MS = 10;
/** Longer than all of the helper's work that comes once a second. */
const SETTLE_MS = 5000;
const POLL_MS = 500;

const BAR_MS = 20;
/** Where an idle helper needs nearly as long: so many times its own figure. */
const BAR_RATIO = 2;
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
  const idle = await measureCalls('no', []);
  const uuids = await submitAll();
  await expect.poll(runningJobs, { timeout: within(300_000), interval: POLL_MS }).toBe(JOBS);
  await delay(SETTLE_MS);
  let p99 = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && p99 > BAR_MS; round += 1) {
    p99 = Math.min(p99, await measureCalls(String(JOBS), uuids));
  }
  const bytes = anonymousBytes(helper.pid);
  process.stdout.write(`${JOBS} jobs: RssAnon ${(bytes / 1e6).toFixed(1)} MB (bar ${BAR_BYTES / 1e6})\n`);
  expect(await runningJobs()).toBe(JOBS);
  expect(bytes).toBeLessThanOrEqual(BAR_BYTES);
  expect(p99).toBeLessThanOrEqual(Math.max(BAR_MS, BAR_RATIO * idle));
});

/** @returns ms that 99 of 100 calls take at most. */
async function measureCalls(jobs: string, uuids: readonly string[]): Promise<number> {
  const calls = [
    (id: string) => (uuids.length === 0 ? client.helper.getStatus({}) : client.jobs.getJob({ id })),
    () => client.jobs.listJobs({}),
    () => client.helper.getStatus({}),
  ];
  const milliseconds: number[] = [];
  for (let number = 0; number < CALLS; number += 1) {
    const call = calls[number % calls.length] as (typeof calls)[number];
    const id = uuids[(number * 7) % uuids.length] as string;
    const start = performance.now();
    await call(id);
    milliseconds.push(performance.now() - start);
    await delay(PAUSE_MS);
  }
  const [p50, p99, longest] = [0.5, 0.99, 1].map((share) => quantile(milliseconds, share).toFixed(1));
  process.stdout.write(
    `${jobs} jobs: a call takes p50 ${p50} ms, p99 ${p99} ms (bar ${BAR_MS}), at most ${longest} ms\n`,
  );
  return quantile(milliseconds, 0.99);
}

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
