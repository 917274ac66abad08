/** The clock of the machine is set a day forward and back while jobs run and wait: times that are lengths stay what they are. */
import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Job, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import type { Client } from '../../src-main/client/index.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { untilEnded } from './verdict.ts';

const PATIENCE_MS = 180_000;
const DAY_S = 24 * 3600;
const TIMEOUT_MS = 8000;
const HOUR_US = 3_600_000_000n;

let helper: RunningHelper;
let client: Client;
beforeAll(async () => {
  helper = await RunningHelper.start();
  client = await helper.connect();
}, PATIENCE_MS);
afterAll(async () => {
  client?.close();
  await helper?.[Symbol.asyncDispose]();
}, PATIENCE_MS);

const run = (script: string, more: { timeoutMs?: bigint; startAtUs?: bigint } = {}): Promise<Job> =>
  client.jobs.runJob({ spec: { command: 'sh', args: ['-c', script], ...more } });

/** Of the wall. What the helper and the kernel count otherwise goes on. */
function setClock(bySeconds: number): void {
  execFileSync('date', ['--set', `@${Math.round(Date.now() / 1000) + bySeconds}`]);
}

async function statusOf({ uuid: id }: Job): Promise<JobStatus> {
  return (await client.jobs.getJob({ id })).status;
}

it.each([
  ['forward', DAY_S],
  ['back', -DAY_S],
])('a day %s', { timeout: PATIENCE_MS }, async (_, seconds) => {
  const early = await run('echo before; sleep 4; echo after', { timeoutMs: 600_000n });
  const late = await run('sleep 600', { timeoutMs: BigInt(TIMEOUT_MS) });
  await expect.poll(() => statusOf(late), { timeout: PATIENCE_MS }).toBe(JobStatus.RUNNING);
  const start = performance.now();
  const hourAway = await run('true', { startAtUs: BigInt(Date.now()) * 1000n + HOUR_US });
  setClock(seconds);
  try {
    expect((await untilEnded(client, late.uuid)).status).toBe(JobStatus.TIMEOUT);
    expect(performance.now() - start).toBeGreaterThan(TIMEOUT_MS / 2);
    expect((await untilEnded(client, early.uuid)).status).toBe(JobStatus.COMPLETED);
    // Its time is one of the clock: it has come, or is a day further away.
    await (seconds > 0
      ? expect.poll(() => statusOf(hourAway), { timeout: PATIENCE_MS }).toBe(JobStatus.COMPLETED)
      : expect(statusOf(hourAway)).resolves.toBe(JobStatus.SCHEDULED));
    await expectServedAnew();
  } finally {
    setClock(-seconds);
  }
});

it('the helper starts again while the clock is a day behind, and what waits goes on when it is right', {
  timeout: PATIENCE_MS,
}, async () => {
  const waiting = await run('true', { startAtUs: BigInt(Date.now() + 5000) * 1000n });
  setClock(-DAY_S);
  await helper.kill();
  await helper.startAgain();
  client.close();
  client = await helper.connect();
  await delay(6000);
  expect(await statusOf(waiting)).toBe(JobStatus.SCHEDULED);
  setClock(DAY_S);
  await expect.poll(() => statusOf(waiting), { timeout: PATIENCE_MS }).toBe(JobStatus.COMPLETED);
});

/** With certificates that were made before the clock was set. */
async function expectServedAnew(): Promise<void> {
  const other = await helper.connect();
  try {
    expect((await other.helper.getStatus({})).pid).toBe(helper.pid);
  } finally {
    other.close();
  }
}
