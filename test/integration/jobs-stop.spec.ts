import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobStatus, LogStream } from '../../native-helper/api/gen/joblet_pb.js';
import {
  logOf,
  runToEnd,
  type Service,
  shell,
  specOf,
  temporaryService,
  untilEnded,
  untilOutput,
  untilState,
} from '../fixtures/job-service.ts';

let service: Service;

beforeAll(async () => {
  service = await temporaryService({ jobs: { concurrent_starts: 1 } });
});
afterAll(async () => service[Symbol.asyncDispose]());

function cgroupOf(uuid: string): string {
  return join(service.jobs.status().cgroup, `job-${uuid}`);
}

describe('stop', () => {
  it('lets a job end by itself within its grace', async () => {
    const { jobs } = service;
    const line = 'trap "echo goodbye; exit 3" TERM; echo ready; while :; do sleep 0.05; done';
    const { uuid } = await jobs.run(shell(line), 0);
    await untilOutput(jobs, uuid, 'ready');
    expect(await jobs.stop(uuid, 5000n)).toMatchObject({ status: JobStatus.STOPPED, exitCode: 3 });
    expect((await logOf(jobs, uuid, LogStream.STDOUT)).toString()).toBe('ready\ngoodbye\n');
  });

  it('ends what has forked twice, left its session and ignores every signal', async () => {
    const { jobs } = service;
    const stubborn = `trap "" TERM HUP INT; (setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' &) ; echo ready; while :; do sleep 1; done`;
    const { uuid } = await jobs.run(shell(stubborn), 0);
    await untilOutput(jobs, uuid, 'ready');
    const processes = readFileSync(join(cgroupOf(uuid), 'cgroup.procs'), 'utf8')
      .trim()
      .split('\n');
    expect(processes.length).toBeGreaterThanOrEqual(3);
    expect(await jobs.stop(uuid, 100n)).toMatchObject({
      status: JobStatus.STOPPED,
      exitCode: 137,
      signal: 9,
    });
    expect(existsSync(cgroupOf(uuid))).toBe(false);
    expect(processes.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  });

  it('holds nothing for a caller that has left, and is under way', async () => {
    const { jobs } = service;
    const { uuid } = await jobs.run(shell('trap "" TERM; echo ready; while :; do sleep 0.05; done'), 0);
    await untilOutput(jobs, uuid, 'ready');
    const leaving = new AbortController();
    const left = jobs.stop(uuid, 31_536_000_000n, leaving.signal);
    const other = jobs.stop(uuid, 2000n);
    leaving.abort(new Error('has left'));
    await expect(left).rejects.toThrow('has left');
    await expect(jobs.stop(uuid, 1000n, leaving.signal)).rejects.toThrow('has left');
    expect(await other).toMatchObject({ status: JobStatus.STOPPED, exitCode: 137 });
  });

  it('gives no job more than its own time, however long the grace', async () => {
    const { jobs } = service;
    const line = 'trap "" TERM; echo ready; while :; do sleep 0.05; done';
    const { uuid } = await jobs.run(shell(line, { timeoutMs: 1500n }), 0);
    await untilOutput(jobs, uuid, 'ready');
    const { startedUs, endedUs } = await jobs.stop(uuid, 60_000n);
    expect(Number(endedUs - startedUs)).toBeLessThan(4_000_000);
  });

  it('ends a job whose monitor does not', async () => {
    const { jobs } = service;
    const { uuid } = await jobs.run(shell('echo ready; sleep 100'), 0);
    await untilOutput(jobs, uuid, 'ready');
    const init = Number(readFileSync(join(cgroupOf(uuid), 'cgroup.procs'), 'utf8').split('\n', 1)[0]);
    const monitor = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${init}/status`, 'utf8'))?.[1]);
    process.kill(monitor, 'SIGSTOP');
    try {
      await expect(jobs.stop(uuid, 0n)).rejects.toThrow(/every process of the job was killed.*ss -xlp src/);
      expect(readFileSync(join(cgroupOf(uuid), 'cgroup.events'), 'utf8')).toContain('populated 0');
    } finally {
      process.kill(monitor, 'SIGCONT');
    }
    expect(await untilEnded(jobs, uuid)).toMatchObject({ status: JobStatus.STOPPED, signal: 9 });
  });

  it('can be asked for again, by several at once, and after the end', async () => {
    const { jobs } = service;
    const { uuid } = await jobs.run(specOf('sleep', ['100']), 0);
    const answers = await Promise.all([jobs.stop(uuid, 0n), jobs.stop(uuid, 1000n), jobs.stop(uuid)]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([JobStatus.STOPPED]));
    expect(await jobs.stop(uuid)).toMatchObject({ status: JobStatus.STOPPED });
    const ended = await runToEnd(jobs, specOf('true'));
    expect(await jobs.stop(ended.uuid)).toMatchObject({ status: JobStatus.COMPLETED });
  });

  it('works before a job has started, and while it waits for its start', async () => {
    const { jobs } = service;
    const started = await Promise.all([1, 2, 3, 4].map(() => jobs.run(specOf('sleep', ['100']), 0)));
    expect(started.map(({ status }) => status)).toContain(JobStatus.QUEUED);
    const waiting = started.find(({ status }) => status === JobStatus.QUEUED);
    expect(waiting?.waitingFor).toMatch(
      /^one of 1 places for jobs that are being started; \d jobs? (is|are) before it$/,
    );
    const stopped = await Promise.all(started.map(({ uuid }) => jobs.stop(uuid, 0n)));
    expect(stopped.map(({ status }) => status)).toEqual(started.map(() => JobStatus.STOPPED));
    expect(stopped.map(({ uuid }) => existsSync(cgroupOf(uuid)))).toEqual(started.map(() => false));
  });
});

describe('delete', () => {
  it('is refused while a job lives', async () => {
    const { jobs } = service;
    const { uuid } = await jobs.run(specOf('sleep', ['100']), 0);
    await expect(jobs.delete(uuid)).rejects.toMatchObject({ kind: 'conflict' });
    await jobs.stop(uuid, 0n);
    expect(await jobs.delete(uuid)).toBe(uuid);
  });

  it('removes what a hostile job has left in its folder', async () => {
    const { jobs, paths } = service;
    const line = `ln -s /etc etc; mkdir -p locked/inner; touch locked/inner/x; chmod 000 locked; printf x > "$(printf '\\377\\n')"; i=0; while [ $i -lt 1200 ]; do mkdir d && cd d || exit 1; i=$((i+1)); done`;
    const job = await runToEnd(jobs, shell(line));
    expect(job).toMatchObject({ status: JobStatus.COMPLETED });
    await jobs.delete(job.uuid);
    expect(existsSync(join(paths.jobsDirectory, job.uuid))).toBe(false);
    expect(existsSync('/etc/passwd')).toBe(true);
    expect(() => jobs.get(job.uuid)).toThrow(/no such job/);
  });

  it('of all leaves those that live', async () => {
    const { jobs, paths } = service;
    await runToEnd(jobs, specOf('true'));
    const { uuid } = await jobs.run(specOf('sleep', ['100']), 0);
    await untilState(jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    const { deleted, skippedRunning } = await jobs.deleteAll();
    expect(deleted).toBeGreaterThan(0);
    expect(skippedRunning).toBe(1);
    expect(readdirSync(paths.jobsDirectory)).toEqual([uuid]);
    await jobs.stop(uuid, 0n);
  });
});
