import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLAIN_SPEC } from '../../../test/fixtures/job-spec.ts';
import { compileContext } from '../../../test/fixtures/monitor.ts';
import { decodePlan } from '../../../test/fixtures/plan-decoder.ts';
import { jobsConfigSchema } from '../../api/config-schema.ts';
import { type CheckedJobSpec, jobSpecSchema, NO_RETRY } from '../../api/job-spec.ts';
import { type CompileContext, compileJob } from './compile.ts';
import { encodePlan } from './encode.ts';
import { HostRoot } from './host-root.ts';
import type { Plan } from './plan.ts';

const UUID = '0b5e3c4e-6f7a-4b8c-9d0e-1f2a3b4c5d6e';
const BUILD_ID = Buffer.alloc(32, 7);

let workPath: string;
let context: CompileContext;

beforeAll(() => {
  workPath = mkdtempSync(join(tmpdir(), 'joblet-compile-'));
  context = compileContext(HostRoot.open());
});

afterAll(() => {
  context.hostRoot[Symbol.dispose]();
  rmSync(workPath, { recursive: true });
});

function compile(change: Partial<CheckedJobSpec>, contextChange: Partial<CompileContext> = {}): Plan {
  using compiled = compileJob(
    { uuid: UUID, spec: { ...PLAIN_SPEC, ...change }, workPath },
    { ...context, ...contextChange },
  );
  return compiled.plan;
}

function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return !readlinkSync(`/proc/self/fd/${fd}`).startsWith('/proc/');
    } catch {
      return false;
    }
  });
}

const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,10}$/).filter((text) => !/^JOB(LET)?_/.test(text));
const value = fc.string({ unit: 'grapheme', maxLength: 50 }).map((text) => text.replaceAll('\0', ''));
const anySpec: fc.Arbitrary<CheckedJobSpec> = fc
  .record({
    name: fc.stringMatching(/^[a-z ]{0,20}$/),
    command: value.map((text) => `x${text}`),
    args: fc.array(value),
    environment: fc.dictionary(name, value),
    secretEnvironment: fc.constant({}),
    limits: fc.record(
      {
        cpuPercent: fc.integer({ min: 1, max: 409_600 }),
        cpuWeight: fc.integer({ min: 1, max: 10_000 }),
        memoryBytes: fc.bigInt({ min: 2n ** 20n, max: 2n ** 62n }),
        pids: fc.bigInt({ min: 2n, max: 4_194_304n }),
        cpuCores: fc.subarray(['0', '1-2', '3'], { minLength: 1 }).map((ranges) => ranges.join(',')),
        swapBytes: fc.bigInt({ min: 0n, max: 2n ** 62n }),
        ioBytesPerSecond: fc.bigInt({ min: 4096n, max: 2n ** 62n }),
        ioWeight: fc.integer({ min: 1, max: 10_000 }),
      },
      { requiredKeys: [] },
    ),
    timeoutMs: fc.bigInt({ min: 0n, max: 31_536_000_000n }),
    stopGraceMs: fc.bigInt({ min: 0n, max: 31_536_000_000n }),
    workDir: fc.constantFrom('', '/', '/tmp', '/work/a b'),
    hostname: fc.stringMatching(/^([a-z]{1,63})?$/),
    volumes: fc.constant<CheckedJobSpec['volumes']>([]),
    labels: fc.constant({}),
    startAtUs: fc.constant(0n),
    retry: fc.constant(NO_RETRY),
    terminal: fc.option(fc.record({ columns: fc.nat(65_535), rows: fc.nat(65_535) }), { nil: undefined }),
    stdin: fc.boolean(),
    mounts: fc.constant<CheckedJobSpec['mounts']>([]),
    workBytes: fc.constant(0n),
  })
  .map((spec) => ({ ...PLAIN_SPEC, ...spec }))
  .filter((spec) => jobSpecSchema.safeParse(spec).success);

describe('compileJob', () => {
  it('gives a plan inside the bounds of the format for every specification that the schema lets through', () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const plan = compile(spec);
        expect(decodePlan(encodePlan(plan, BUILD_ID)).plan).toEqual(plan);
        expect(plan.argv).toEqual([spec.command, ...spec.args]);
        expect(plan.credentials).toEqual({ uid: 65_534, gid: 65_534, groups: [], capabilities: 0n });
      }),
    );
  });

  it('never opens the way for device nodes, set-uid programs or writes into what is the host’s', () => {
    const { mounts } = compile({});
    for (const mount of mounts) {
      if ('attributes' in mount) {
        expect(mount.attributes, mount.target).toContain('noSuid');
        expect(
          mount.attributes.includes('noDevices') || /^\/dev(\/pts)?$/.test(mount.target),
          mount.target,
        ).toBe(true);
      }
      if (mount.kind === 'bind' && mount.target !== '/work') {
        expect(mount.attributes, mount.target).toContain('readOnly');
      }
    }
  });

  it('shows nothing of /home, /root, /run, /sys, /etc/shadow', () => {
    const shown = compile({}).mounts.map(({ target }) => target);
    for (const hidden of [
      '/home',
      '/root',
      '/run',
      '/sys',
      '/var/lib',
      '/etc',
      '/etc/shadow',
      '/etc/ssl/private',
    ]) {
      expect(shown).not.toContain(hidden);
    }
    expect(shown).toEqual(
      expect.arrayContaining(['/usr', '/etc/passwd', '/etc/alternatives', '/proc', '/work', '/tmp']),
    );
  });

  it('gives each mount a source that is open, and closes what it opened for the job', () => {
    const before = openDescriptors();
    const compiled = compileJob({ uuid: UUID, spec: PLAIN_SPEC, workPath }, context);
    const slots = compiled.plan.mounts.flatMap((mount) => (mount.kind === 'bind' ? [mount.source] : []));
    expect(slots.length).toBeGreaterThan(2);
    for (const slot of slots) {
      const source = compiled.sources.bySlot.get(slot);
      expect(readlinkSync(`/proc/self/fd/${source?.fd}`)).toMatch(/^\//);
    }
    compiled[Symbol.dispose]();
    expect(openDescriptors()).toEqual(before);
  });

  it('writes limits so that the kernel gives back the same text', () => {
    const limits = { cpuPercent: 50, cpuWeight: 7, memoryBytes: 64n * 2n ** 20n + 1n, pids: 20n };
    expect(compile({ limits }).limits.map(({ file, written }) => [file, written])).toEqual([
      ['cpu.max', '50000 100000'],
      ['cpu.weight', '7'],
      ['memory.max', '67108864'],
      ['memory.swap.max', '0'],
      ['memory.oom.group', '1'],
      ['pids.max', '20'],
    ]);
  });

  it('takes a limit of the configuration as asked for, unless the job sets its own', () => {
    const jobsConfig = jobsConfigSchema.parse({ limits: { pids: 100, cpu_percent: 200 } });
    const { limits } = compile({ limits: { pids: 5n } }, { jobsConfig });
    expect(limits.map(({ written }) => written)).toEqual(['200000 100000', '5']);
  });

  it('refuses a limit whose controller is not there, and nothing stays open', () => {
    const before = openDescriptors();
    const limitHost = {
      ...context.limitHost,
      controllerFault: (controller: string) =>
        controller === 'memory' ? { reason: 'it is mounted as cgroup v1', mend: 'Boot.' } : null,
    };
    expect(compile({ limits: { pids: 2n } }, { limitHost }).limits).toHaveLength(1);
    const needMemory = [
      ['memory.max', { memoryBytes: 2n ** 26n }],
      ['memory.high', { memoryHighBytes: 2n ** 26n }],
      ['memory.swap.max', { swapBytes: 2n ** 26n }],
      // Whose page it is that is written later, only the memory controller knows.
      ['memory.max', { ioBytesPerSecond: 2n ** 26n }],
    ] as const;
    for (const [file, limits] of needMemory) {
      expect(() => compile({ limits }, { limitHost })).toThrowError(
        `cgroup: limit ${file}: it is mounted as cgroup v1. Boot.`,
      );
    }
    expect(openDescriptors()).toEqual(before);
  });

  it('writes the processors as the kernel lists them, and compares what it uses', () => {
    const { limits } = compile({ limits: { cpuCores: '3,0,1-2,1' } });
    expect(limits).toEqual([
      { file: 'cpuset.cpus', written: '0-3', readBack: '0-3' },
      { file: 'cpuset.cpus.effective', written: '', readBack: '0-3' },
    ]);
    expect(() => compile({ limits: { cpuCores: '2-5,7' } })).toThrowError(
      'cgroup: limit cpuset.cpus: processor 4-5,7 is not there, is offline, or not for jobs. Choose from 0-3.',
    );
  });

  it('gives swap when it is asked for, and none to a job whose memory is limited', () => {
    const { limits } = compile({ limits: { memoryBytes: 2n ** 26n, swapBytes: 2n ** 20n + 1n } });
    expect(limits).toContainEqual({ file: 'memory.swap.max', written: '1048576', readBack: '1048576' });
    expect(compile({ limits: { swapBytes: 0n } }).limits.map(({ file }) => file)).toEqual([
      'memory.swap.max',
    ]);
  });

  it('refuses a memory.high that memory.max keeps from ever being reached', () => {
    const limits = { memoryBytes: 2n ** 26n, memoryHighBytes: 2n ** 26n + 1n };
    expect(() => compile({ limits })).toThrowError(/memory\.high/);
  });

  it('names the disk in io.max, and the file that its scheduler heeds in the weight', () => {
    const limits = { ioBytesPerSecond: 1_000_000n, ioWeight: 10_000 };
    const rate = '8:0 rbps=1000000 wbps=1000000';
    expect(compile({ limits }).limits).toEqual([
      { file: 'io.max', written: rate, readBack: `${rate} riops=max wiops=max` },
      { file: 'io.bfq.weight', written: '1000', readBack: 'default 1000' },
    ]);
    const limitHost = { ...context.limitHost, ioSharing: () => 'io.cost' as const };
    expect(compile({ limits: { ioWeight: 250 } }, { limitHost }).limits).toEqual([
      { file: 'io.weight', written: 'default 250', readBack: 'default 250' },
    ]);
  });

  it('refuses a weight that nothing heeds, and limits of a folder that lies on no disk', () => {
    const unheeded = { ...context.limitHost, ioSharing: () => undefined };
    expect(() => compile({ limits: { ioWeight: 100 } }, { limitHost: unheeded })).toThrowError(
      /io\.weight: it would be accepted and not enforced: nothing shares sda by weight here/,
    );
    const diskless = {
      ...context.limitHost,
      jobsDisk: () => ({ reason: 'lies on tmpfs', mend: 'Move it.' }),
    };
    expect(() => compile({ limits: { ioBytesPerSecond: 4096n } }, { limitHost: diskless })).toThrowError(
      'cgroup: limit io.max: lies on tmpfs. Move it.',
    );
  });

  it('refuses what can’t hold a job: one process, or root as its user', () => {
    expect(() => compile({ limits: { pids: 1n } })).toThrowError(/pids.max/);
    expect(() => compile({}, { jobsConfig: jobsConfigSchema.parse({ user: 0 }) })).toThrowError(
      /never runs as root/,
    );
  });

  it('refuses a /work that is gone, and nothing stays open', () => {
    const before = openDescriptors();
    const gone = join(workPath, 'gone');
    const job = { uuid: UUID, spec: PLAIN_SPEC, workPath: gone };
    expect(() => compileJob(job, context)).toThrowError(`mount: open ${gone}: ENOENT`);
    expect(openDescriptors()).toEqual(before);
  });

  it('builds the environment from nothing of the helper’s own', () => {
    const { environment } = compile({
      name: 'n',
      environment: { HOME: '/tmp', A: '1' },
      secretEnvironment: { S: 'x' },
    });
    expect(environment).toEqual([
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'HOME=/tmp',
      'USER=nobody',
      'LOGNAME=nobody',
      'SHELL=/bin/sh',
      'LANG=C.UTF-8',
      'TERM=dumb',
      'A=1',
      'S=x',
      `JOB_ID=${UUID}`,
      'JOBLET_JOB_NAME=n',
    ]);
  });
});
