/** Whole jobs through an executor in which every access to memory and every computation is watched. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Plan } from '../../native-helper/server/plan/plan.ts';
import { ExecutorJob, type ExecutorJobOptions } from '../fixtures/executor.ts';
import { SmallDisk } from '../fixtures/small-disk.ts';

const SOURCES = join(import.meta.dirname, '../../native-helper/executor');
const BUILD_ID = 'ab'.repeat(32);
/** Leaks don't matter to a process of one job, and to find them the sanitizer would have to trace it. */
const ENVIRONMENT = ['ASAN_OPTIONS=detect_leaks=0', 'UBSAN_OPTIONS=print_stacktrace=1'];

const folder = mkdtempSync(join(tmpdir(), 'joblet-sanitizers-'));
let watched: ExecutorJobOptions;

beforeAll(() => {
  const path = join(folder, 'executor');
  execFileSync('gcc', [
    ...['-std=gnu17', '-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
    ...['-static-libasan', '-static-libubsan', `-DJOBLET_BUILD_ID="${BUILD_ID}"`, '-o', path],
    ...readdirSync(SOURCES)
      .filter((name) => name.endsWith('.c'))
      .map((name) => join(SOURCES, name)),
  ]);
  watched = {
    build: { assets: { buildId: BUILD_ID, executor: readFileSync(path) }, environment: ENVIRONMENT },
  };
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ['ends by itself', ['sh', '-c', 'echo out; exit 7'], { ran: true, exit_code: 7 }],
  ['floods', ['head', '-c', '20000000', '/dev/zero'], { ran: true, exit_code: 0, log_bytes: 20_000_000 }],
  ['is not there', ['no-such-program'], { ran: false, exit_code: 127 }],
  ['kills itself', ['sh', '-c', 'kill -9 $$'], { ran: true, signal: 9 }],
])('a command that %s', async (_title, command, record) => {
  await using job = new ExecutorJob(command, watched);
  expect(await job.record()).toMatchObject(record);
  expect(job.errors).toBe('');
});

test('a job whose disk is full, then frees room, and whose room in memory is too little', async () => {
  using disk = new SmallDisk('ext4');
  const root = join(disk.path, 'root');
  mkdirSync(root);
  const script =
    'until [ -e go ]; do sleep 0.01; done; seq 500000; touch done; until [ -e end ]; do sleep 0.01; done';
  await using job = await new ExecutorJob(['sh', '-c', script], {
    ...watched,
    root,
    logRoom: { memoryBytes: 2n ** 20n },
  }).running();
  const free = disk.fill();
  const work = join(job.folder, 'work');
  writeFileSync(join(work, 'go'), '');
  await job.until(() => existsSync(join(work, 'done')), 'the end of what it prints');
  free();
  writeFileSync(join(work, 'end'), '');
  const { log_bytes, log_lost } = await job.record();
  expect(log_lost?.bytes).toBeGreaterThan(0);
  expect(log_bytes + (log_lost?.bytes ?? 0)).toBe(3_388_895);
  expect(job.errors).toBe('');
});

test('a job that is stopped', async () => {
  await using job = await new ExecutorJob(['sh', '-c', "trap '' TERM; sleep 60"], watched).running();
  job.control.write('stop 100\n');
  expect(await job.record()).toMatchObject({ ended_by: 'stop' });
  expect(job.errors).toBe('');
});

test('plans that are broken at each of their words', async () => {
  const edit = (plan: Plan): Plan => ({ ...plan, mounts: [plan.mounts[0]], environment: [] });
  for (let offset = 0; offset < 400; offset += 12) {
    const editBytes = (plan: Buffer): Buffer => {
      plan.writeUInt32LE(0x7fff_fff0, offset);
      return plan;
    };
    await using job = new ExecutorJob(['true'], { ...watched, edit, editBytes });
    await job.ended();
    expect(job.errors + (job.exit?.error?.message ?? ''), `word at ${offset}`).not.toMatch(
      /Sanitizer|runtime error/,
    );
  }
});
