/** What a monitor does with output that the disk of the log does not take: docs/monitor-protocol.md, ADR-005. */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogOverflow } from '../../native-helper/api/gen/joblet_pb.js';
import { LogIndex, type LogNote, type LogRecord } from '../../native-helper/server/logs/log-index.ts';
import { openSpill } from '../../native-helper/server/logs/log-room.ts';
import { ExecutorJob, type ExecutorJobOptions } from '../fixtures/executor.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { SmallDisk } from '../fixtures/small-disk.ts';

const MIB = 2 ** 20;
const ENOSPC = 28;
const LITTLE_MEMORY = { memoryBytes: BigInt(MIB) };

let disk: SmallDisk;

beforeEach(() => {
  disk = new SmallDisk('ext4');
});
afterEach(() => disk[Symbol.dispose]());

/** Its folder lies on the disk that is to be filled. It waits for `go`, and when it has printed all it makes `done`, both in its /work. */
function jobOnDisk(program: string, options: ExecutorJobOptions = {}): Promise<ExecutorJob> {
  const root = join(disk.path, 'root');
  mkdirSync(root);
  const wait = 'sub wait_for { select undef, undef, undef, 0.01 while !-e $_[0] }';
  const script = `${wait} wait_for "go"; ${program}; $| = 1; open my $done, ">", "done"; wait_for "end"`;
  return new ExecutorJob(['perl', '-e', script], { ...options, root }).running();
}

/** An empty file finds room on a full disk too. */
const touch = (job: ExecutorJob, name: string): void =>
  closeSync(openSync(join(job.folder, 'work', name), 'w'));
const exists = (job: ExecutorJob, name: string): boolean => {
  try {
    closeSync(openSync(join(job.folder, 'work', name), 'r'));
    return true;
  } catch {
    return false;
  }
};

const line = (number: number): string => `line ${String(number).padStart(8, '0')}\n`;
const linesTo = (count: number): string =>
  Array.from({ length: count }, (_, number) => line(number)).join('');
const printer = (count: number): string => `for my $n (0 .. ${count - 1}) { printf "line %08d\\n", $n }`;

async function recordsOf(job: ExecutorJob): Promise<LogRecord[]> {
  const path = join(job.folder, 'log.index');
  await using file = await open(path);
  const index = new LogIndex(file, path);
  return await index.read(0, await index.count());
}

const notesOf = async (job: ExecutorJob): Promise<LogNote[]> =>
  (await recordsOf(job)).flatMap(({ note }) => note ?? []);
const sampledIn = (notes: readonly LogNote[]) =>
  notes.flatMap((note) => (note.kind === 'sampled' ? [note] : []));
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const statesOf = (job: ExecutorJob) => job.messages.flatMap((each) => (each.event === 'log' ? [each] : []));
const untilState = (job: ExecutorJob, wanted: Readonly<Record<string, unknown>>): Promise<void> =>
  job.until(
    () =>
      statesOf(job).some((state) =>
        Object.entries(wanted).every(([name, value]) => Reflect.get(state, name) === value),
      ),
    `\`log\` of ${JSON.stringify(wanted)}`,
  );
const isLast = (job: ExecutorJob, place: string) => () => statesOf(job).at(-1)?.place === place;
const digest = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');
const logOf = (job: ExecutorJob): Buffer => readFileSync(join(job.folder, 'log'));

/** Fills the disk, lets the job print all, and frees the disk again. */
async function printOnFullDisk(job: ExecutorJob): Promise<void> {
  const free = disk.fill();
  touch(job, 'go');
  await job.until(() => exists(job, 'done'), 'the end of what the job prints');
  free();
}

async function end(job: ExecutorJob): Promise<void> {
  await job.until(isLast(job, 'disk'), 'the return to the disk');
  touch(job, 'end');
  await job.ended();
}

describe('a job whose disk is full', () => {
  test('goes on, and all that it wrote is in its log when there is room again', async () => {
    const lines = linesTo(100_000);
    await using job = await jobOnDisk(printer(100_000));
    await printOnFullDisk(job);
    await end(job);
    expect(digest(logOf(job))).toBe(digest(lines));
    expect(await notesOf(job)).toEqual([{ kind: 'memory' }, { kind: 'disk' }]);
    const states = statesOf(job).map(({ place, errno, every }) => [place, errno, every]);
    expect(states[0]).toEqual(['memory', ENOSPC, 1]);
    // Between them it may tell that the disk takes again what is still in memory.
    expect(states.slice(1, -1).every((state) => state.join() === 'memory,0,1')).toBe(true);
    expect(states.at(-1)).toEqual(['disk', 0, 1]);
    expect(job.exit).toMatchObject({ log_lost: { lines: 0, bytes: 0 }, log_bytes: lines.length });
  });

  test('has its output in another place when memory is full, and nothing is missing', async () => {
    const elsewhere = temporaryRoot();
    const source = openSpill(elsewhere, 'test');
    const lines = linesTo(300_000);
    const logRoom = { ...LITTLE_MEMORY, spill: { source, bytes: BigInt(64 * MIB) } };
    await using job = await jobOnDisk(printer(300_000), { logRoom });
    closeSync(source.fd);
    await printOnFullDisk(job);
    await end(job);
    expect(digest(logOf(job))).toBe(digest(lines));
    expect(await notesOf(job)).toEqual([{ kind: 'memory' }, { kind: 'spill' }, { kind: 'disk' }]);
    expect(job.exit).toMatchObject({ log_lost: { lines: 0, bytes: 0 } });
  });

  test('has fewer and fewer lines kept when all is full: whole ones, counted, in their order', async () => {
    const count = 1_500_000;
    await using job = await jobOnDisk(printer(count), { logRoom: LITTLE_MEMORY });
    await printOnFullDisk(job);
    await end(job);
    const kept = logOf(job).toString().split('\n').slice(0, -1);
    expect(kept.every((each) => /^line \d{8}$/.test(each))).toBe(true);
    expect(kept).toEqual([...kept].sort());
    const sampled = sampledIn(await notesOf(job));
    // How far it goes depends on how much comes at once.
    const powers = [...new Set(sampled.map(({ every }) => every))];
    expect(powers.slice(0, 3)).toEqual([10, 100, 1000]);
    expect([[], [10_000], [10_000, 0]]).toContainEqual(powers.slice(3));
    expect(kept.length + sum(sampled.map(({ lines }) => lines))).toBe(count);
    expect(sum(sampled.map(({ bytes }) => bytes))).toBe((count - kept.length) * line(0).length);
    expect(job.exit?.log_lost).toEqual({
      lines: count - kept.length,
      bytes: (count - kept.length) * line(0).length,
    });
  });

  test.each([
    [
      'binary of both streams',
      'for (1..300) { syswrite STDOUT, pack "N*", map { rand 2**32 } 1..4096; syswrite STDERR, "\\0\\n" x 8192 }',
      300 * 32_768,
    ],
    [
      'a line longer than all memory',
      'syswrite STDOUT, "x" x 65536 for 1..100; syswrite STDOUT, "\\nnext\\n"',
      6_553_606,
    ],
    ['no line at all', 'syswrite STDERR, "x" x 65536 for 1..100', 6_553_600],
    ['empty lines', 'syswrite STDOUT, "\\n" x 65536 for 1..100', 6_553_600],
  ])('and that floods it with %s loses no byte uncounted', async (_title, program, bytes) => {
    await using job = await jobOnDisk(program, { logRoom: LITTLE_MEMORY });
    await printOnFullDisk(job);
    await end(job);
    const lost = job.exit?.log_lost?.bytes ?? 0;
    expect(lost).toBeGreaterThan(0);
    expect(logOf(job).length + lost).toBe(bytes);
    expect(sum(sampledIn(await notesOf(job)).map((note) => note.bytes))).toBe(lost);
  });

  test('and that has chosen to wait, waits, and loses nothing', async () => {
    const lines = linesTo(200_000);
    await using job = await jobOnDisk(printer(200_000), { spec: { logOverflow: LogOverflow.BLOCK } });
    const free = disk.fill();
    touch(job, 'go');
    await untilState(job, { blocked: true, errno: ENOSPC });
    await delay(500);
    expect(exists(job, 'done')).toBe(false);
    free();
    await job.until(() => exists(job, 'done'), 'the end of what the job prints');
    touch(job, 'end');
    expect(await job.record()).toMatchObject({ log_lost: { lines: 0, bytes: 0 }, log_bytes: lines.length });
    expect(digest(logOf(job))).toBe(digest(lines));
    expect(await notesOf(job)).toEqual([]);
    expect(statesOf(job).at(-1)).toMatchObject({ blocked: false, errno: 0 });
  });

  test.each([
    ['stopped while it runs', false],
    ['stopped after its end', true],
  ])('and that is %s has its loss counted in its record', async (_title, endsFirst) => {
    await using job = await jobOnDisk(printer(100_000));
    disk.fill();
    touch(job, 'go');
    await job.until(() => exists(job, 'done'), 'the end of what the job prints');
    if (endsFirst) {
      touch(job, 'end');
      await job.until(() => job.processes.length === 0, 'the end of its processes');
    }
    job.control.write('stop 0\n');
    const record = await job.record();
    expect(record).toMatchObject({ error: { layer: 'log', operation: 'write', errno: ENOSPC } });
    const log = logOf(job);
    const missing = linesTo(100_000).length - log.length;
    expect(missing).toBeGreaterThan(0);
    expect(record.log_lost).toEqual({
      lines: 100_000 - log.toString().split('\n').length + 1,
      bytes: missing,
    });
  });

  test('may keep as much as its helper says', async () => {
    const lines = linesTo(400_000);
    await using job = await jobOnDisk(printer(400_000), { logRoom: LITTLE_MEMORY });
    job.control.write(`memory ${64 * MIB}\n`);
    await printOnFullDisk(job);
    await end(job);
    expect(digest(logOf(job))).toBe(digest(lines));
  });

  test('tells a later helper what has become of its log', async () => {
    await using job = await jobOnDisk(printer(1000));
    disk.fill();
    touch(job, 'go');
    await untilState(job, { place: 'memory', errno: ENOSPC });
    job.control.write('kill\n');
    expect(await job.record()).toMatchObject({ ended_by: 'kill', log_lost: { lines: 1000 } });
  });
});

/** Prints `bytes` in blocks of 64 KiB, as fast as a hundred a second, and at last, how long in ms it waited for a write at most. */
const paced = (blocks: number): string =>
  [
    'use Time::HiRes qw(time sleep); my $longest = 0; my $block = ("x" x 1023 . "\\n") x 64',
    `for (1..${blocks}) { my $began = time; syswrite STDOUT, $block; my $took = time - $began; $longest = $took if $took > $longest; sleep 0.01 }`,
    'printf "longest %d\\n", $longest * 1000',
  ].join('; ');
const BLOCKS = 200;
const BLOCK_BYTES = 65_536;

describe('a job whose disk lets everybody wait', () => {
  test('does not wait for it: its output waits in memory', async () => {
    await using job = await jobOnDisk(paced(BLOCKS));
    touch(job, 'go');
    await job.until(() => logOf(job).length > 10 * BLOCK_BYTES, 'the first output');
    const thaw = disk.freeze();
    try {
      await untilState(job, { place: 'memory', errno: 0 });
      await delay(2500);
      expect(statesOf(job).at(-1)).toMatchObject({ place: 'memory' });
    } finally {
      thaw();
    }
    await job.until(() => exists(job, 'done'), 'the end of what the job prints');
    await end(job);
    const log = logOf(job).toString();
    const [, longest] = /longest (\d+)\n$/.exec(log) ?? [];
    expect(log.length).toBe(BLOCKS * BLOCK_BYTES + `longest ${longest}\n`.length);
    expect(log.replace(/longest \d+\n$/, '')).toBe(`${'x'.repeat(1023)}\n`.repeat(BLOCKS * 64));
    // Two looks of the monitor, and what a busy machine adds; without them it would be all of the 2500.
    expect(Number(longest)).toBeLessThan(1500);
    expect(await notesOf(job)).toEqual([{ kind: 'memory' }, { kind: 'disk' }]);
  });

  test('can be killed by its helper', async () => {
    await using job = await jobOnDisk(paced(BLOCKS));
    touch(job, 'go');
    await job.until(() => logOf(job).length > 10 * BLOCK_BYTES, 'the first output');
    const thaw = disk.freeze();
    try {
      await untilState(job, { place: 'memory' });
      job.control.write('kill\n');
      await job.until(() => job.processes.length === 0, 'the end of its processes');
    } finally {
      thaw();
    }
    expect(await job.record()).toMatchObject({ ended_by: 'kill', log_lost: { lines: 0, bytes: 0 } });
  });

  test('waits for it when memory is full: a slow disk is not one that takes nothing', async () => {
    await using job = await jobOnDisk(paced(BLOCKS), { logRoom: LITTLE_MEMORY });
    touch(job, 'go');
    await job.until(() => logOf(job).length > 10 * BLOCK_BYTES, 'the first output');
    const thaw = disk.freeze();
    await delay(3000);
    thaw();
    await job.until(() => exists(job, 'done'), 'the end of what the job prints');
    await end(job);
    expect(job.exit).toMatchObject({ log_lost: { lines: 0, bytes: 0 } });
    expect(logOf(job).length).toBeGreaterThan(BLOCKS * BLOCK_BYTES);
  });
});
