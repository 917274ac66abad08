/** What a monitor does with output that the disk of the log does not take: docs/monitor-protocol.md, ADR-005. */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogIndex, type LogNote, type LogRecord } from '../../native-helper/server/logs/log-index.ts';
import type { LogPlan, Plan } from '../../native-helper/server/plan/plan.ts';
import { ExecutorJob, type ExecutorJobOptions } from '../fixtures/executor.ts';
import { SmallDisk } from '../fixtures/small-disk.ts';

const MIB = 2 ** 20;
/** As many as a job of this file prints. */
const LINES = 100_000;
const line = (number: number): string => `line ${String(number).padStart(8, '0')}\n`;
const ALL_LINES = Array.from({ length: LINES }, (_, number) => line(number)).join('');
const printer = `for my $n (0 .. ${LINES - 1}) { printf "line %08d\\n", $n }`;

let disk: SmallDisk;
let freeDisk: () => void;

beforeEach(() => {
  disk = new SmallDisk('ext4');
});
afterEach(() => disk[Symbol.dispose]());

/** The job's folder lies on the disk that is to be filled, what the job does waits for a line of input. */
function jobOnDisk(
  script: string,
  log: Partial<LogPlan> = {},
  options: ExecutorJobOptions = {},
): ExecutorJob {
  const root = join(disk.path, 'root');
  mkdirSync(root);
  return new ExecutorJob(
    ['perl', '-e', `$| = 1; while (!-e "go") { select undef, undef, undef, 0.01 } ${script}`],
    {
      ...options,
      root,
      edit: (plan: Plan): Plan => ({ ...plan, log: { ...plan.log, ...log } }),
    },
  );
}

/** Its /work lies on the full disk too, but takes a file that is empty. */
function go(job: ExecutorJob): void {
  closeSync(openSync(join(job.folder, 'work/go'), 'w'));
}

async function recordsOf(job: ExecutorJob): Promise<LogRecord[]> {
  const path = join(job.folder, 'log.index');
  await using file = await open(path);
  const index = new LogIndex(file, path);
  return await index.read(0, await index.count());
}

const notesOf = async (job: ExecutorJob): Promise<LogNote[]> =>
  (await recordsOf(job)).flatMap(({ note }) => note ?? []);
const statesOf = (job: ExecutorJob) => job.messages.flatMap((each) => (each.event === 'log' ? [each] : []));
const hasSaid = (job: ExecutorJob, wanted: object) => () =>
  statesOf(job).some((state) =>
    Object.entries(wanted).every(([name, value]) => state[name as 'place'] === value),
  );
const digest = (text: string) => createHash('sha256').update(text).digest('hex');

describe('on a full disk', () => {
  test('a job goes on, and all that it wrote is in its log when there is room again', async () => {
    await using job = await jobOnDisk(`${printer} open my $done, ">", "done"; sleep 60`).running();
    freeDisk = disk.fill();
    go(job);
    await job.until(hasSaid(job, { place: 'memory', errno: 28 }), '`log` of memory');
    await delay(500);
    freeDisk();
    await job.until(hasSaid(job, { place: 'disk', errno: 0 }), '`log` of the disk');
    expect(digest(job.log)).toBe(digest(ALL_LINES));
    expect(await notesOf(job)).toEqual([{ kind: 'memory' }, { kind: 'disk' }]);
    job.control.write('kill\n');
    expect(await job.record()).toMatchObject({
      log_lost: { lines: 0, bytes: 0 },
      log_bytes: ALL_LINES.length,
    });
  });
});
