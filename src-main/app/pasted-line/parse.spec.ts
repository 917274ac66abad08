import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JobletError } from '../../../native-helper/api/errors.ts';
import { jobSpecSchema, MAX_DURATION_MS } from '../../../native-helper/api/job-spec.ts';
import { commandLineOf } from '../../../src-renderer/jobs/job-page/command-line.ts';
import { anyJobSpec } from '../../../test/fixtures/any-job-spec.ts';
import { PLAIN_SPEC } from '../../../test/fixtures/job-spec.ts';
import { REQUESTS } from '../../ipc/contract.ts';
import { parsePastedLine } from './parse.ts';

const refusalOf = (line: string) =>
  parsePastedLine(line).then(
    () => expect.fail(`${line} was taken`),
    (error: unknown) => {
      expect(error).toBeInstanceOf(JobletError);
      return error as JobletError;
    },
  );

describe('a pasted line of joblet', () => {
  it('asks for what it asks for in a terminal', async () => {
    const { spec, remarks } = await parsePastedLine(
      `$ joblet job run --name=build --max-memory 1GB --max-cpu=150 --env A='b c' --timeout=2m -- make -j8 "all of it"`,
    );
    expect(spec).toEqual({
      ...PLAIN_SPEC,
      name: 'build',
      command: 'make',
      args: ['-j8', 'all of it'],
      limits: { memoryBytes: 2n ** 30n, cpuPercent: 150 },
      environment: { A: 'b c' },
      timeoutMs: 120_000n,
    });
    expect(remarks).toEqual([]);
  });

  it('means the same job as the one that the line was made of', async () => {
    const value = fc
      .string({ unit: 'binary' })
      .filter((each) => !each.includes('\0') && each !== '***' && each.isWellFormed());
    const name = fc.stringMatching(/^[A-IK-Z_][A-Z0-9_]{0,4}$/);
    const asked = fc.record({
      command: fc.constantFrom('make', './a b', "it's", 'é'),
      args: fc.array(value, { minLength: 1, maxLength: 3 }),
      environment: fc.dictionary(name, value, { maxKeys: 2 }),
      stopGraceMs: fc.bigInt({ min: 0n, max: 10_000_000n }),
    });
    await fc.assert(
      fc.asyncProperty(asked, async (changes) => {
        const spec = jobSpecSchema.parse({ ...PLAIN_SPEC, ...changes });
        expect((await parsePastedLine(commandLineOf(spec))).spec).toEqual(spec);
      }),
    );
  });

  it('means the same job, whatever of a job it asks for', async () => {
    // A word alone with white space is a line of shell there, so `env` stands before it.
    const asked = anyJobSpec.filter(({ command, args }) => args.length > 0 || !/\s/.test(command));
    await fc.assert(
      fc.asyncProperty(asked, async (spec) => {
        expect((await parsePastedLine(commandLineOf(spec))).spec).toEqual(spec);
      }),
    );
  });

  it('is the first command of its line, and says what was left out', async () => {
    const { spec, remarks } = await parsePastedLine(
      'A=1 sudo rnx job run --config ~/c.yml -- echo "$HOME" *.c | tee log # why',
    );
    expect(spec).toMatchObject({ command: 'echo', args: ['$HOME', '*.c'] });
    expect(remarks).toEqual([
      expect.stringContaining('--config is left out'),
      expect.stringContaining('Variables set before the command'),
      'A shell would have replaced `$HOME`, `*`; here it stands as it was typed.',
      '`| tee log # why` belongs to the shell and was left out.',
    ]);
  });

  it('says nothing of a comment', async () => {
    expect((await parsePastedLine('joblet job run -- true  # it is\n')).remarks).toEqual([]);
  });
});

describe('a pasted line of docker', () => {
  it('becomes the job that it would have been', async () => {
    const { spec, remarks } = await parsePastedLine(
      'docker run -it --rm -e CC=clang -eA=1 --env B --cpus=1.5 -m 512m --pids-limit -1 -w /work/src \\\n' +
        "  --name build -v $PWD:/src -v /data:/in:ro,z -v /etc/x:/etc/x gcc:14 sh -c 'make && make test'",
    );
    expect(spec).toEqual({
      ...PLAIN_SPEC,
      name: 'build',
      command: 'sh',
      args: ['-c', 'make && make test'],
      environment: { CC: 'clang', A: '1' },
      limits: { cpuPercent: 150, memoryBytes: 512n * 2n ** 20n },
      workDir: '/work/src',
      terminal: { columns: 80, rows: 24 },
      mounts: [{ source: '/data', target: '/in', readOnly: true }],
    });
    expect(remarks).toEqual([
      expect.stringContaining('The image `gcc:14` is left out'),
      expect.stringContaining("`B` was to be taken from the terminal's environment"),
      expect.stringContaining('`$PWD:/src` is left out'),
      expect.stringContaining('`/etc/x:/etc/x` is left out'),
      expect.stringMatching(/`--rm`.*until it is deleted/),
    ]);
  });

  it.each([
    ['--entrypoint make image -j8', 'make', ['-j8']],
    ['-- image ls', 'ls', []],
    ['-d=false --init=true image ls', 'ls', []],
    ['--restart=no -uroot image ls -la', 'ls', ['-la']],
    ['--entrypoint "" image ls -l', 'ls', ['-l']],
  ])('takes flags as docker does: %s', async (words, command, args) => {
    expect((await parsePastedLine(`podman container run ${words}`)).spec).toMatchObject({ command, args });
  });

  it.each([
    ['--cpus=".5"', { limits: { cpuPercent: 50 } }],
    ['--cpus 2.', { limits: { cpuPercent: 200 } }],
    ['-m .5g', { limits: { memoryBytes: 2n ** 29n } }],
    ['-m 1g --memory-swap 3g', { limits: { memoryBytes: 2n ** 30n, swapBytes: 2n ** 31n } }],
    ['-m 1g --memory-swap 1g', { limits: { memoryBytes: 2n ** 30n, swapBytes: 0n } }],
    ['-m 1g --memory-swap -1', { limits: { memoryBytes: 2n ** 30n, swapBytes: 2n ** 62n } }],
    ['-m 1g --memory-swap 0', { limits: { memoryBytes: 2n ** 30n } }],
    ['--cpuset-cpus 0-2,4', { limits: { cpuCores: '0-2,4' } }],
    ['-c 1024', { limits: { cpuWeight: 100 } }],
    ['--cpu-shares=512', { limits: { cpuWeight: 59 } }],
    ['-c 1', { limits: { cpuWeight: 1 } }],
    ['-c 999999', { limits: { cpuWeight: 10_000 } }],
    ['-c 0', { limits: {} }],
    ['--stop-timeout 20', { stopGraceMs: 20_000n }],
    ['--stop-timeout 0', { stopGraceMs: 1n }],
    ['--stop-timeout -1', { stopGraceMs: MAX_DURATION_MS }],
  ])('means what docker means by %s', async (flags, changes) => {
    const { spec, remarks } = await parsePastedLine(`docker run ${flags} image ls`);
    expect(spec).toEqual({ ...PLAIN_SPEC, command: 'ls', ...changes });
    expect(remarks).toHaveLength(1);
  });

  it.each([
    ['--rm=1', true],
    ['--rm=True', true],
    ['--rm=0', false],
    ['--rm=F', false],
  ])('takes %s as Go does', async (flag, isOn) => {
    const { remarks } = await parsePastedLine(`docker run ${flag} image ls`);
    expect(remarks.some((remark) => remark.includes('--rm'))).toBe(isOn);
  });

  it.each([
    'sudo -E docker',
    'sudo -nu root -- docker',
    'sudo --preserve-env=A,B --user=root docker',
    'docker --debug --log-level=info',
    '/usr/bin/podman --log-level debug',
  ])('is found behind flags of other kinds: %s', async (beginning) => {
    const { spec, remarks } = await parsePastedLine(`${beginning} run image ls -l`);
    expect(spec).toMatchObject({ command: 'ls', args: ['-l'] });
    expect(remarks).toHaveLength(1);
  });

  it('says nothing twice', async () => {
    const { remarks } = await parsePastedLine('docker run -e A -t -e A -t image ls');
    expect(new Set(remarks).size).toBe(remarks.length);
  });

  it('says that a job runs on this machine, wherever docker would have run it', async () => {
    const { remarks } = await parsePastedLine('docker --context far -H ssh://host run image ls');
    expect(remarks.at(-1)).toMatch(/`--context far`, `-H ssh:\/\/host`.*on this machine/);
  });

  it.each([
    ['docker run', 'names no image'],
    ['docker run --rm=maybe image ls', 'neither true nor false'],
    ['docker run -c -1 image ls', 'is not a whole number'],
    ['docker run --cpus . image ls', 'is not a number of processors'],
    ['docker --nonsense run image ls', 'is not a flag of `docker`'],
    ['sudo --nonsense docker run image ls', 'is not a flag of `sudo`'],
    ['docker run --name', 'needs a value'],
    ['docker run image', 'names no command'],
    ['docker run --nonsense image ls', 'is not a flag'],
    ['docker run --cpus=lots image ls', 'is not a number of processors'],
    ['docker run -m 1x image ls', 'is not a size'],
    ['docker run -m 1k image ls', ''],
    ['docker run -e 1A=x image ls', ''],
    ['docker run -w src image ls', 'must be an absolute path'],
    ['docker ps', 'does not run anything'],
  ])('is refused with the reason: %s', async (line, reason) => {
    expect((await refusalOf(line)).details.reason).toContain(reason);
  });
});

describe('what is no such line', () => {
  it.each([
    '',
    '   ',
    'make -j8',
    'toString job run',
    '__proto__ x',
    'joblet',
    'joblet --help',
    'joblet --version',
    'joblet job run --help',
    'joblet job list',
    'joblet job run',
    'joblet job run --no-such-flag -- x',
    'A=1 B=2',
    'sudo',
    "docker run image 'a",
    'docker run image "$(a"',
    `docker run image ${'x '.repeat(20_000)}`,
    `docker run --memory=${'9'.repeat(30)}g image a`,
    `docker run --stop-timeout=${'9'.repeat(30)} image a`,
    'docker run image a\0b',
  ])('is refused as invalid, in words: %.40j', async (line) => {
    const { kind, details } = await refusalOf(line);
    expect(kind).toBe('invalid');
    expect(details.reason).not.toBe('');
  });

  it('is refused or becomes a job that can be asked for, whatever is pasted', async () => {
    const word = fc.oneof(
      fc.constantFrom(
        'docker',
        'run',
        'joblet',
        'job',
        '--',
        '-e',
        '-e=',
        '--env',
        'sudo',
        '-m',
        '5',
        '-it',
        '--name=',
        '-',
        '$(',
        '"',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    const beginning = fc.constantFrom(
      '',
      'docker run ',
      'docker run image ',
      'joblet job run ',
      'joblet job run -- ',
    );
    await fc.assert(
      fc.asyncProperty(beginning, fc.array(word, { maxLength: 8 }), async (start, words) => {
        const line = start + words.join(' ');
        const outcome = await parsePastedLine(line).catch((error: unknown) => error);
        if (outcome instanceof JobletError) {
          expect(outcome.kind).toBe('invalid');
        } else {
          expect(REQUESTS['jobs.parse'].response.parse(outcome)).toEqual(outcome);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is told at once even of a line of a megabyte that is all expansions', async () => {
    const names = (length: number, start: number) =>
      Array.from({ length }, (_, index) => `$a${start + index}`).join('');
    const words = Array.from({ length: 50 }, (_, index) => names(2500, index * 2500));
    const before = process.cpuUsage();
    await parsePastedLine(`docker run -v ${names(2500, 1_000_000)} image x ${words.join(' ')}`);
    // Of processor time, which is the same on a busy machine.
    expect(process.cpuUsage(before).user).toBeLessThan(3_000_000);
  });
});
