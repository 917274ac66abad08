/** Pause and resume: cgroup.freeze works on every cgroup v2 tree, a hybrid one too. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExecJobResponse, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import type { JobManager } from '../../native-helper/server/jobs/job-manager.ts';
import {
  logOf,
  type Service,
  shell,
  temporaryService,
  untilEnded,
  untilOutput,
} from '../fixtures/job-service.ts';
import { monitorsWith } from '../fixtures/monitors.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

const PATIENCE_MS = 60_000;
/** Tells the time ten times a second: where it stood still, there is a gap. */
const TICKS = 'while :; do cut -d" " -f1 /proc/uptime; sleep 0.1; done';

let service: Service;
let jobs: JobManager;

beforeAll(async () => {
  service = await temporaryService();
  jobs = service.jobs;
}, PATIENCE_MS);

afterAll(() => service[Symbol.asyncDispose](), PATIENCE_MS);

async function running(line: string, rest: Parameters<typeof shell>[1] = {}): Promise<string> {
  const { uuid } = await jobs.run(shell(line, rest), 0);
  await untilOutput(jobs, uuid, '\n');
  return uuid;
}

function isFrozen(uuid: string): boolean {
  const events = readFileSync(join(jobs.status().cgroup, `job-${uuid}`, 'cgroup.events'), 'utf8');
  return events.includes('frozen 1');
}

async function ticksOf(uuid: string): Promise<number[]> {
  return (await logOf(jobs, uuid)).toString().trim().split('\n').map(Number);
}

function longestGap(ticks: readonly number[]): number {
  return Math.max(...ticks.slice(1).map((tick, index) => tick - (ticks[index] ?? 0)));
}

async function* execRequests(id: string, [command = '', ...args]: readonly string[]) {
  yield { message: { case: 'start', value: { id, command, args } } } as const;
}

async function exitCodeOf(events: AsyncIterable<ExecJobResponse>): Promise<number | undefined> {
  let exitCode: number | undefined;
  for await (const { event } of events) {
    exitCode = event.case === 'ended' ? event.value.exitCode : exitCode;
  }
  return exitCode;
}

describe('a paused job', () => {
  it('stands still in every process, whatever it forked, and goes on where it was', async () => {
    const uuid = await running(`(setsid sh -c '${TICKS}' &) ; ${TICKS}`);
    expect(await jobs.pause(uuid)).toMatchObject({ status: JobStatus.PAUSED });
    expect(isFrozen(uuid)).toBe(true);
    await delay(1000);
    expect(await jobs.resume(uuid)).toMatchObject({ status: JobStatus.RUNNING });
    expect(isFrozen(uuid)).toBe(false);
    const { logBytes } = jobs.get(uuid);
    while (jobs.get(uuid).logBytes === logBytes) {
      await delay(20);
    }
    const ended = await jobs.stop(uuid, 0n);
    expect(longestGap(await ticksOf(uuid))).toBeGreaterThan(0.9);
    expect(Number(ended.usage?.pausedUs)).toBeGreaterThan(900_000);
    expect(Number(ended.usage?.pausedUs)).toBeLessThan(20_000_000);
  });

  it('does not use up its timeout', async () => {
    const uuid = await running(`echo; sleep 600`, { timeoutMs: 900n, stopGraceMs: 1n });
    await jobs.pause(uuid);
    await delay(1000);
    expect(jobs.get(uuid).status).toBe(JobStatus.PAUSED);
    await jobs.resume(uuid);
    const ended = await untilEnded(jobs, uuid);
    expect(ended.status).toBe(JobStatus.TIMEOUT);
    const [lived, paused] = [Number(ended.endedUs - ended.startedUs), Number(ended.usage?.pausedUs)];
    expect(lived - paused).toBeGreaterThan(880_000);
  });

  it('hears SIGTERM when it is stopped, since it is let go for it', async () => {
    const uuid = await running(`trap 'echo bye; exit 3' TERM; echo; while :; do sleep 0.1; done`);
    await jobs.pause(uuid);
    const ended = await jobs.stop(uuid, 10_000n);
    expect(ended).toMatchObject({ status: JobStatus.STOPPED, exitCode: 3 });
    expect((await logOf(jobs, uuid)).toString()).toContain('bye\n');
  });

  it('can be killed at once', async () => {
    const uuid = await running('echo; sleep 600');
    await jobs.pause(uuid);
    expect(await jobs.stop(uuid, 0n)).toMatchObject({ status: JobStatus.STOPPED, exitCode: 137 });
  });

  it('can’t be deleted, is paused once however often one asks, and is followed on', async () => {
    const uuid = await running('echo one; sleep 0.2; echo two');
    const log = logOf(jobs, uuid);
    await jobs.pause(uuid);
    expect(await jobs.pause(uuid)).toMatchObject({ status: JobStatus.PAUSED });
    await expect(jobs.delete(uuid)).rejects.toMatchObject({
      kind: 'conflict',
      details: { reason: 'is PAUSED' },
    });
    await jobs.resume(uuid);
    await jobs.resume(uuid).catch(() => undefined); // it may be over
    expect((await log).toString()).toBe('one\ntwo\n');
    await untilEnded(jobs, uuid);
    for (const call of [jobs.pause(uuid), jobs.resume(uuid)]) {
      await expect(call).rejects.toMatchObject({ kind: 'conflict', details: { reason: 'is COMPLETED' } });
    }
  });

  it('is found paused by the next helper, which can let it go on', async () => {
    await using helper = await RunningHelper.start();
    let client = await helper.connect();
    const { uuid: id } = await client.jobs.runJob({ spec: { command: 'sleep', args: ['600'] } });
    while ((await client.jobs.getJob({ id })).status < JobStatus.RUNNING) {
      await delay(20);
    }
    await client.jobs.pauseJob({ id });
    client.close();
    await helper.kill();
    await helper.startAgain();
    client = await helper.connect();
    expect(await client.jobs.getJob({ id })).toMatchObject({ status: JobStatus.PAUSED });
    expect(await client.jobs.resumeJob({ id })).toMatchObject({ status: JobStatus.RUNNING });
    client.close();
  });

  it('is paused by the next helper, and takes commands, although its monitor has not greeted that one yet', async () => {
    await using helper = await RunningHelper.start();
    let client = await helper.connect();
    const { uuid: id } = await client.jobs.runJob({ spec: { command: 'sleep', args: ['600'] } });
    while ((await client.jobs.getJob({ id })).status < JobStatus.RUNNING) {
      await delay(20);
    }
    client.close();
    const [monitor = 0] = monitorsWith((folder) => folder.endsWith(id));
    await helper.kill();
    process.kill(monitor, 'SIGSTOP');
    await helper.startAgain();
    client = await helper.connect();
    const executed = exitCodeOf(client.jobs.execJob(execRequests(id, ['sh', '-c', 'exit 3'])));
    const paused = client.jobs.pauseJob({ id });
    const both = Promise.allSettled([executed, paused]);
    await delay(200);
    process.kill(monitor, 'SIGCONT');
    expect(await paused).toMatchObject({ status: JobStatus.PAUSED });
    await client.jobs.resumeJob({ id });
    expect(await executed).toBe(3);
    await both;
    client.close();
  });
});
