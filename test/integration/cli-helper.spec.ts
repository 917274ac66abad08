/** The commands about the helper: start, status, stop, version, doctor. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, TestHelper } from './cli-harness.ts';

let helper: TestHelper;

beforeAll(async () => {
  helper = await TestHelper.start();
}, 60_000);

afterAll(async () => {
  await helper?.dispose();
}, 60_000);

describe('a helper that runs', () => {
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

describe('helper start', () => {
  it('installs and starts one under a root of its own, and finds it there the next time', async () => {
    const root = await mkdtemp(join(tmpdir(), 'jc-'));
    const joblet = (...words: string[]) => run(['--root', root, ...words]);
    try {
      const started = await joblet('helper', 'start');
      expect(started.stdout).toMatch(/^Helper started:\nPID: \d+\nBuild: [0-9a-f]{64}\n$/);
      expect(started.stderr).toContain('installing and starting the helper');
      expect(started.exitCode).toBe(0);
      const again = await joblet('helper', 'start', '--json');
      expect(JSON.parse(again.stdout)).toMatchObject({
        outcome: 'was running',
        pid: Number(/PID: (\d+)/.exec(started.stdout)?.[1]),
      });
      expect((await joblet('job', 'run', '--follow', 'echo', 'hi')).stdout).toBe('hi\n');
    } finally {
      await joblet('helper', 'stop');
      await rm(root, { recursive: true, force: true });
    }
  });
});
