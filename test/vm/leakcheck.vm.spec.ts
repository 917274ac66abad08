/** The leak check where jobs have limits: a part of its jobs, on a disk that the kernel can hold them to. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const JOBS = 12;

it('finds nothing left of jobs with every option and every limit', { timeout: 600_000 }, () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['test/leakcheck/main.ts', '--jobs', String(JOBS), '--without-plants'],
    { env: { ...process.env, TMPDIR: process.env.JOBLET_VM_DISK }, encoding: 'utf8' },
  );
  expect(status, stdout + stderr).toBe(0);
  expect(stdout).not.toContain('left out: limits');
});
