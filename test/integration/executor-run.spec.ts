/** The executor by itself: real jobs from plans, without a helper. */
import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CgroupTree } from '../../native-helper/kernel/cgroup.ts';
import type { Plan } from '../../native-helper/server/plan/plan.ts';
import { ExecutorJob } from '../fixtures/executor.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { failingCalls } from '../fixtures/seccomp.ts';
import { SmallDisk } from '../fixtures/small-disk.ts';

const INDEX_HEADER_BYTES = 32;
const INDEX_RECORD_BYTES = 32;

const shell = (script: string): string[] => ['sh', '-c', script];

describe('a job', () => {
  test('runs, and leaves output, report and record', async () => {
    await using job = new ExecutorJob(shell('echo out; echo err >&2; exit 7'));
    const record = await job.record();
    expect(record).toMatchObject({ ran: true, exit_code: 7, signal: null, ended_by: 'exit', error: null });
    expect(job.log).toBe('out\nerr\n');
    expect(record.log_bytes).toBe(8);
    expect(job.report?.lines.every(({ ok }) => ok)).toBe(true);
    expect(job.messages.map(({ event }) => event)).toEqual(['hello', 'running', 'exited']);
    expect([job.adoptionSockets, job.cgroupExists]).toEqual([[], false]);
  });

  test('has an index record for each chunk of each stream', async () => {
    await using job = new ExecutorJob(shell('echo out; sleep 0.2; echo err >&2'));
    await job.ended();
    const { index } = job;
    expect(index.toString('latin1', 0, 8)).toBe('JOBLINDX');
    const records = [0, 1].map((number) => {
      const at = INDEX_HEADER_BYTES + number * INDEX_RECORD_BYTES;
      return [index.readBigUInt64LE(at + 8), index.readUInt32LE(at + 16), index.readUInt16LE(at + 20)];
    });
    expect(index.length).toBe(INDEX_HEADER_BYTES + 2 * INDEX_RECORD_BYTES);
    expect(records).toEqual([
      [0n, 4, 1],
      [4n, 4, 2],
    ]);
  });

  test('that dies by a signal says which', async () => {
    await using job = new ExecutorJob(shell('kill -SEGV $$'));
    expect(await job.record()).toMatchObject({ exit_code: null, signal: 11, ended_by: 'signal' });
  });

  test.each([
    ['does not exist', 'no-such-program', 127, 2],
    ['is no program', '/etc/passwd', 126, 13],
  ])('whose command %s never ran', async (_title, command, exitCode, errno) => {
    await using job = new ExecutorJob([command]);
    expect(await job.record()).toMatchObject({
      ran: false,
      exit_code: exitCode,
      ended_by: 'refused',
      error: { layer: 'exec', operation: 'execve', object: command, errno },
    });
  });

  test.each([
    ['a script whose interpreter is not there', '#!/no/such/program\n', 127, 2],
    ['a file of no known format', 'plain words\n', 126, 8],
  ])('whose command is %s ends as in a shell', async (_title, content, exitCode, errno) => {
    const program = {
      kind: 'file',
      target: '/tmp/program',
      mode: 0o755,
      content: Buffer.from(content),
    } as const;
    await using job = new ExecutorJob(['/tmp/program'], {
      edit: (plan) => ({ ...plan, mounts: [...plan.mounts, program] }),
    });
    expect(await job.record()).toMatchObject({
      ran: false,
      exit_code: exitCode,
      ended_by: 'refused',
      error: { layer: 'exec', operation: 'execve', object: '/tmp/program', errno },
    });
  });

  test('opens /dev/stdout and /dev/stderr', async () => {
    await using job = new ExecutorJob(shell('echo a >/dev/stdout && echo b >/dev/stderr'));
    await job.ended();
    expect(job.log).toBe('a\nb\n');
  });

  test('sees its own cgroup as the root of the tree', async () => {
    await using job = new ExecutorJob(['grep', '^0::', '/proc/self/cgroup']);
    await job.ended();
    expect(job.log).toBe('0::/\n');
  });

  test('loses no byte of a flood', async () => {
    const bytes = 64 * 1024 * 1024;
    await using job = new ExecutorJob(shell(`head -c ${bytes} /dev/zero`));
    expect((await job.record()).log_bytes).toBe(bytes);
  });
});

describe('a job that could not be launched', () => {
  const RLIMIT_NPROC = 6;
  const { EAGAIN, ENOMEM, EPERM, ENOSYS } = constants.errno;

  test('for its user may have no more processes has code 125 and says so', async () => {
    const edit = (plan: Plan): Plan => ({
      ...plan,
      resourceLimits: [...plan.resourceLimits, { resource: RLIMIT_NPROC, soft: 0n, hard: 0n }],
    });
    await using job = new ExecutorJob(['true'], { edit });
    expect(await job.record()).toMatchObject({
      ran: false,
      exit_code: 125,
      signal: null,
      ended_by: 'refused',
      error: { layer: 'process', operation: 'clone', object: 'true', errno: EAGAIN },
    });
  });

  /** Each step of the way from init to the command. */
  test.each([
    ['clone', EAGAIN],
    ['clone', ENOMEM],
    ['setsid', EPERM],
    ['close_range', ENOSYS],
    ['execve', EAGAIN],
    ['execve', ENOMEM],
  ] as const)('for %s gave errno %i has code 125, layer `process`, and that call', async (call, errno) => {
    await using job = new ExecutorJob(['true'], {
      edit: (plan) => ({ ...plan, seccomp: failingCalls([call], errno) }),
    });
    expect(await job.record()).toMatchObject({
      ran: false,
      exit_code: 125,
      signal: null,
      ended_by: 'refused',
      error: { layer: 'process', operation: call, errno },
    });
    expect(job.log).toBe('');
  });

  test('for there is no room for its record is refused before it runs, and says so at once', async () => {
    using disk = new SmallDisk('ext2');
    const edit = (plan: Plan): Plan => {
      disk.fill();
      return plan;
    };
    await using job = new ExecutorJob(['true'], { root: temporaryRoot(disk.path), edit });
    await job.until(() => job.messages.some(({ event }) => event === 'exited'), '`exited`');
    expect(job.messages.at(-1)).toMatchObject({
      ran: false,
      exit_code: 125,
      ended_by: 'refused',
      error: {
        layer: 'record',
        operation: 'reserve',
        object: 'exit.json.new',
        errno: constants.errno.ENOSPC,
      },
    });
    job.control.write('kill\n');
    expect(await job.ended()).toMatchObject({ status: { ended: 'exit', code: 0 } });
  });

  test('for a step of its sandbox failed has code 125 and the layer of that step', async () => {
    await using job = new ExecutorJob(['true'], { edit: (plan) => ({ ...plan, workDirectory: '/nowhere' }) });
    expect(await job.record()).toMatchObject({
      ran: false,
      exit_code: 125,
      ended_by: 'refused',
      error: { layer: 'workdir', operation: 'chdir', object: '/nowhere' },
    });
  });
});

describe('a launch that finds', () => {
  test('too few descriptors is refused by the step that wanted one, until there are enough for all', async () => {
    const refusals = new Set<string>();
    let hasRun = false;
    for (let openFiles = 20; !hasRun; openFiles += 1) {
      const spec = { timeoutMs: 50n, stopGraceMs: 0n };
      const edit = (plan: Plan): Plan => ({ ...plan, resourceLimits: [] }); // they could not be raised above it
      await using job = new ExecutorJob(['sleep', '60'], { spec, edit, openFiles });
      const told = () => job.messages.find(({ event }) => event === 'exited');
      await job.until(() => told() !== undefined || job.control.closed, '`exited`');
      job.control.write('kill\n'); // as the helper, once it has written down the end
      await job.ended();
      const end = told();
      if (end?.event !== 'exited') {
        expect(job.messages, 'without a control connection').toEqual([]);
      } else if (end.ended_by === 'refused') {
        expect(end).toMatchObject({ ran: false, exit_code: 125, error: { errno: constants.errno.EMFILE } });
        refusals.add(`${end.error?.layer} ${end.error?.operation}`);
      } else {
        expect(end).toMatchObject({ ended_by: 'timeout', exit_code: 124 });
        hasRun = true;
      }
    }
    expect(refusals.size).toBeGreaterThan(3);
  });

  test('threads where its cgroup should be is refused with layer `cgroup`', async ({ skip }) => {
    const root = temporaryRoot();
    const tree = CgroupTree.prepare(root);
    if (tree.controllers.length > 0) {
      tree.close();
      rmSync(root, { recursive: true });
      skip('what has controllers takes no threads');
    }
    const threads = join(tree.jobsPath, 'threads');
    mkdirSync(threads);
    try {
      writeFileSync(join(threads, 'cgroup.type'), 'threaded');
      await using job = new ExecutorJob(['true'], { root });
      expect(await job.record()).toMatchObject({
        ran: false,
        exit_code: 125,
        ended_by: 'refused',
        error: { layer: 'cgroup', operation: 'clone3', object: 'init', errno: constants.errno.EOPNOTSUPP },
      });
    } finally {
      rmdirSync(threads);
    }
  });
});

describe('the end of a job', () => {
  test('comes by its time limit, in spite of SIGTERM', async () => {
    await using job = new ExecutorJob(shell("trap '' TERM; sleep 60 & wait; sleep 60"), {
      spec: { timeoutMs: 300n, stopGraceMs: 300n },
    });
    expect(await job.record()).toMatchObject({ ended_by: 'timeout', exit_code: 124 });
  });

  test('comes by stop, and takes what was double-forked and ignores SIGTERM', async () => {
    await using job = new ExecutorJob(
      shell("trap '' TERM; (setsid sh -c 'trap \"\" TERM; sleep 60' &) ; echo up; while :; do sleep 1; done"),
    );
    await job.until(() => job.log === 'up\n', 'output');
    job.control.write('stop 200\n');
    expect(await job.record()).toMatchObject({ ended_by: 'stop', signal: 9 });
    expect(job.processes).toEqual([]);
  });

  test('comes by stop, and the command may say goodbye', async () => {
    await using job = new ExecutorJob(shell("trap 'echo bye; exit 3' TERM; echo up; sleep 60 & wait"));
    await job.until(() => job.log === 'up\n', 'output');
    job.control.write('stop 10000\n');
    expect(await job.record()).toMatchObject({ ended_by: 'stop', exit_code: 3 });
    expect(job.log).toBe('up\nbye\n');
  });

  test('comes with that of its monitor', async () => {
    await using job = await new ExecutorJob(['sleep', '60']).running();
    await job.until(() => job.processes.length === 2, 'init and command');
    process.kill(job.monitor, 'SIGKILL');
    await job.ended();
    await job.until(() => job.processes.length === 0, 'the end of the job');
    expect(job.exit).toBeUndefined();
  });

  test('does not come when it closes its output, or its helper goes', async () => {
    await using job = await new ExecutorJob(shell('exec >&- 2>&-; sleep 0.5; exit 5')).running();
    job.control.destroy();
    expect(await job.record()).toMatchObject({ ended_by: 'exit', exit_code: 5 });
  });
});

describe('control', () => {
  test('is taken over by a later helper', async () => {
    await using job = await new ExecutorJob(['sleep', '60']).running();
    const adopted = connect(join(job.monitors, job.uuid));
    let said = '';
    adopted.on('data', (data) => {
      said += data.toString();
    });
    await job.until(() => said.split('\n').length === 3, 'hello and running');
    expect(said).toMatch(/"hello".*"phase":"running".*\n.*"running"/);
    adopted.write('kill\n');
    expect(await job.record()).toMatchObject({ ended_by: 'kill', signal: 9 });
    adopted.destroy();
  });

  test.each(['nonsense\n', 'stop\n', 'stop -1\n', 'stop 99999999999999999999\n', 'x'.repeat(100)])(
    'ends for who says %j, and the job goes on',
    async (words) => {
      await using job = await new ExecutorJob(shell('sleep 0.5')).running();
      let closed = false;
      job.control.on('close', () => {
        closed = true;
      });
      job.control.write(words);
      await job.until(() => closed, 'the end of the connection');
      expect(job.exit).toBeUndefined();
      expect(await job.record()).toMatchObject({ ended_by: 'exit', exit_code: 0 });
    },
  );
});
