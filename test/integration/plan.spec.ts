/** The plan compiler and the executor, without a helper between them: what the one writes, the other carries out. */
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobsConfigSchema } from '../../native-helper/api/config-schema.ts';
import { type CheckedJobSpec, jobSpecSchema } from '../../native-helper/api/job-spec.ts';
import { createSealedMemfd } from '../../native-helper/kernel/memfd.ts';
import { spawnExecutableSync } from '../../native-helper/kernel/spawn.ts';
import { reapChild } from '../../native-helper/kernel/wait.ts';
import { loadAssets } from '../../native-helper/server/assets.ts';
import { compileJob } from '../../native-helper/server/plan/compile.ts';
import { encodePlan } from '../../native-helper/server/plan/encode.ts';
import { HostRoot } from '../../native-helper/server/plan/host-root.ts';
import { PLAIN_SPEC } from '../fixtures/job-spec.ts';
import { compileContext } from '../fixtures/monitor.ts';

const UUID = '0b5e3c4e-6f7a-4b8c-9d0e-1f2a3b4c5d6e';
const assets = loadAssets();
const buildId = Buffer.from(assets.buildId, 'hex');
const JOBS = jobsConfigSchema.parse({});
let executor: number;
let hostRoot: HostRoot;
let folder: string;

beforeAll(() => {
  executor = createSealedMemfd('joblet-executor', assets.executor);
  hostRoot = HostRoot.open();
  folder = mkdtempSync(join(tmpdir(), 'joblet-plan-'));
  mkdirSync(join(folder, 'work'), { mode: 0o700 });
  chownSync(join(folder, 'work'), JOBS.user, JOBS.group);
});

afterAll(() => {
  closeSync(executor);
  hostRoot[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

function specOf(change: Partial<CheckedJobSpec>): CheckedJobSpec {
  return jobSpecSchema.parse({ ...PLAIN_SPEC, ...change });
}

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** `joblet-executor replay`, with the plan's bytes changed on the way if a test wants so. */
async function replay(
  change: Partial<CheckedJobSpec>,
  spoil: (plan: Buffer) => Buffer = (plan) => plan,
  workPath = join(folder, 'work'),
): Promise<Outcome> {
  using compiled = compileJob({ uuid: UUID, spec: specOf(change), workPath }, compileContext(hostRoot));
  const plan = createSealedMemfd('plan', spoil(encodePlan(compiled.plan, buildId)), 'data');
  const [output, errors] = [join(folder, 'output'), join(folder, 'errors')];
  const [outputFd, errorsFd] = [openSync(output, 'w'), openSync(errors, 'w')];
  const pid = spawnExecutableSync({
    executableFd: executor,
    argv: ['joblet-executor', 'replay'],
    descriptors: new Map([[0, plan], [1, outputFd], [2, errorsFd], ...compiled.sources.descriptors()]),
    newSession: true,
    environment: [],
  });
  [plan, outputFd, errorsFd].forEach(closeSync);
  const code = await exitCodeOf(pid);
  return { code, output: readFileSync(output, 'utf8'), errors: readFileSync(errors, 'utf8') };
}

async function exitCodeOf(pid: number): Promise<number> {
  for (;;) {
    const ended = reapChild(pid);
    if (ended !== null) {
      return ended.status.ended === 'exit' ? ended.status.code : 128 + ended.status.signal;
    }
    await delay(5);
  }
}

function shell(script: string): Partial<CheckedJobSpec> {
  return { command: 'sh', args: ['-c', script] };
}

describe('a compiled plan, carried out', () => {
  it('runs the command as nobody, under its host name, in /work, with the planned environment', async () => {
    const { code, output, errors } = await replay({
      ...shell('id -u; id -G; hostname; pwd; env | LC_ALL=C sort'),
      name: 'a name',
      hostname: 'box',
      environment: { GREETING: 'two words' },
    });
    expect(errors).toContain('"exit_code":0');
    expect(code).toBe(0);
    expect(output.split('\n').filter((line) => !/^(PWD|SHLVL|_|OLDPWD)=/.test(line))).toEqual([
      '65534',
      '65534',
      'box',
      '/work',
      'GREETING=two words',
      'HOME=/work',
      'JOBLET_JOB_NAME=a name',
      `JOB_ID=${UUID}`,
      'LANG=C.UTF-8',
      'LOGNAME=nobody',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'SHELL=/bin/sh',
      'TERM=dumb',
      'USER=nobody',
      '',
    ]);
  });

  it('shows the planned root and nothing else', async () => {
    const { output } = await replay(
      shell('ls -A /; echo --; ls -A /etc; echo --; ls /dev; echo --; ls -A /tmp /home'),
    );
    const [root, etc, dev, rest] = output.split('--\n').map((part) => part.trim().split('\n'));
    for (const absent of ['home', 'root', 'run', 'sys', 'boot', 'mnt', 'opt', 'srv']) {
      expect(root).not.toContain(absent);
    }
    expect(root).toEqual(expect.arrayContaining(['bin', 'dev', 'etc', 'proc', 'tmp', 'usr', 'var', 'work']));
    expect(etc).toEqual(expect.arrayContaining(['group', 'hosts', 'ld.so.cache', 'nsswitch.conf', 'passwd']));
    expect(etc).not.toContain('shadow');
    expect(dev).toEqual(
      ['fd', 'full', 'mqueue', 'null', 'ptmx', 'pts', 'random', 'shm', 'stderr', 'stdin', 'stdout', 'tty']
        .concat(['urandom', 'zero'])
        .sort(),
    );
    expect(rest).toEqual(['/tmp:']);
  });

  it('has resolvable names, working devices, masks and limits of its own', async () => {
    const { output } = await replay(
      shell(`id -un; getent hosts $(hostname) | cut -d' ' -f1; head -c 4 /dev/zero | wc -c; wc -c </proc/keys
        ulimit -c; ulimit -Sn; cat /proc/self/oom_score_adj; ps -o ni= -p $$ || nice; ls /proc/acpi 2>&1 | wc -l`),
    );
    expect(output.trim().split(/\s*\n\s*/)).toEqual([
      'nobody',
      '127.0.1.1',
      '4',
      '0',
      '0',
      '1024',
      '500',
      '10',
      expect.anything(),
    ]);
  });

  it('has what the programs of the system are configured with, as far as the machine has it', async () => {
    const files = ['os-release', 'protocols', 'services', 'ssl/openssl.cnf', 'maven/m2.conf']
      .map((name) => `/etc/${name}`)
      .filter((path) => existsSync(path));
    expect(files).toContain('/etc/os-release');
    const { output } = await replay({ command: 'cat', args: files });
    expect(output).toBe(files.map((path) => readFileSync(path, 'utf8')).join(''));
  });

  it('has the folders of /etc into which the Java of the machine leads', async () => {
    const look = "[ ! -d /usr/lib/jvm ] || find /usr/lib/jvm -xtype l -lname '/etc/java*'";
    expect((await replay(shell(look))).output).toBe('');
  });

  it('gives on the code of the command, and 127 when there is none', async () => {
    expect((await replay(shell('exit 9'))).code).toBe(9);
    const { code, errors } = await replay({ command: 'no-such-program' });
    expect(code).toBe(127);
    expect(errors).toContain('no-such-program');
  });
});

describe('a plan that can’t be carried out', () => {
  it('says which step failed, and why: a /work that is not the job’s', async () => {
    const { code, errors } = await replay(shell('echo ran'), (plan) => plan, '/root');
    expect(code).toBe(125);
    expect(errors).toContain('"operation":"chdir"');
  });
});

describe('a plan that is not one', () => {
  it.each([
    ['an empty one', () => Buffer.alloc(0)],
    ['a truncated one', (plan: Buffer) => plan.subarray(0, plan.length - 8)],
    ['a foreign one', (plan: Buffer) => Buffer.concat([Buffer.from('NOTAPLAN'), plan.subarray(8)])],
    ['one with bytes behind its end', (plan: Buffer) => Buffer.concat([plan, Buffer.alloc(8)])],
    [
      'one of another build',
      (plan: Buffer) => {
        plan.fill(0xee, 24, 56);
        return plan;
      },
    ],
  ])('is refused before anything is done: %s', async (_, spoil) => {
    const { code, output, errors } = await replay(shell('echo ran'), spoil);
    expect(code).toBe(125);
    expect(output).toBe('');
    expect(errors).toMatch(/"layer":"plan"/);
  });
});
