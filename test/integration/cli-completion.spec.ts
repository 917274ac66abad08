/** Completion as bash does it, ids included; and the commands about helper and configuration. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIST, TestHelper } from './cli-harness.ts';

const JOBLET = join(DIST, 'joblet');

let helper: TestHelper;

beforeAll(async () => {
  helper = await TestHelper.start();
}, 60_000);

afterAll(async () => {
  await helper?.dispose();
}, 60_000);

/** What bash has in COMPREPLY after a Tab behind these words. */
async function complete(...words: string[]): Promise<string[]> {
  const script = `
    source <("$1" completion bash) || exit
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    compopt() { :; }
    _joblet_complete
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)('bash', ['-c', script, 'bash', JOBLET, ...words]);
  return stdout.split('\n').filter((line) => line !== '');
}

describe('completion in bash', () => {
  it('offers commands and flags', async () => {
    expect(await complete('job', 'sta')).toEqual(['status']);
    expect(await complete('job', 'run', '--max-c')).toEqual(['--max-cpu']);
  });

  it('offers the ids of the jobs that the command is for', async () => {
    const running = await helper.submit('sleep', '64');
    const ended = await helper.submit('true');
    await helper.run('job', 'wait', ended);
    const ids = (command: string, typed = '') => complete('--root', helper.root, 'job', command, typed);
    expect(await ids('status')).toEqual([ended, running]);
    expect(await ids('stop')).toEqual([running]);
    expect(await ids('delete')).toEqual([ended]);
    expect(await ids('status', ended.slice(0, 6))).toEqual([ended]);
    await helper.run('job', 'stop', '--grace', '0s', running);
  });
});

describe('scripts for the other shells', () => {
  it.each(['zsh', 'fish'])('%s', async (shell) => {
    const { stdout, exitCode } = await helper.run('completion', shell);
    expect(stdout).toContain('__complete -- ');
    expect(exitCode).toBe(0);
  });
});

describe('helper', () => {
  it('status tells of the process', async () => {
    const { stdout, exitCode } = await helper.run('helper', 'status');
    expect(stdout).toMatch(/^Helper: running\nVersion: \d+\.\d+\.\d+\nBuild: [0-9a-f]{64}\nPID: \d+\n/);
    expect(stdout).toContain(`Root: ${helper.root}\n`);
    expect(exitCode).toBe(0);
    expect(await helper.json('helper', 'status')).toMatchObject({ running: true, root: helper.root });
  });

  it('version tells of both', async () => {
    const { stdout } = await helper.run('version');
    expect(stdout).toMatch(
      /^joblet version \d+\.\d+\.\d+\nhelper version \d+\.\d+\.\d+ \(build [0-9a-f]{12}\)\n$/,
    );
    expect(await helper.json('version')).toMatchObject({
      helper: { build_id: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  it('doctor asks it', async () => {
    const { stdout } = await helper.run('doctor');
    expect(stdout).toMatch(/^ok +yes +helper +answers$/m);
    const { checks } = await helper.json('doctor');
    expect(checks.length).toBeGreaterThan(3);
    expect(checks[1]).toEqual({
      name: expect.any(String),
      available: expect.any(Boolean),
      required: expect.any(Boolean),
      found: expect.any(String),
      mend: expect.any(String),
    });
  });

  it('stop ends it, and a job goes on', async () => {
    const uuid = await helper.submit('sleep', '65');
    const { stdout, exitCode } = await helper.run('helper', 'stop');
    expect(stdout).toContain('Helper stopped.');
    expect(exitCode).toBe(0);
    expect((await helper.run('helper', 'status')).exitCode).toBe(1);
    await helper.resume();
    expect((await helper.json('job', 'status', uuid)).status).toBe('RUNNING');
    await helper.run('job', 'stop', '--grace', '0s', uuid);
  });
});
