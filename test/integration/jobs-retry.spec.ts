import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Job, JobStatus, ListJobsRequestSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import type { JobManager } from '../../native-helper/server/jobs/job-manager.ts';
import {
  closeJobService,
  logOf,
  openJobService,
  shell,
  specOf,
  untilEnded,
  untilState,
} from '../fixtures/job-service.ts';
import { temporaryRoot } from '../fixtures/root.ts';

const KILL_AT_STEP = fileURLToPath(new URL('../fixtures/kill-at-any-step.ts', import.meta.url));
const PROCESS = fileURLToPath(new URL('../fixtures/retry-process.ts', import.meta.url));
const STRIDE = 11;

/** Fails until its file has so many lines. */
const FAIL_TWICE =
  'echo x >>tries; n=$(wc -l <tries); echo "try $n"; echo "error $n" >&2; [ "$n" -ge 3 ] || exit $n';

let root: string;
let jobs: JobManager;

beforeEach(async () => {
  root = temporaryRoot();
  jobs = await openJobService(root);
});
afterEach(async () => {
  await closeJobService(jobs);
  rmSync(root, { recursive: true });
});

const isWaiting = ({ status }: Job) => status === JobStatus.SCHEDULED;

/** @returns what it had said by then */
async function killedAtStep(step: number): Promise<string> {
  const service = spawn(process.execPath, ['--import', KILL_AT_STEP, PROCESS, root, FAIL_TWICE, '50'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, KILL_AT_STEP: String(step) },
  });
  const ended = once(service, 'exit');
  const told = await text(service.stdout);
  const [code, signal] = await ended;
  expect(signal ?? code).toBe(told.endsWith('ended\n') ? 0 : 'SIGKILL');
  return told;
}

describe('a job that may be tried again', () => {
  it('is, in the same /work, until it completes; its log is one, and each attempt is known', async () => {
    const { uuid } = await jobs.run(shell(FAIL_TWICE, { retry: { attempts: 5 } }), 0);
    const job = await untilEnded(jobs, uuid);
    expect(job).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0 });
    expect(job.attempts).toMatchObject([
      { status: JobStatus.FAILED, exitCode: 1 },
      { status: JobStatus.FAILED, exitCode: 2 },
    ]);
    const log = (await logOf(jobs, uuid)).toString();
    expect(log.split('\n').toSorted().filter(Boolean)).toEqual([
      ...['error 1', 'error 2', 'error 3'],
      ...['try 1', 'try 2', 'try 3'],
    ]);
    const [first, second] = job.attempts;
    expect(log.slice(0, Number(first?.logEnd))).toMatch(/1\n$/);
    expect(log.slice(Number(first?.logEnd), Number(second?.logEnd))).not.toMatch(/[13]/);
    expect(log.slice(Number(second?.logEnd))).toMatch(/3\n$/);
    expect(first?.endedUs).toBeLessThanOrEqual(second?.startedUs ?? 0n);
    expect(second?.endedUs).toBeLessThanOrEqual(job.startedUs);
  });

  it('ends as its last attempt does when all have failed', async () => {
    const { uuid } = await jobs.run(shell('exit 4', { retry: { attempts: 2 } }), 0);
    const job = await untilEnded(jobs, uuid);
    expect(job).toMatchObject({ status: JobStatus.FAILED, exitCode: 4, attempts: { length: 2 } });
  });

  it.each([
    ['a signal', 'kill -SEGV $$', {}, { status: JobStatus.FAILED, exitCode: 139, signal: 11 }],
    ['its timeout', 'sleep 60', { timeoutMs: 200n }, { status: JobStatus.TIMEOUT, exitCode: 124 }],
  ])('is tried again after %s', async (_, line, rest, attempt) => {
    const again = `[ -e tried ] && exit 0; touch tried; ${line}`;
    const { uuid } = await jobs.run(shell(again, { ...rest, retry: { attempts: 1 } }), 0);
    expect(await untilEnded(jobs, uuid)).toMatchObject({ status: JobStatus.COMPLETED, attempts: [attempt] });
  });

  it.each([
    ['it was not found', specOf('no-such-program', [], { retry: { attempts: 3 } }), 127],
    ['it may not work there', specOf('true', [], { workDir: '/nowhere', retry: { attempts: 3 } }), 125],
    ['it completed', specOf('true', [], { retry: { attempts: 3 } }), 0],
  ])('is not when %s', async (_, spec, exitCode) => {
    const { uuid } = await jobs.run(spec, 0);
    expect(await untilEnded(jobs, uuid)).toMatchObject({ exitCode, attempts: [] });
  });

  it('is not when it was stopped, or while it waits is stopped or canceled', async () => {
    const retry = { attempts: 3, delayMs: 3_600_000n };
    const running = await jobs.run(shell('trap "exit 9" TERM; sleep 60 & wait', { retry }), 0);
    await untilState(jobs, running.uuid, ({ status }) => status === JobStatus.RUNNING);
    expect(await jobs.stop(running.uuid)).toMatchObject({ status: JobStatus.STOPPED, attempts: [] });
    const [one, other] = await Promise.all([0, 1].map(() => jobs.run(shell('exit 1', { retry }), 0)));
    const waiting = await untilState(jobs, one?.uuid ?? '', isWaiting);
    expect(waiting).toMatchObject({ startedUs: 0n, attempts: [{ exitCode: 1 }] });
    expect(waiting.exitCode).toBeUndefined();
    expect(waiting.waitingFor).toMatch(/^attempt 2 of 4 at \d/);
    expect(await jobs.stop(waiting.uuid)).toMatchObject({ status: JobStatus.STOPPED });
    await untilState(jobs, other?.uuid ?? '', isWaiting);
    expect(await jobs.cancel(other?.uuid ?? '')).toMatchObject({ status: JobStatus.CANCELED });
  });

  it('waits longer each time when that is asked for', async () => {
    const retry = { attempts: 2, delayMs: 150n, backoff: 3 };
    const { uuid } = await jobs.run(shell('exit 1', { retry }), 0);
    const job = await untilEnded(jobs, uuid);
    const [first, second] = job.attempts;
    const waits = [
      (second?.startedUs ?? 0n) - (first?.endedUs ?? 0n),
      job.startedUs - (second?.endedUs ?? 0n),
    ];
    expect(waits[0]).toBeGreaterThanOrEqual(150_000n);
    expect(waits[1]).toBeGreaterThanOrEqual(450_000n);
  });

  it('has its secrets each time; after a restart of the helper it is not tried again, and says so', async () => {
    const retry = { attempts: 5 };
    const secretEnvironment = { PIN: 'swordfish' };
    const { uuid } = await jobs.run(
      shell('[ -e tried ] || { touch tried; exit 1; }; echo $PIN', { retry, secretEnvironment }),
      0,
    );
    expect(await untilEnded(jobs, uuid)).toMatchObject({ status: JobStatus.COMPLETED });
    expect((await logOf(jobs, uuid)).toString()).toBe('swordfish\n');
    const again = await jobs.run(shell('sleep 0.5; exit 6', { retry, secretEnvironment }), 0);
    await untilState(jobs, again.uuid, ({ status }) => status === JobStatus.RUNNING);
    await jobs.close();
    jobs = await openJobService(root);
    const job = await untilEnded(jobs, again.uuid);
    expect(job).toMatchObject({ status: JobStatus.FAILED, exitCode: 6, failure: { layer: 'secrets' } });
  });

  it('is by the next helper: one that failed while no helper was there, and one that waited', async () => {
    const once = '[ -e tried ] && exit 0; touch tried; sleep 0.4; exit 1';
    const unseen = await jobs.run(shell(once, { retry: { attempts: 1 } }), 0);
    const waits = await jobs.run(
      shell('[ -e tried ] && exit 0; touch tried; exit 1', { retry: { attempts: 1, delayMs: 3_600_000n } }),
      0,
    );
    await untilState(jobs, waits.uuid, isWaiting);
    await jobs.close();
    await new Promise((resolve) => setTimeout(resolve, 700));
    const database = new DatabaseSync(pathsUnder(root).database);
    database.prepare('UPDATE job SET due_us = 1 WHERE uuid = ?').run(waits.uuid);
    database.close();
    jobs = await openJobService(root);
    for (const { uuid } of [unseen, waits]) {
      expect(await untilEnded(jobs, uuid)).toMatchObject({
        status: JobStatus.COMPLETED,
        attempts: [{ exitCode: 1 }],
      });
    }
  });

  it('has each of its attempts once, whenever the helper is killed', async () => {
    await closeJobService(jobs);
    let told = '';
    // Not all of them each time: some other ones.
    for (let step = 1 + Math.floor(Math.random() * STRIDE); !told.endsWith('ended\n'); step += STRIDE) {
      told = await killedAtStep(step);
      jobs = await openJobService(root);
      const [job] = jobs.list(create(ListJobsRequestSchema, {})).jobs;
      expect(job !== undefined || told === '', `step ${step}`).toBe(true);
      if (job !== undefined) {
        const { status, attempts } = await untilEnded(jobs, job.uuid);
        const log = (await logOf(jobs, job.uuid)).toString();
        const tries = log.split('\n').filter((line) => line.startsWith('try'));
        expect({ step, status, tries, codes: attempts.map(({ exitCode }) => exitCode) }).toEqual({
          step,
          status: JobStatus.COMPLETED,
          tries: ['try 1', 'try 2', 'try 3'],
          codes: [1, 2],
        });
        await jobs.delete(job.uuid);
      }
      await closeJobService(jobs);
    }
    jobs = await openJobService(root);
  });

  it('is LOST with its monitor, since it may have done its work', async () => {
    const { uuid } = await jobs.run(shell('echo ready; sleep 60', { retry: { attempts: 3 } }), 0);
    await untilState(jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    const { monitorsWith } = await import('../fixtures/monitors.ts');
    const [monitor] = monitorsWith((job) => job.endsWith(uuid));
    process.kill(Number(monitor), 'SIGKILL');
    expect(await untilEnded(jobs, uuid)).toMatchObject({ status: JobStatus.LOST, attempts: [] });
  });
});
