/** `--schedule`, `--retry`, `--label` and the ways of giving variables, as a person types them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandLine, run } from './cli-harness.ts';

const joblet = CommandLine.forFile();

describe('job run --schedule', () => {
  it('tells when, in text and as JSON, and job cancel ends it', async () => {
    const { stdout } = await joblet.run('job', 'run', '--schedule=2h30m', '--label', 'team=core', 'true');
    expect(stdout).toMatch(
      /^Job submitted:\nID: \S+\nCommand: true\nStatus: SCHEDULED\nScheduled: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n$/,
    );
    const [, uuid = ''] = /ID: (\S+)/.exec(stdout) ?? [];
    const status = await joblet.run('job', 'status', uuid);
    expect(status.stdout).toMatch(
      /Scheduling Information:\n {2}Scheduled: \d{4}.*\n {2}Waiting For: its start at \d{4}/,
    );
    expect(status.stdout).toContain('Labels:\n  team=core\n');
    const [row] = await joblet.json('job', 'list', '--label=team', '--status=SCHEDULED');
    expect(row).toMatchObject({ id: uuid, status: 'SCHEDULED', labels: { team: 'core' } });
    expect(Date.parse(row.scheduled_time) - Date.now()).toBeGreaterThan(8_900_000);
    expect(await joblet.json('job', 'list', '--label=team=other')).toEqual([]);
    const canceled = await joblet.run('job', 'cancel', uuid.slice(0, 8));
    expect(canceled.stdout).toBe(`Job canceled successfully:\nID: ${uuid}\nStatus: CANCELED\n`);
    const again = await joblet.run('job', 'cancel', uuid);
    expect(again.stderr).toContain('only what is SCHEDULED can be canceled');
    expect(again.exitCode).toBe(1);
  });

  it('and --follow waits for the start, the output and the end', async () => {
    const { stdout, exitCode } = await joblet.run(
      'job',
      'run',
      '--schedule=1s',
      '--follow',
      'echo late; exit 3',
    );
    expect(stdout).toBe('late\n');
    expect(exitCode).toBe(3);
  });
});

describe('job run --retry', () => {
  it('follows all attempts, exits as the last one, and job status lists those before', async () => {
    const line = 'echo x >>tries; n=$(wc -l <tries); echo "try $n"; [ "$n" = 3 ]';
    const followed = await joblet.run('job', 'run', '--name=again', '--retry=5', '--follow', line);
    expect(followed.stdout).toBe('try 1\ntry 2\ntry 3\n');
    expect(followed.exitCode).toBe(0);
    const [{ id, attempts }] = await joblet.json('job', 'list', '--name=again');
    expect(attempts).toBe(3);
    const { stdout } = await joblet.run('job', 'status', id);
    expect(stdout).toMatch(/Attempts:\n +STARTED +RAN +STATUS +EXIT CODE +LOG OFFSET\n/);
    expect(stdout).toMatch(/^ +2 +\S+ \S+ +\S+ +FAILED +1 +6$/m);
    expect((await joblet.json('job', 'status', id)).attempts).toMatchObject([
      { exitCode: 1, status: 'FAILED', logOffset: 0 },
      { exitCode: 1, status: 'FAILED', logOffset: 6 },
    ]);
  });
});

describe('variables', () => {
  it('come from the environment, from files, and from the proxies when asked for', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'joblet-env-'));
    try {
      writeFileSync(join(folder, 'token'), 'hunter2\n');
      writeFileSync(join(folder, '.env'), 'MODE="fast"\n');
      const { stdout, stderr } = await run(
        [
          ...[
            '--root',
            joblet.root,
            'job',
            'run',
            '--follow',
            '-s',
            'TOKEN=@token',
            '-s',
            'PIN',
            '-e',
            'COLOUR',
          ],
          ...[
            '--env-file=.env',
            '--env-proxy',
            'echo $TOKEN $PIN $COLOUR $MODE $http_proxy [$LC_ALL$EDITOR]',
          ],
        ],
        {
          directory: folder,
          environment: {
            PIN: '1234',
            COLOUR: 'red',
            http_proxy: 'http://p:1',
            LC_ALL: 'xx_XX',
            EDITOR: 'vi',
          },
        },
      );
      expect(stdout).toBe('hunter2 1234 red fast http://p:1 []\n');
      expect(stderr).not.toMatch(/hunter2|1234/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('are refused when there are 10,000, with words, and without a value of any', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `-sV${index}=hush`);
    const { exitCode, stderr } = await joblet.run('job', 'run', ...many, 'true');
    expect(stderr).toBe('joblet: --secret-env: must be at most 4096 variables\n');
    expect(exitCode).toBe(2);
  });
});
