/** Completion as bash does it, ids included. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { JOBLET } from '../fixtures/dist.ts';
import { CommandLine } from './cli-harness.ts';

const joblet = CommandLine.forFile();

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
    const running = await joblet.submit('sleep', '64');
    const ended = await joblet.submit('true');
    await joblet.run('job', 'wait', ended);
    const ids = (command: string, typed = '') => complete('--root', joblet.root, 'job', command, typed);
    expect(await ids('status')).toEqual([ended, running]);
    expect(await ids('stop')).toEqual([running]);
    expect(await ids('delete')).toEqual([ended]);
    expect(await ids('status', ended.slice(0, 6))).toEqual([ended]);
    await joblet.run('job', 'stop', '--grace', '0s', running);
  });
});

describe('scripts for the other shells', () => {
  it.each(['zsh', 'fish'])('%s', async (shell) => {
    const { stdout, exitCode } = await joblet.run('completion', shell);
    expect(stdout).toContain('__complete -- ');
    expect(exitCode).toBe(0);
  });
});
