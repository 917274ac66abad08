/** Init mode: the executor that ran a job, run by hand with the same plan (ADR-001). */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobDirectoryOf, pathsUnder } from '../../native-helper/api/paths.ts';
import { HELPER } from '../fixtures/dist.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

let helper: RunningHelper;
let folder: string;
beforeAll(async () => {
  helper = await RunningHelper.start();
  const client = await helper.connect();
  const { uuid } = await client.jobs.runJob({
    spec: { command: 'sh', args: ['-c', 'echo out; echo err >&2; pwd; exit 7'] },
  });
  for await (const chunk of client.followLogs({ id: uuid, signal: AbortSignal.timeout(20_000) })) {
    expect(chunk.data.length).toBeGreaterThan(0);
  }
  client.close();
  await helper.stop();
  folder = jobDirectoryOf(pathsUnder(helper.root), uuid);
});
afterAll(() => helper?.[Symbol.asyncDispose]());

const replay = (manifest: string, plan: Buffer) =>
  spawnSync(HELPER, ['--manifest', manifest], {
    input: plan,
    env: { JOBLET_MODE: 'init' },
    encoding: 'utf8',
    timeout: 20_000,
  });

describe('a replay', () => {
  const manifest = () => join(folder, 'manifest.json');
  const plan = () => readFileSync(join(folder, 'plan'));

  it('runs the job again, with its output and its exit code', () => {
    const { status, stdout, stderr } = replay(manifest(), plan());
    expect(status).toBe(7);
    expect(stdout).toBe('out\n/work\n');
    expect(stderr).toContain('err\n');
  });

  it('refuses a plan that is cut short, before anything is done', () => {
    const { status, stdout } = replay(manifest(), plan().subarray(0, 200));
    expect(status).toBe(125);
    expect(stdout).toBe('');
  });

  it('refuses a manifest of another build', () => {
    const changed = join(helper.root, 'manifest.json');
    const value = JSON.parse(readFileSync(manifest(), 'utf8'));
    writeFileSync(changed, JSON.stringify({ ...value, build: 'f'.repeat(64) }));
    const { status, stderr } = replay(changed, plan());
    expect(status).toBe(1);
    expect(stderr).toContain('was written by build ffff');
  });

  it('refuses a manifest that is not there', () => {
    expect(replay('/nowhere', plan()).stderr).toContain('/nowhere: ENOENT');
  });
});
