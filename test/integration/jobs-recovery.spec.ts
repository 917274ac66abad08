import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  FailureSchema,
  GetLogsRequestSchema,
  JobSpecSchema,
  JobStatus,
  ListJobsRequestSchema,
} from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import type { JobManager } from '../../native-helper/server/jobs/job-manager.ts';
import {
  closeJobService,
  logOf,
  openJobService,
  shell,
  specOf,
  untilEnded,
  untilOutput,
  untilState,
} from '../fixtures/job-service.ts';
import { monitorsWith } from '../fixtures/monitors.ts';
import { temporaryRoot } from '../fixtures/root.ts';

const KILL_AT_STEP = fileURLToPath(new URL('../fixtures/kill-at-step.ts', import.meta.url));
const PROCESS = fileURLToPath(new URL('../fixtures/job-service-process.ts', import.meta.url));

let root: string;
let jobs: JobManager | undefined;

beforeEach(() => {
  root = temporaryRoot();
});
afterEach(async () => {
  if (jobs !== undefined) {
    await closeJobService(jobs);
  }
  jobs = undefined;
  rmSync(root, { recursive: true });
});

async function open(): Promise<JobManager> {
  jobs = await openJobService(root);
  return jobs;
}

/** A service that runs one job and is killed when it has passed on so many bytes of its log. */
async function killedService(line: string, bytes: number): Promise<{ uuid: string; received: Buffer }> {
  const service = spawn(process.execPath, [PROCESS, root, line], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors = text(service.stderr);
  let output = Buffer.alloc(0);
  for await (const data of service.stdout) {
    output = Buffer.concat([output, data]);
    if (output.length >= 37 + bytes) {
      await killed(service);
    }
  }
  expect(await errors).toBe('');
  return { uuid: output.toString('latin1', 0, 36), received: output.subarray(37) };
}

async function killed(service: ChildProcess): Promise<void> {
  service.kill('SIGKILL');
  if (service.exitCode === null && service.signalCode === null) {
    await new Promise((resolve) => service.once('exit', resolve));
  }
}

function monitorOf(uuid: string): number {
  const folder = join(pathsUnder(root).jobsDirectory, uuid);
  const [pid] = monitorsWith((jobFolder) => jobFolder === folder);
  expect(pid).toBeDefined();
  return Number(pid);
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/** As if the helper had been killed when it had come so far with a job. */
function setBack(status: JobStatus, uuid: string): void {
  const database = new DatabaseSync(pathsUnder(root).database);
  database
    .prepare('UPDATE job SET status = ?, exit_code = NULL, started_us = 0, ended_us = 0 WHERE uuid = ?')
    .run(status, uuid);
  database.close();
  rmSync(join(pathsUnder(root).jobsDirectory, uuid), { recursive: true });
}

describe('a helper that is started again', () => {
  it('goes on streaming where the killed one stopped', async () => {
    const line =
      'i=0; while [ $i -lt 400 ]; do echo line $i; echo error $i >&2; i=$((i+1)); sleep 0.005; done';
    const { uuid, received } = await killedService(line, 1000);
    const again = await open();
    const request = create(GetLogsRequestSchema, { id: uuid, follow: true, offset: BigInt(received.length) });
    const rest: Uint8Array[] = [];
    for await (const { data } of again.logs(request, new AbortController().signal)) {
      rest.push(data);
    }
    const all = Buffer.concat([received, ...rest])
      .toString()
      .split('\n');
    const numbers = Array.from({ length: 400 }, (_, number) => number);
    expect(all.filter((entry) => entry.startsWith('line'))).toEqual(
      numbers.map((number) => `line ${number}`),
    );
    expect(all.filter((entry) => entry.startsWith('error'))).toEqual(
      numbers.map((number) => `error ${number}`),
    );
    expect(again.get(uuid)).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0 });
  });

  it('can stop a job that it has adopted', async () => {
    const { uuid } = await killedService('echo ready; sleep 100', 6);
    const again = await open();
    expect(again.get(uuid)).toMatchObject({ status: JobStatus.RUNNING });
    expect(await again.stop(uuid, 0n)).toMatchObject({ status: JobStatus.STOPPED });
  });

  it('learns of an end that no helper saw', async () => {
    const { uuid } = await killedService('echo ready; sleep 0.3; echo done; exit 5', 6);
    const record = join(pathsUnder(root).jobsDirectory, uuid, 'exit.json');
    while (!existsSync(record)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const again = await open();
    expect(again.get(uuid)).toMatchObject({ status: JobStatus.FAILED, exitCode: 5 });
    expect((await logOf(again, uuid)).toString()).toBe('ready\ndone\n');
  });

  it('says that a job is lost whose monitor was killed with it', async () => {
    const { uuid } = await killedService('echo ready; sleep 100', 6);
    process.kill(monitorOf(uuid), 'SIGKILL');
    const again = await open();
    const job = again.get(uuid);
    expect(job.status).toBe(JobStatus.LOST);
    expect(job.failure).toMatchObject({ layer: 'monitor' });
    expectNothingLeft(again, uuid);
  });

  it.each([1, 2, 3, 4, 5, 6])('runs a job once that was accepted by one killed at step %s', async (step) => {
    const service = spawn(process.execPath, ['--import', KILL_AT_STEP, PROCESS, root, 'echo once'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, KILL_AT_STEP: String(step) },
    });
    const output = await text(service.stdout);
    expect(service.signalCode ?? (await once(service, 'exit'))[1]).toBe('SIGKILL');
    await delay(200); // for a monitor, where there is one, to run the job
    const { jobsDirectory } = pathsUnder(root);
    const logs = () => readdirSync(jobsDirectory).map((uuid) => inodeOf(join(jobsDirectory, uuid, 'log')));
    const before = logs().filter((inode) => inode !== undefined);
    const again = await open();
    const [accepted] = again.list(create(ListJobsRequestSchema)).jobs;
    const uuid = accepted?.uuid ?? '';
    expect(output).toBe(`${uuid}\n`);
    expect(await untilEnded(again, uuid)).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0 });
    expect((await logOf(again, uuid)).toString()).toBe('once\n');
    expect(logs()).toEqual(before.length > 0 ? before : [expect.any(Number)]);
  });

  it('starts what only waited, and not what waited with secrets', async () => {
    const first = await open();
    const plain = await first.run(specOf('echo', ['at last']), 0);
    await untilEnded(first, plain.uuid);
    const secret = await first.run(specOf('true', [], { secretEnvironment: { A_KEY: 'x' } }), 0);
    await untilEnded(first, secret.uuid);
    await closeJobService(first);
    // As if the helper had been killed while both still waited for a place.
    const database = new DatabaseSync(pathsUnder(root).database);
    database.exec(
      `UPDATE job SET status = ${JobStatus.QUEUED}, exit_code = NULL, started_us = 0, ended_us = 0`,
    );
    database.close();
    for (const { uuid } of [plain, secret]) {
      rmSync(join(pathsUnder(root).jobsDirectory, uuid), { recursive: true });
    }
    const again = await open();
    expect(await untilEnded(again, plain.uuid)).toMatchObject({ status: JobStatus.COMPLETED });
    expect((await logOf(again, plain.uuid)).toString()).toBe('at last\n');
    const refused = again.get(secret.uuid);
    expect(refused).toMatchObject({ status: JobStatus.FAILED, exitCode: 125 });
    expect(refused.failure?.cause).toContain('secret values are never stored');
  });

  it('starts no job again that was half started when the machine was started again', async () => {
    const first = await open();
    const half = await first.run(specOf('echo', ['never again']), 0);
    const waited = await first.run(specOf('echo', ['at last']), 0);
    await Promise.all([untilEnded(first, half.uuid), untilEnded(first, waited.uuid)]);
    await closeJobService(first);
    setBack(JobStatus.INITIALIZING, half.uuid);
    setBack(JobStatus.QUEUED, waited.uuid);
    writeFileSync(pathsUnder(root).boot, '00000000-0000-4000-8000-000000000000\n');
    const second = await open();
    expect(await untilEnded(second, waited.uuid)).toMatchObject({ status: JobStatus.COMPLETED });
    expect((await logOf(second, waited.uuid)).toString()).toBe('at last\n');
    expect(second.get(half.uuid)).toMatchObject({ status: JobStatus.LOST });
    await closeJobService(second);
    // In the boot that it was started in at last, however long before it was accepted.
    setBack(JobStatus.INITIALIZING, waited.uuid);
    expect(await untilEnded(await open(), waited.uuid)).toMatchObject({ status: JobStatus.COMPLETED });
  });

  it('starts a job again whose monitor was not made yet, or had made nothing yet, and no other', async () => {
    const first = await open();
    const run = async (words: string) => (await first.run(specOf('echo', [words]), 0)).uuid;
    const made = { nothing: await run('a'), cgroup: await run('b'), record: await run('c') };
    await Promise.all(Object.values(made).map((uuid) => untilEnded(first, uuid)));
    const { cgroup } = first.status();
    await closeJobService(first);
    // As if helper and monitors had been killed on their way up.
    const database = new DatabaseSync(pathsUnder(root).database);
    database.exec(
      `UPDATE job SET status = ${JobStatus.INITIALIZING}, exit_code = NULL, started_us = 0, ended_us = 0`,
    );
    database.close();
    for (const uuid of Object.values(made)) {
      const folder = join(pathsUnder(root).jobsDirectory, uuid);
      rmSync(folder, { recursive: true });
      mkdirSync(join(folder, 'work'), { recursive: true });
    }
    mkdirSync(join(cgroup, `job-${made.cgroup}`), { recursive: true });
    writeFileSync(join(pathsUnder(root).jobsDirectory, made.record, 'exit.json.new'), '');
    const again = await open();
    for (const uuid of [made.nothing, made.cgroup]) {
      expect(await untilEnded(again, uuid)).toMatchObject({ status: JobStatus.COMPLETED });
    }
    expect((await logOf(again, made.cgroup)).toString()).toBe('b\n');
    expect(again.get(made.record)).toMatchObject({ status: JobStatus.LOST });
  });

  it.each([
    ['that it would not take today', toBinary(JobSpecSchema, specOf('x', ['\0'])), { object: 'args.0' }],
    ['whose row is damaged', Buffer.from([0x12, 0x20, 0x0a]), { layer: 'state', operation: 'read' }],
  ])('goes on with all others when one waited %s', async (_, spec, failure) => {
    const first = await open();
    const odd = await first.run(specOf('true'), 0);
    await untilEnded(first, odd.uuid);
    const running = await first.run(specOf('sleep', ['60']), 0);
    await untilState(first, running.uuid, ({ status }) => status === JobStatus.RUNNING);
    await first.close();
    jobs = undefined;
    const database = new DatabaseSync(pathsUnder(root).database);
    database
      .prepare(
        `UPDATE job SET status = ${JobStatus.QUEUED}, exit_code = NULL, ended_us = 0, spec = ? WHERE uuid = ?`,
      )
      .run(spec, odd.uuid);
    database.close();
    const again = await open();
    expect(await again.stop(running.uuid, 0n)).toMatchObject({ status: JobStatus.STOPPED });
    await closeJobService(again);
    jobs = undefined;
    const after = new DatabaseSync(pathsUnder(root).database);
    const row = after.prepare('SELECT status, exit_code, failure FROM job WHERE uuid = ?').get(odd.uuid);
    after.close();
    expect(row).toMatchObject({ status: JobStatus.FAILED, exit_code: 125 });
    expect(fromBinary(FailureSchema, row?.failure as Uint8Array)).toMatchObject(failure);
  });

  it('removes what belongs to no job', async () => {
    const first = await open();
    const { cgroup } = first.status();
    await closeJobService(first);
    const paths = pathsUnder(root);
    const uuid = 'dddddddd-dddd-4ddd-8ddd-dddddddddddd';
    mkdirSync(join(paths.jobsDirectory, uuid, 'work'), { recursive: true });
    mkdirSync(join(cgroup, `job-${uuid}`), { recursive: true });
    writeFileSync(join(paths.monitorsDirectory, uuid), '');
    expectNothingLeft(await open(), uuid);
    await expect.poll(() => existsSync(join(paths.jobsDirectory, uuid))).toBe(false);
  });

  it('serves while it removes the folders of no job, and leaves the rest of them when it is closed', async () => {
    const first = await open();
    const { uuid } = await first.run(shell('touch $(seq 500)'), 0);
    await untilEnded(first, uuid);
    await closeJobService(first);
    const { jobsDirectory } = pathsUnder(root);
    const leftover = join(jobsDirectory, 'dddddddd-dddd-4ddd-8ddd-dddddddddddd');
    for (const work of ['work', 'work/inner']) {
      mkdirSync(join(leftover, work), { recursive: true });
      // Far more than are removed while a disk is slow to take the end of the other one.
      for (let file = 0; file < 4000; file += 1) {
        writeFileSync(join(leftover, work, String(file)), '');
      }
    }
    const again = await open();
    expect(existsSync(leftover)).toBe(true);
    await again.delete(uuid);
    expect(readdirSync(jobsDirectory)).toEqual([basename(leftover)]);
    await closeJobService(again);
    const left = readdirSync(leftover, { recursive: true }).length;
    expect(left).toBeGreaterThan(0);
    await delay(200);
    expect(readdirSync(leftover, { recursive: true })).toHaveLength(left);
    await open();
    await expect.poll(() => readdirSync(jobsDirectory), { timeout: 20_000 }).toEqual([]);
    expect(readFileSync(join(root, 'service.log'), 'utf8')).not.toContain(uuid);
  });
});

describe('a job whose monitor is killed', () => {
  it('is LOST, with words, and nothing of it goes on', async () => {
    const service = await open();
    const line = '(setsid sleep 1000 &); echo ready; sleep 1000';
    const { uuid } = await service.run(shell(line), 0);
    await untilOutput(service, uuid, 'ready');
    const processes = readFileSync(join(service.status().cgroup, `job-${uuid}`, 'cgroup.procs'), 'utf8');
    process.kill(monitorOf(uuid), 'SIGKILL');
    const job = await untilState(service, uuid, ({ status }) => status === JobStatus.LOST);
    expect(job.failure?.cause).not.toBe('');
    expect(job.failure?.mend).not.toBe('');
    expectNothingLeft(service, uuid);
    await expect.poll(() => processes.trim().split('\n').filter(isAlive)).toEqual([]);
    expect((await logOf(service, uuid)).toString()).toBe('ready\n');
  });

  it('leaves no socket when it had told the end already', async () => {
    const service = await open();
    for (let round = 0; round < 10; round += 1) {
      const { uuid } = await service.run(shell('echo ready; sleep 0.5; exit 3'), 0);
      await untilOutput(service, uuid, 'ready');
      const monitor = monitorOf(uuid);
      // It has said `exited`, and now syncs its record before it takes its socket away.
      await untilEnded(service, uuid);
      killIfAlive(monitor);
    }
    await expect.poll(() => readdirSync(pathsUnder(root).monitorsDirectory)).toEqual([]);
  });
});

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    expect(error).toMatchObject({ code: 'ESRCH' });
  }
}

/**
 * A process leaves its cgroup a moment before it is dead; then, its parent being killed, it waits
 * for the machine's own init to take it away.
 */
function isAlive(pid: string): boolean {
  try {
    return !/^State:\sZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function expectNothingLeft(service: JobManager, uuid: string): void {
  expect(existsSync(join(service.status().cgroup, `job-${uuid}`))).toBe(false);
  expect(existsSync(join(pathsUnder(root).monitorsDirectory, uuid))).toBe(false);
}
