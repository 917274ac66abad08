/** Malformed command lines: a clear error, exit code 2, and nothing is sent (there is no helper to send it to). */
import { describe, expect, it } from 'vitest';
import { run } from './cli-harness.ts';

const NO_HELPER = ['--root', '/nonexistent'];

describe('bad input ends with exit code 2', () => {
  it.each([
    [['jub'], 'jub: is not a command of `joblet`. Did you mean job?'],
    [['job', 'rum'], 'rum: is not a command of `joblet job`. Did you mean run?'],
    [
      ['job', 'run', '--max-cpus', '1', 'true'],
      '--max-cpus: is not a flag of `joblet job run`. Did you mean --max-cpu?',
    ],
    [['job', 'run'], 'command: is missing'],
    [['job', 'run', ''], 'command: is missing or empty'],
    [['job', 'run', '--', ' '], 'command: is missing or empty'],
    [['job', 'run', '--name', 'two\nlines', 'true'], '--name: must not hold control characters'],
    [['job', 'run', '--max-cpu', '-1', 'true'], "--max-cpu: '-1' is not a whole number"],
    [['job', 'run', '--max-cpu=NaN', 'true'], "--max-cpu: 'NaN' is not a whole number"],
    [['job', 'run', '--max-cpu=1e400', 'true'], "--max-cpu: '1e400' is not a whole number"],
    [['job', 'run', '--max-cpu=18446744073709551616', 'true'], '--max-cpu: must be at most 409600'],
    [['job', 'run', '--max-memory=18446744073709551616', 'true'], '--max-memory: must be at most'],
    [['job', 'run', '--max-memory=0', 'true'], '--max-memory: must be at least 1 MB'],
    [['job', 'run', '--max-pids=18446744073709551616', 'true'], '--max-pids: must be at most 4194304'],
    [['job', 'run', '--timeout', '5', 'true'], "--timeout: '5' is not a length of time"],
    [['job', 'run', '-e', 'JOB_ID=1', 'true'], '--env JOB_ID: is reserved and cannot be set'],
    [['job', 'run', '-e', 'JOBLET_X=1', 'true'], '--env JOBLET_X: is reserved and cannot be set'],
    [['job', 'run', '-e', 'A-B=1', 'true'], '--env A-B: must be letters, digits and underscores'],
    [['job', 'run', '-s', `A=${'x'.repeat(32_769)}`, 'true'], '--secret-env A: must be at most 32768 bytes'],
    [['job', 'list', '--status', 'SLEEPING'], "--status: 'SLEEPING' is not a state"],
    [['job', 'list', '--limit', '0'], '--limit: must be at least 1'],
    [['job', 'log', '--offset', '-1', 'abcd'], "--offset: '-1' is not a whole number"],
    [['job', 'log', '--stream', 'stdin', 'abcd'], "'stdin' is invalid"],
    [['job', 'wait', '--timeout', 'soon', 'abcd'], "--timeout: 'soon' is not a length of time"],
    [['completion', 'tcsh'], "'tcsh' is invalid"],
    [['job', 'status'], 'id: is missing'],
    [['nodes', 'extra'], 'too many arguments'],
  ])('%#: %j', async (words, message) => {
    const { exitCode, stdout, stderr } = await run([...NO_HELPER, ...words]);
    expect(stderr).toContain(`joblet: `);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd()).not.toContain('\n');
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
  });

  it('is JSON with --json', async () => {
    const { exitCode, stderr } = await run([...NO_HELPER, 'job', 'run', '--json', '--max-cpu', '0', 'true']);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        kind: 'invalid',
        message: '--max-cpu: must be at least 1',
        object: '--max-cpu',
        cause: 'must be at least 1',
      },
    });
    expect(exitCode).toBe(2);
  });
});

describe('flags that this version knows and cannot honour', () => {
  it.each([['--gpu=1'], ['--gpu-memory=8GB'], ['--runtime=python']])('%s refuses the job', async (flag) => {
    const { exitCode, stdout, stderr } = await run([...NO_HELPER, 'job', 'run', flag, 'true']);
    const [name = ''] = flag.split('=');
    expect(stderr).toMatch(
      new RegExp(`^joblet: ${name}.*: this helper does not offer it yet, so the job was not started`),
    );
    expect(stdout).toBe('');
    expect(exitCode).toBe(125);
  });
});

describe('where no helper runs', () => {
  it('says so, and what to do', async () => {
    const { exitCode, stderr } = await run([...NO_HELPER, 'job', 'list']);
    expect(stderr).toMatch(/^joblet: .+\n$/);
    expect(stderr).toContain('helper start');
    expect(exitCode).toBe(1);
  });

  it('exits with 125 where a job code is awaited', async () => {
    expect((await run([...NO_HELPER, 'job', 'run', 'true'])).exitCode).toBe(125);
    expect((await run([...NO_HELPER, 'job', 'wait', 'abcd1234'])).exitCode).toBe(125);
  });

  it('still tells its version, and helps', async () => {
    const version = await run([...NO_HELPER, 'version']);
    expect(version.stdout).toMatch(/^joblet version \d+\.\d+\.\d+\nhelper version not reached /);
    expect(version.exitCode).toBe(0);
    const help = await run(['--help'], { program: 'rnx' });
    expect(help.stdout).toContain('Usage: rnx ');
  });

  it('examines the machine, and says what it could not ask', async () => {
    const { exitCode, stdout } = await run([...NO_HELPER, 'doctor']);
    expect(stdout).toMatch(/^STATE +REQUIRED +CHECK +FOUND\n-/);
    expect(stdout).toMatch(/^MISSING +yes +helper /m);
    expect(stdout).toContain('Not asked: what only the helper can see');
    expect(exitCode).toBe(1);
    const json = JSON.parse((await run([...NO_HELPER, 'doctor', '--json'])).stdout);
    expect(json).toMatchObject({ healthy: false, not_asked: expect.any(String) });
    expect(json.checks[0]).toMatchObject({ name: 'helper', available: false, required: true });
  });

  it('completes nothing, silently', async () => {
    const { exitCode, stdout, stderr } = await run([
      '__complete',
      '--',
      '--root',
      '/nonexistent',
      'job',
      'stop',
      '',
    ]);
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });
});
