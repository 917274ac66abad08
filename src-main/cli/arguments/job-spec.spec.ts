import { describe, expect, it } from 'vitest';
import {
  NETWORK_NAME_RULE,
  PORT_LIST_RULE,
  PUBLISHED_RULE,
  PUBLISHED_WHERE,
} from '../../../native-helper/api/networks.ts';
import { type JobSpecFlags, jobSpecOf } from './job-spec.ts';

const FILES: Readonly<Record<string, string>> = {
  many: Array.from({ length: 10_000 }, (_, index) => `V${index}=\n`).join(''),
  long: `A=${'x'.repeat(32_769)}`,
};
const SOURCES = { variable: () => undefined, file: (path: string) => FILES[path] ?? '' };
const VOLUME_NAME = '--volume: must be 1 to 63 letters, digits, - _ . and begin with a letter or digit';
const LABEL_VALUE =
  '--label team: must be empty or up to 63 letters, digits, - _ . with a letter or digit at both ends';

describe('jobSpecOf', () => {
  it('carries every flag in the unit of the specification', () => {
    const spec = jobSpecOf(
      {
        name: 'build',
        maxCpu: '150',
        cpuWeight: '50',
        maxMemory: '256',
        maxPids: '64',
        cpuCores: '0-3,8',
        memoryHigh: '200',
        maxSwap: '0',
        maxIobps: '1000000',
        ioWeight: '200',
        env: ['A=1'],
        secretEnv: ['TOKEN=x'],
        timeout: '1h',
        stopGrace: '5s',
        workdir: '/work/src',
        hostname: 'box',
        volume: ['data', 'cache:ro'],
        label: ['team=core', 'example.com/stage='],
        retry: '3:10s:2',
        network: 'bridge',
        publish: ['8080:80'],
        allowConnect: 'none',
        allowBind: '80',
        require: ['landlock-scopes'],
        upload: ['/data/in.csv', '/data/'],
        uploadDir: ['/data/more'],
      },
      ['make', '-j2'],
      SOURCES,
    );
    expect(spec).toEqual({
      name: 'build',
      command: 'make',
      args: ['-j2'],
      environment: { A: '1' },
      secretEnvironment: { TOKEN: 'x' },
      limits: {
        cpuPercent: 150,
        cpuWeight: 50,
        memoryBytes: 268_435_456n,
        pids: 64n,
        cpuCores: '0-3,8',
        memoryHighBytes: 209_715_200n,
        swapBytes: 0n,
        ioBytesPerSecond: 1_000_000n,
        ioWeight: 200,
      },
      timeoutMs: 3_600_000n,
      stopGraceMs: 5000n,
      stdin: false,
      workDir: '/work/src',
      hostname: 'box',
      volumes: [
        { name: 'data', readOnly: false },
        { name: 'cache', readOnly: true },
      ],
      labels: { team: 'core', 'example.com/stage': '' },
      startAtUs: 0n,
      retry: { attempts: 3, delayMs: 10_000n, backoff: 2 },
      network: 'bridge',
      ports: ['8080:80'],
      require: ['landlock-scopes'],
      tcpPorts: { connect: '', bind: '80' },
      mounts: [],
      workBytes: 0n,
      logOverflow: 0,
      uploads: ['/data/in.csv', '/data', '/data/more'],
    });
  });

  it('asks for nothing that was not asked for', () => {
    expect(jobSpecOf({}, ['true'], SOURCES).limits).toEqual({});
  });

  const refused: readonly (readonly [JobSpecFlags, string | RegExp])[] = [
    [{ network: '../etc' }, `--network: ${NETWORK_NAME_RULE}`],
    [{ network: 'bridge', publish: ['80'] }, `--publish: ${PUBLISHED_RULE}`],
    [{ network: 'bridge', publish: ['70000:80'] }, `--publish: ${PUBLISHED_RULE}`],
    [{ publish: ['8080:80'] }, `--publish: ${PUBLISHED_WHERE}`],
    [{ allowBind: '80-' }, `--allow-bind: ${PORT_LIST_RULE}`],
    [{ allowConnect: '1-65535' }, `--allow-connect: ${PORT_LIST_RULE}`],
    [{ require: ['luck'] }, '--require: must be one of landlock-scopes'],
    [{ maxCpu: '0' }, '--max-cpu: must be at least 1'],
    [{ maxCpu: '-1' }, "--max-cpu: '-1' is not a whole number"],
    [{ maxCpu: 'NaN' }, "--max-cpu: 'NaN' is not a whole number"],
    [{ maxCpu: '1e400' }, "--max-cpu: '1e400' is not a whole number"],
    [{ maxCpu: '18446744073709551616' }, '--max-cpu: must be at most 409600'],
    [{ maxMemory: '0' }, '--max-memory: must be at least 1 MB'],
    [{ maxMemory: '18446744073709551616' }, '--max-memory: must be at most 4398046511104 MB'],
    [{ maxPids: '18446744073709551616' }, '--max-pids: must be at most 4194304'],
    [{ maxIobps: '0' }, '--max-iobps: must be at least 4096'],
    [{ maxIobps: 'NaN' }, "--max-iobps: 'NaN' is not a whole number"],
    [{ maxIobps: '18446744073709551616' }, '--max-iobps: must be at most 4611686018427387904'],
    [{ ioWeight: '0' }, '--io-weight: must be at least 1'],
    [{ memoryHigh: '0' }, '--memory-high: must be at least 1 MB'],
    [{ maxSwap: '18446744073709551616' }, '--max-swap: must be at most 4398046511104 MB'],
    ...['', ' ', '0-', '-1', '0,', '1-2-3', '0x1', '1e3', 'NaN', 'all'].map(
      (cpuCores) => [{ cpuCores }, '--cpu-cores: must be a list of processors, such as 0-3 or 1,3'] as const,
    ),
    [{ cpuCores: '3-1' }, '--cpu-cores: must not hold a range that ends before it begins'],
    [{ cpuCores: '0-8192' }, '--cpu-cores: must not hold a number above 8191'],
    [{ cpuCores: Array(100).fill('10').join(',') }, '--cpu-cores: must be at most 255'],
    [{ cpuWeight: '10001' }, '--cpu-weight: must be at most 10000'],
    [{ timeout: '0s' }, '--timeout: must be at least 1ms. Leave it out for the default.'],
    [{ timeout: '8761h' }, '--timeout: must be at most 8760h'],
    [{ name: 'a\nb' }, '--name: must not hold control characters or line breaks'],
    [{ name: 'a\0b' }, '--name: must not hold a NUL character'],
    [{ name: 'x'.repeat(129) }, '--name: must be at most 128 bytes'],
    [{ env: ['JOB_ID=1'] }, '--env JOB_ID: is reserved and cannot be set'],
    [{ secretEnv: ['JOBLET_X=1'] }, '--secret-env JOBLET_X: is reserved and cannot be set'],
    [{ env: ['1A=x'] }, '--env 1A: must be letters, digits and underscores, and not begin with a digit'],
    [{ env: [`A=${'x'.repeat(32_769)}`] }, '--env A: must be at most 32768 bytes'],
    [{ env: ['A=1'], secretEnv: ['A=2'] }, '--secret-env A: is set as a plain variable too'],
    [{ workdir: 'relative' }, '--workdir: must be an absolute path'],
    [{ label: ['team'] }, '--label team: is no KEY=VALUE'],
    [{ label: ['=x'] }, '--label =x: is no KEY=VALUE'],
    [{ label: [`team=${'x'.repeat(64)}`] }, LABEL_VALUE],
    [{ label: ['team=a b'] }, LABEL_VALUE],
    [{ label: Array.from({ length: 65 }, (_, index) => `l${index}=`) }, '--label: must be at most 64 labels'],
    [{ schedule: 'tomorrow' }, /^--schedule: 'tomorrow' is not a time/],
    [{ schedule: '0s' }, "--schedule: '0s' must be at least 1s from now"],
    [{ schedule: '366d' }, "--schedule: '366d' must be within a year"],
    [{ schedule: '18446744073709551616s' }, /^--schedule: '18446744073709551616s' is not a time/],
    [{ retry: '0' }, '--retry: must be at least 1. Leave it out for one attempt only.'],
    [{ retry: '101' }, '--retry: must be at most 100'],
    [{ retry: '1:2:3:4' }, "--retry: '1:2:3:4' has too many parts. Write N, N:TIME or N:TIME:FACTOR."],
    [{ retry: '1:8761h' }, '--retry: must be at most 8760h'],
    [{ retry: '1:1s:11' }, '--retry: must be at most 10'],
    [{ retry: 'NaN' }, "--retry: 'NaN' is not a whole number"],
    [
      { env: Array.from({ length: 10_000 }, (_, index) => `V${index}=`) },
      '--env: must be at most 4096 variables',
    ],
    [{ envFile: ['many'] }, '--env-file many: must be at most 4096 variables'],
    [{ envFile: ['long'] }, '--env-file long A: must be at most 32768 bytes'],
    [{ volume: ['data:rx'] }, '--volume data:rx: is no volume. Write NAME, or NAME:ro for one to read only.'],
    [{ volume: ['../etc'] }, VOLUME_NAME],
    [{ volume: ['..'] }, VOLUME_NAME],
    [{ volume: ['a/b'] }, VOLUME_NAME],
    [{ volume: ['é'] }, VOLUME_NAME],
    [{ volume: ['x'.repeat(10_000)] }, VOLUME_NAME],
    [{ volume: ['a', 'a:ro'] }, '--volume: names one twice'],
    [{ hostname: 'two words' }, '--hostname: must be a host name label'],
  ];
  it.each(refused)('refuses %# with its flag', (flags, message) => {
    expect(() => jobSpecOf(flags, ['true'], SOURCES)).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      }),
    );
  });

  it('takes a value of exactly the greatest size', () => {
    expect(jobSpecOf({ env: [`A=${'x'.repeat(32_768)}`] }, ['true'], SOURCES).environment.A).toHaveLength(
      32_768,
    );
  });
});
