/** The commands about the helper: start, status, stop, version, doctor. */
import { readdir, rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { CommandLine, run } from './cli-harness.ts';

const joblet = CommandLine.forFile();

describe('a helper that runs', () => {
  it('status tells of the process', async () => {
    const { stdout, exitCode } = await joblet.run('helper', 'status');
    expect(stdout).toMatch(/^Helper: running\nVersion: \d+\.\d+\.\d+\nBuild: [0-9a-f]{64}\nPID: \d+\n/);
    expect(stdout).toContain(`Root: ${joblet.root}\n`);
    expect(exitCode).toBe(0);
    expect(await joblet.json('helper', 'status')).toMatchObject({ running: true, root: joblet.root });
  });

  it('version tells of both', async () => {
    const { stdout } = await joblet.run('version');
    expect(stdout).toMatch(
      /^joblet version \d+\.\d+\.\d+\nhelper version \d+\.\d+\.\d+ \(build [0-9a-f]{12}\)\n$/,
    );
    expect(await joblet.json('version')).toMatchObject({
      helper: { build_id: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  it('doctor asks it', async () => {
    const { stdout } = await joblet.run('doctor');
    expect(stdout).toMatch(/^ok +yes +helper +answers$/m);
    const { checks } = await joblet.json('doctor');
    expect(checks.length).toBeGreaterThan(3);
    expect(checks[1]).toEqual({
      name: expect.any(String),
      available: expect.any(Boolean),
      required: expect.any(Boolean),
      found: expect.any(String),
      mend: expect.any(String),
    });
  });

  it('doctor measures what a job costs here, and leaves nothing behind', async () => {
    const before = await joblet.json('job', 'list');
    const { checks } = await joblet.json('doctor');
    const found = (name: string) => checks.find((check: { name: string }) => check.name === name)?.found;
    expect(found('cost of a start')).toMatch(/^\d+\.\d ms for a job that does nothing/);
    for (const level of [1, 2, 3]) {
      expect(found(`cost of level ${level}`)).toMatch(/^[+−]\d+ ns a system call, which takes [1-9]\d* ns/);
    }
    expect(await joblet.json('job', 'list')).toEqual(before);
    expect(await readdir(pathsUnder(joblet.root).jobsDirectory)).toEqual([]);
  });

  it('stop ends it, and a job goes on', async () => {
    const uuid = await joblet.submit('sleep', '65');
    const { stdout, exitCode } = await joblet.run('helper', 'stop');
    expect(stdout).toContain('Helper stopped.');
    expect(exitCode).toBe(0);
    expect((await joblet.run('helper', 'status')).exitCode).toBe(1);
    await joblet.helper.startAgain();
    expect((await joblet.json('job', 'status', uuid)).status).toBe('RUNNING');
    await joblet.run('job', 'stop', '--grace', '0s', uuid);
  });
});

describe('helper start', () => {
  it('installs and starts one under a root of its own, and finds it there the next time', async () => {
    const root = temporaryRoot();
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
