/** Security levels from the API to the kernel and back: what a job is denied, what it is told, and what everyone else is. */
import { readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Job, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import type { JobManager } from '../../native-helper/server/jobs/job-manager.ts';
import {
  closeJobService,
  logOf,
  openJobService,
  runToEnd,
  shell,
  specOf,
  untilEnded,
  untilOutput,
  untilState,
} from '../fixtures/job-service.ts';
import { monitorsWith } from '../fixtures/monitors.ts';
import { temporaryRoot } from '../fixtures/root.ts';

const USER_HZ = 100;

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

/** A script that has `libc` and the calls by number that Python lacks. */
const python = (lines: string, rest: Parameters<typeof specOf>[2] = {}) =>
  specOf(
    '/usr/bin/python3',
    ['-c', `import ctypes, os, time\nlibc = ctypes.CDLL(None, use_errno=True)\n${lines}`],
    rest,
  );
const PTRACE = 'libc.ptrace(0, 0, 0, 0)';
const REQUEST_KEY = 'libc.syscall(249 if os.uname().machine == "x86_64" else 218, 0, 0, 0, 0)';

const deniedBy = ({ denials }: Job) => denials.map(({ call, count, mend }) => [call, count, mend]);

describe('a denied call', () => {
  it('fails with EPERM and is counted by its name', async () => {
    const job = await runToEnd(
      jobs,
      python(`print([(${PTRACE}, ctypes.get_errno()) for _ in range(3)])\n${REQUEST_KEY}\nos.chroot("/")`),
    );
    expect((await logOf(jobs, job.uuid)).toString()).toContain('[(-1, 1), (-1, 1), (-1, 1)]');
    expect(deniedBy(job)).toEqual([
      ['ptrace', 3n, '--seccomp 1'],
      ['request_key', 1n, '--seccomp 1'],
      // The kernel itself keeps chroot for those with a capability.
      ['chroot', 1n, ''],
    ]);
    const [first] = job.denials;
    expect(first?.firstUs).toBeGreaterThanOrEqual(job.startedUs);
    expect(first?.firstUs).toBeLessThanOrEqual(job.endedUs);
  });

  it('is told of while the job runs, once a call', async () => {
    const { uuid } = await jobs.run(
      python(`${PTRACE}\n${PTRACE}\nprint("both", flush=True)\ntime.sleep(60)`),
      0,
    );
    const job = await untilState(jobs, uuid, ({ denials }) => denials.length > 0);
    expect(deniedBy(job)).toEqual([['ptrace', 0n, '--seccomp 1']]);
    expect(job.status).toBe(JobStatus.RUNNING);
    await untilOutput(jobs, uuid, 'both');
    await jobs.stop(uuid, 0n);
    expect(deniedBy(await untilEnded(jobs, uuid))).toEqual([['ptrace', 2n, '--seccomp 1']]);
  });

  it('is known to the next helper too', async () => {
    const { uuid } = await jobs.run(python(`${PTRACE}\nprint("denied", flush=True)\ntime.sleep(60)`), 0);
    await untilOutput(jobs, uuid, 'denied');
    await closeJobService(jobs);
    jobs = await openJobService(root);
    const adopted = await untilState(jobs, uuid, ({ denials }) => denials.length > 0);
    expect(deniedBy(adopted)).toEqual([['ptrace', 0n, '--seccomp 1']]);
    await jobs.stop(uuid, 0n);
    expect(deniedBy(await untilEnded(jobs, uuid))).toEqual([['ptrace', 1n, '--seccomp 1']]);
  });

  it('is told apart from 31 others, and beyond that counted', async () => {
    // Level 3 denies more calls than the record has room for.
    const job = await runToEnd(
      jobs,
      python(
        'for number in range(470): number in (15, 34, 60, 61, 231, 247) or libc.syscall(number, *[-1] * 6)',
        {
          seccompLevel: 3,
          timeoutMs: 20_000n,
        },
      ),
    );
    expect(job.denials).toHaveLength(33);
    expect(job.denials.at(-1)).toMatchObject({ call: 'others', mend: '' });
    expect(job.denials.at(-1)?.count).toBeGreaterThan(10n);
  });

  it('costs the monitor little, however often a job asks', async () => {
    const calls = 1500;
    const { uuid } = await jobs.run(
      python(
        `print("go", flush=True)\nfor _ in range(${calls}): ${PTRACE}\nprint("done", flush=True)\ntime.sleep(60)`,
      ),
      0,
    );
    await untilOutput(jobs, uuid, 'go\n');
    const started = performance.now();
    await untilOutput(jobs, uuid, 'done\n');
    const seconds = (performance.now() - started) / 1000;
    const [monitor = 0] = monitorsWith((folder) => folder.endsWith(uuid));
    // 2000 answers a second; 100 of them may have been given before the clock ran.
    expect(seconds).toBeGreaterThan((calls - 200) / 2000);
    expect(ticksOf(monitor) / USER_HZ / seconds).toBeLessThan(0.2);
    await jobs.stop(uuid, 0n);
    expect((await untilEnded(jobs, uuid)).denials[0]?.count).toBe(BigInt(calls));
  });
});

/** proc_pid_stat(5): utime and stime, after the name in brackets. */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

describe('a level', () => {
  const filterOf = async (rest: Parameters<typeof specOf>[2]) => {
    const job = await runToEnd(jobs, shell('grep Seccomp /proc/self/status', rest));
    const lines = job.report.filter(({ layer }) => layer === 'seccomp');
    return {
      status: (await logOf(jobs, job.uuid)).toString().replaceAll('\t', ' ').trim().split('\n'),
      report: lines.map(({ item, asked, kernel, ok }) => [item, asked, kernel, ok]),
    };
  };

  it.each([1, 2, 3])('%i is a filter, and the report says so', async (seccompLevel) => {
    expect(await filterOf({ seccompLevel })).toEqual({
      status: ['Seccomp: 2', 'Seccomp_filters: 1'],
      report: [
        ['level', String(seccompLevel), 'filter', true],
        ['filters', '1', '1', true],
      ],
    });
  });

  it('0 is none', async () => {
    expect(await filterOf({ seccompLevel: 0 })).toEqual({
      status: ['Seccomp: 0', 'Seccomp_filters: 0'],
      report: [['level', '0', 'none', true]],
    });
  });

  it('comes from the configuration when the job names none', async () => {
    await closeJobService(jobs);
    jobs = await openJobService(root, { jobs: { seccomp_level: 1 } });
    expect((await filterOf({})).report[0]).toEqual(['level', '1', 'filter', true]);
    expect((await filterOf({ seccompLevel: 3 })).report[0]).toEqual(['level', '3', 'filter', true]);
  });
});

describe("a job's own filter", () => {
  /** SECCOMP_SET_MODE_FILTER with one instruction: return `action`. */
  const install = (action: string, flags = 0) =>
    [
      'import struct',
      `code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, ${action}))`,
      'program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 1, ctypes.addressof(code)))',
      'seccomp = 317 if os.uname().machine == "x86_64" else 277',
      `print(libc.syscall(seccomp, 1, ${flags}, program), ctypes.get_errno(), flush=True)`,
    ].join('\n');

  it('stands beside, and can not let through what the level denies', async () => {
    const job = await runToEnd(
      jobs,
      python(`${install('0x7fff0000')}\nprint(${PTRACE}, ctypes.get_errno())`),
    );
    expect((await logOf(jobs, job.uuid)).toString()).toBe('0 0\n-1 1\n');
    expect(deniedBy(job)).toEqual([['ptrace', 1n, '--seccomp 1']]);
  });

  it('gets no listener: a tree of filters has one', async () => {
    const job = await runToEnd(jobs, python(install('0x7fff0000', 8)));
    expect((await logOf(jobs, job.uuid)).toString()).toBe('-1 16\n');
  });
});
