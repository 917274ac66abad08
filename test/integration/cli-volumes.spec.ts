import { describe, expect, it } from 'vitest';
import { CommandLine } from './cli-harness.ts';

const joblet = CommandLine.forFile();

describe('volume', () => {
  it('create, list, job run --volume, remove: in the words that scripts know', async () => {
    expect((await joblet.run('volume', 'list')).stdout).toBe('No volumes found\n');
    expect(await joblet.json('volume', 'list')).toEqual([]);
    const created = await joblet.run('volume', 'create', 'cache', '--size', '8MB', '--type', 'memory');
    expect(created.stdout).toBe(
      'Volume created successfully:\nName: cache\nSize: 8 MB\nType: memory\nPath: /volumes/cache\n',
    );
    const { stdout } = await joblet.run(
      'job',
      'run',
      '-f',
      '--volume=cache',
      'echo x >/volumes/cache/f; ls /volumes/*',
    );
    expect(stdout).toBe('f\n');
    const list = await joblet.run('volume', 'list');
    expect(list.stdout).toMatch(
      /^NAME +SIZE +TYPE +CREATED +USED +JOBS\n-+ .*\ncache +8 MB +memory +\d{4}-.* 4\.0 KB +0\n$/,
    );
    const uuid = await joblet.submit('--volume', 'cache:ro', 'sleep', '60');
    expect((await joblet.run('job', 'status', uuid)).stdout).toContain('\nVolumes: cache:ro\n');
    expect(await joblet.json('job', 'status', uuid)).toMatchObject({ volumes: ['cache:ro'] });
    const used = await joblet.run('volume', 'remove', 'cache');
    expect(used.stderr).toContain('is used by 1 job that has not ended');
    expect(used.exitCode).toBe(1);
    await joblet.run('job', 'stop', '--grace', '0s', uuid);
    expect((await joblet.run('volume', 'remove', 'cache')).stdout).toBe(
      "Volume 'cache' removed successfully\n",
    );
  });

  it.each([
    [['create', 'data'], /^joblet: --size: is missing/, 2],
    [['create', 'data', '--size', 'NaN'], /^joblet: --size: 'NaN' is not a size/, 2],
    [['create', 'data', '--size', '1GB', '--type', 'cloud'], /^joblet: --type: 'cloud' is no type/, 2],
    [['create', '../data', '--size', '1GB'], /must be 1 to 63 letters/, 2],
    [['create', 'data', '--size', '18446744073709551615TB'], /--size: must be 1 MB to 16777216 MB/, 2],
    [['create', 'data', '--size', '0'], /--size: must be 1 MB to 16777216 MB/, 2],
    [['remove', 'nothing'], /there is no such volume/, 1],
  ])('%j is refused with words', async (words, message, code) => {
    const { stderr, exitCode } = await joblet.run('volume', ...words);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(code);
  });
});
