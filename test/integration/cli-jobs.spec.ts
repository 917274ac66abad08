/** Each command of `joblet job` against a real helper: its texts, its JSON, its exit codes. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { JOBLET } from '../fixtures/dist.ts';
import { CommandLine, run } from './cli-harness.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIME = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;

const joblet = CommandLine.forFile();

describe('job run', () => {
  it('answers at once, as text', async () => {
    const { exitCode, stdout, stderr } = await joblet.run('job', 'run', 'echo', 'a b', 'c');
    expect(stdout).toMatch(
      /^Job submitted:\nID: [0-9a-f-]{36}\nCommand: echo a b c\nStatus: (INITIALIZING|QUEUED|RUNNING)\n/,
    );
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });

  it('answers as JSON, with masked variables', async () => {
    const words = ['-e', 'MODE=fast', '-e', 'API_KEY=visible', '-s', 'PIN=1234'];
    const { stdout } = await joblet.run('job', 'run', '--json', ...words, 'true');
    const answer = JSON.parse(stdout);
    expect(Object.keys(answer)).toEqual([
      'job_uuid',
      'command',
      'args',
      'status',
      'env_vars',
      'secret_env_vars',
    ]);
    expect(answer).toMatchObject({
      job_uuid: expect.stringMatching(UUID),
      command: 'true',
      args: [],
      env_vars: { MODE: 'fast', API_KEY: '***' },
      secret_env_vars: { PIN: '***' },
    });
    expect(stdout).not.toMatch(/visible|1234/);
  });

  it('gives the job its variables, and only the masked ones to those who ask', async () => {
    const words = ['--follow', '-e', 'PLAIN=one two', '-s', 'PIN=12=34'];
    const { stdout } = await joblet.run('job', 'run', ...words, 'sh', '-c', 'echo "$PLAIN/$PIN"');
    expect(stdout).toBe('one two/12=34\n');
  });

  it('gives the job the variables of a file, and takes none of them itself', async () => {
    const code = join(joblet.root, 'code.cjs');
    const file = join(joblet.root, 'job.env');
    await writeFile(code, `require('node:fs').writeFileSync(${JSON.stringify(`${code}-ran`)}, '')`);
    await writeFile(file, `NODE_OPTIONS=--require ${code}\n`);
    const words = ['--follow', '--env-file', file, 'sh', '-c', 'echo "$NODE_OPTIONS"'];
    expect((await joblet.run('job', 'run', ...words)).stdout).toBe(`--require ${code}\n`);
    expect(existsSync(`${code}-ran`)).toBe(false);
    expect(await joblet.run('job', 'run', '--env-file', '/nowhere', 'true')).toMatchObject({
      exitCode: 2,
      stderr: "joblet: /nowhere: can't be read: ENOENT\n",
    });
    await writeFile(file, Buffer.from([0x41, 0x3d, 0xff, 0x0a]));
    expect(await joblet.run('job', 'run', '--secret-env', `KEY=@${file}`, 'true')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(`^joblet: ${file}: is not UTF-8 text. Encode it`),
    });
  });

  it('runs one argument with spaces as a line of shell', async () => {
    const { stdout, exitCode } = await joblet.run(
      'job',
      'run',
      '-f',
      'echo one; echo two | tr a-z A-Z; exit 3',
    );
    expect(stdout).toBe('one\nTWO\n');
    expect(exitCode).toBe(3);
  });

  it('runs what follows -- whatever it looks like', async () => {
    const { stdout } = await joblet.run('job', 'run', '-f', '--', 'echo', '--json', '-f');
    expect(stdout).toBe('--json -f\n');
  });

  it('sets name, work directory and host name', async () => {
    const words = ['--name', 'named', '--workdir', '/tmp', '--hostname', 'box', '--follow'];
    const { stdout, stderr } = await joblet.run('job', 'run', ...words, 'pwd; hostname');
    expect(stdout).toBe('/tmp\nbox\n');
    const uuid = /ID: (\S+)/.exec(stderr)?.[1] ?? '';
    expect((await joblet.json('job', 'status', uuid)).name).toBe('named');
  });
});

describe('exit codes of --follow, --wait and job wait', () => {
  it.each([
    ['the code of the command', ['sh', '-c', 'exit 7'], 7],
    ['128 + the signal', ['sh', '-c', 'kill -TERM $$'], 143],
    ['124 for a timeout', ['--timeout', '300ms', 'sleep', '30'], 124],
    ['127 for a command that is not there', ['no-such-program-here'], 127],
    ['126 for one that cannot be executed', ['/etc/passwd'], 126],
    ['0', ['true'], 0],
  ])('%s', async (_name, words, code) => {
    const followed = await joblet.run('job', 'run', '--follow', ...words);
    expect(followed.exitCode).toBe(code);
    const waited = await joblet.run('job', 'run', '--wait', ...words);
    expect(waited.exitCode).toBe(code);
    const uuid = /ID: (\S+)/.exec(waited.stdout)?.[1] ?? '';
    const asked = await joblet.run('job', 'wait', uuid);
    expect(asked.exitCode).toBe(code);
    expect(asked.stdout).toMatch(
      new RegExp(`^Job ended:\\nID: ${uuid}\\nStatus: [A-Z]+\\nExit Code: ${code}\\n$`),
    );
  });

  it('tells on standard error why a job ended other than by itself', async () => {
    const { stderr } = await joblet.run('job', 'run', '--follow', '--timeout', '300ms', 'sleep', '30');
    expect(stderr).toMatch(/\njoblet: job [0-9a-f-]{36}: .*timeout/i);
  });

  it('job wait --timeout gives up with 125 and leaves the job alone', async () => {
    const uuid = await joblet.submit('sleep', '60');
    const { exitCode, stderr } = await joblet.run('job', 'wait', uuid, '--timeout', '200ms');
    expect(exitCode).toBe(125);
    expect(stderr).toContain('it has not ended within 200 ms');
    expect((await joblet.json('job', 'status', uuid)).status).toBe('RUNNING');
    await joblet.run('job', 'stop', '--grace', '0s', uuid);
  });

  it('a limit that this machine cannot hold refuses the job with 125 and the reason', async (context) => {
    const { controllers } = await joblet.json('helper', 'status');
    context.skip(controllers.includes('memory'), 'the memory controller works here');
    const { exitCode, stderr } = await joblet.run('job', 'run', '--max-memory', '64', 'true');
    expect(exitCode).toBe(125);
    expect(stderr).toMatch(/^joblet: .*cgroup.*memory/);
  });
});

describe('job list', () => {
  it('as text: header, dashes, rows, newest first', async () => {
    const uuid = await joblet.submit('--name', 'listed', 'echo', 'x'.repeat(200));
    await joblet.run('job', 'wait', uuid);
    const { stdout } = await joblet.run('job', 'list');
    const [header = '', dashes = '', first = ''] = stdout.split('\n');
    expect(header).toMatch(/^ID +NODE ID +STATUS +START TIME +COMMAND$/);
    expect(dashes).toMatch(/^-{36} {2}-+ {2}-+ {2}-+ {2}-+$/);
    expect(first).toMatch(new RegExp(`^${uuid}  \\S+ +COMPLETED +${TIME}  echo x{72}\\.\\.\\.$`));
  });

  it('as JSON', async () => {
    const uuid = await joblet.submit('--name', 'for-json', 'sh', '-c', 'exit 4');
    await joblet.run('job', 'wait', uuid);
    const [row] = await joblet.json('job', 'list', '--name', 'for-json');
    expect(row).toEqual({
      id: uuid,
      name: 'for-json',
      node_id: expect.any(String),
      status: 'FAILED',
      start_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      end_time: expect.stringMatching(/Z$/),
      command: 'sh',
      args: ['-c', 'exit 4'],
      exit_code: 4,
      created_time: expect.stringMatching(/Z$/),
    });
  });

  it('chooses by state, name, command and number', async () => {
    const sleeper = await joblet.submit('--name', 'sleeper', 'sleep', '61');
    const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);
    const live = async () => ids(await joblet.json('job', 'list', '--status', 'running,queued'));
    await expect.poll(live).toEqual([sleeper]);
    expect(ids(await joblet.json('job', 'list', '--command', 'sleep', '--status', 'RUNNING'))).toEqual([
      sleeper,
    ]);
    expect(await joblet.json('job', 'list', '--limit', '2')).toHaveLength(2);
    expect(await joblet.json('job', 'list', '--name', 'nobody has this')).toEqual([]);
    const none = await joblet.run('job', 'list', '--name', 'nobody has this');
    expect(none.stdout).toBe('No jobs found\n');
    await joblet.run('job', 'stop', '--grace', '0s', sleeper);
  });

  it('shows a hostile command on one line, without what drives a terminal', async () => {
    const uuid = await joblet.submit('echo', '\u001b]0;owned\u0007\nfake\u202e');
    const { stdout } = await joblet.run('job', 'list', '--limit', '1');
    expect(stdout.split('\n')[2]).toMatch(
      new RegExp(`^${uuid} .*echo \\\\x1b\\]0;owned\\\\x07\\\\nfake\\\\u202e$`),
    );
    const json = await joblet.run('--json', 'job', 'list', '--limit', '1');
    expect(json.stdout).not.toMatch(/[^\n -~]/);
    expect(JSON.parse(json.stdout)[0].args).toEqual(['\u001b]0;owned\u0007\nfake\u202e']);
  });
});

describe('colour', () => {
  /** What the command writes to a terminal: script(1) gives it one. */
  async function onTerminal(environment: Record<string, string>): Promise<string> {
    const command = `'${JOBLET}' --root '${joblet.root}' job list --limit 1`;
    const { stdout } = await promisify(execFile)('script', ['-qec', command, '/dev/null'], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, TERM: 'xterm', ...environment },
    });
    return stdout;
  }

  it('is for terminals, and not with NO_COLOR', async () => {
    const uuid = await joblet.submit('true');
    await joblet.run('job', 'wait', uuid);
    expect(await onTerminal({})).toContain('\u001b[32mCOMPLETED');
    expect(await onTerminal({ NO_COLOR: '1' })).not.toContain('\u001b');
    expect((await joblet.run('job', 'list')).stdout).not.toContain('\u001b');
  });
});

describe('job status', () => {
  it('as text, with the isolation that the kernel confirms', async () => {
    const uuid = await joblet.submit(
      '-e',
      'MODE=fast',
      '-s',
      'PIN=1',
      '--timeout',
      '5m',
      'sh',
      '-c',
      'exit 2',
    );
    await joblet.run('job', 'wait', uuid);
    const { stdout } = await joblet.run('job', 'status', uuid.slice(0, 8));
    for (const line of [
      `Job ID: ${uuid}`,
      'Command: sh -c exit 2',
      'Status: FAILED',
      'Scheduling Information:',
      'Resource Limits:\n  Timeout: 5m',
      'Runtime: none\nNetwork: host\nVolumes: none\nWork Dir: /work\n',
      'Uploaded Files: none',
      'Environment Variables:\n  MODE=fast\n  PIN=*** (secret)\n',
      'Exit Code: 2',
    ]) {
      expect(stdout).toContain(line);
    }
    expect(stdout).toMatch(/^Node ID: \S+$/m);
    expect(stdout).toMatch(
      new RegExp(
        `Timing:\\n  Created: ${TIME}\\n  Started: ${TIME}\\n  Ended: ${TIME}\\n  Duration: \\d+\\.\\d{3}s`,
      ),
    );
    expect(stdout).toMatch(/Isolation:\n +LAYER +ITEM +ASKED +KERNEL\n/);
    expect(stdout).toMatch(/^ {2}ok +namespace +pid /m);
    expect(stdout).not.toContain('DIFFERS');
  });

  it('as JSON', async () => {
    const uuid = await joblet.submit('echo', 'abc');
    await joblet.run('job', 'wait', uuid);
    const status = await joblet.json('job', 'status', uuid);
    expect(Object.keys(status).slice(0, 16)).toEqual([
      ...['uuid', 'nodeId', 'command', 'args', 'status', 'startTime', 'endTime', 'exitCode', 'scheduledTime'],
      ...['environment', 'secretEnvironment', 'network', 'volumes', 'runtime', 'workDir', 'uploads'],
    ]);
    expect(status).toMatchObject({ uuid, exitCode: 0, network: 'host', workDir: '/work', logBytes: 4 });
    expect(status.isolation.every(({ ok }: { ok: boolean }) => ok)).toBe(true);
  });

  it('of a job that is not there names it, exit code 1', async () => {
    const { exitCode, stderr } = await joblet.run('job', 'status', 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    expect(stderr).toContain('ffffffff-ffff-ffff-ffff-ffffffffffff');
    expect(exitCode).toBe(1);
    const json = await joblet.run('--json', 'job', 'status', 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    expect(JSON.parse(json.stderr).error.kind).toBe('not_found');
  });
});

describe('job log', () => {
  it('is the raw bytes of both streams, or of one', async () => {
    const script = String.raw`printf '\000\377out\n'; sleep 0.3; printf 'err\033' >&2`;
    const uuid = await joblet.submit('sh', '-c', script);
    await joblet.run('job', 'wait', uuid);
    const latin = async (...flags: string[]) =>
      (await joblet.run('job', 'log', uuid, ...flags)).bytes.toString('latin1');
    expect(await latin()).toBe('\0\xffout\nerr\x1b');
    expect(await latin('--stream', 'stdout')).toBe('\0\xffout\n');
    expect(await latin('--stream=stderr')).toBe('err\x1b');
    expect(await latin('--offset', '2')).toBe('out\nerr\x1b');
    expect(await latin('--follow')).toBe('\0\xffout\nerr\x1b');
  });
});

describe('a part of a log', () => {
  let uuid: string;
  beforeAll(async () => {
    uuid = await joblet.submit('sh', '-c', 'echo one; echo two >&2; sleep 2; echo three; printf four');
    await joblet.run('job', 'wait', uuid);
  });
  const log = async (...words: string[]) => (await joblet.run('job', 'log', ...words)).stdout;

  it('is its last lines, followed or not', async () => {
    expect(await log(uuid, '--tail', '2')).toBe('three\nfour');
    expect(await log(uuid, '--tail', '2', '--stream', 'stdout', '--follow')).toBe('three\nfour');
    expect(await log(uuid, '-n0')).toBe('');
    expect(await log(uuid, '--tail', '99')).toBe('one\ntwo\nthree\nfour');
  });

  it('is what came in a time', async () => {
    const first = Date.parse((await log(uuid, '--timestamps', '--tail', '4')).split(' ')[0] ?? '');
    const middle = new Date(first + 1000).toISOString();
    expect(await log(uuid, '--since', middle)).toBe('three\nfour');
    expect(await log(uuid, '--until', middle)).toBe('one\ntwo\n');
    expect(await log(uuid, '--since', '1h', '--until', middle, '--tail=1')).toBe('two\n');
    expect(await log(uuid, '--since', '0s')).toBe('');
  });

  it('is the lines that match', async () => {
    expect(await log(uuid, '--grep', '^t|f')).toBe('two\nthree\nfour');
    expect(await log(uuid, '--grep', 'O', '--ignore-case', '-n2')).toBe('two\nfour');
    expect(await log(uuid, '-Fg', 'ou', '--follow')).toBe('four');
    expect(await log(uuid, '--grep', 'nothing')).toBe('');
    expect(await log(uuid, '--grep', 'thr', '-t')).toMatch(/^\d{4}-\S+Z three\n$/);
  });

  it.each([
    [['--grep', '(a'], 'Unmatched'],
    [['--grep', ''], 'is empty'],
    [['-F'], 'give --grep'],
    [['--grep', 'a', '--follow', '--tail', '1'], 'can only be 0'],
  ])('is refused with %j', async (words, reason) => {
    const { exitCode, stderr } = await joblet.run('job', 'log', uuid, ...words);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(reason);
  });

  it('of several jobs says whose each line is, by time', async () => {
    const other = await joblet.submit('sh', '-c', 'sleep 0.5; echo other');
    await joblet.run('job', 'wait', other);
    const [a, b] = [uuid, other].map((id) => `${id.slice(0, 8)} | `);
    expect(await log(other, uuid)).toBe(`${a}one\n${a}two\n${a}three\n${a}four\n${b}other\n`);
    const followed = (await log(other, uuid, '--follow', '-t')).trimEnd().split('\n');
    expect(followed).toHaveLength(5);
    expect(followed.every((line) => /^\d{4}-\d\d-\d\dT\S{15}Z [0-9a-f]{8} \| \w+$/.test(line))).toBe(true);
  });

  it.each([
    [['--follow', '--until', '1m', 'abcd'], '--until: has no meaning with --follow'],
    [['--offset', '1', 'abcd', 'abce'], '--offset: is of one log'],
    [['--tail', '-1', 'abcd'], "--tail: '-1' is not a whole number"],
    [['--tail', '99999999999', 'abcd'], '--tail: is more than 4294967295'],
    [['--since', 'yesterday', 'abcd'], "--since: 'yesterday' is not a time"],
  ])('that makes no sense is refused: %j', async (words, message) => {
    const { exitCode, stderr } = await joblet.run('job', 'log', ...words);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });
});

describe('job stop and delete', () => {
  it('stop ends a running job; delete wants an ended one', async () => {
    const uuid = await joblet.submit('sleep', '62');
    const early = await joblet.run('job', 'delete', uuid);
    expect(early.exitCode).toBe(1);
    expect(early.stderr).toContain(uuid);
    const stopped = await joblet.run('job', 'stop', uuid.slice(0, 8));
    expect(stopped.stdout).toBe(`Job stopped successfully:\nID: ${uuid}\nStatus: STOPPED\n`);
    expect(stopped.exitCode).toBe(0);
    const deleted = await joblet.run('job', 'delete', uuid);
    expect(deleted.stdout).toBe(`Job deleted successfully:\nID: ${uuid}\n`);
    expect((await joblet.run('job', 'status', uuid)).exitCode).toBe(1);
  });

  it('delete-all spares what runs', async () => {
    const sleeper = await joblet.submit('sleep', '63');
    const ended = await joblet.submit('true');
    await joblet.run('job', 'wait', ended);
    const { stdout } = await joblet.run('job', 'delete-all');
    expect(stdout).toMatch(/^Jobs deleted successfully:\nDeleted: \d+\nSkipped \(still running\): 1\n$/);
    const left = await joblet.json('job', 'list');
    expect(left.map(({ id }: { id: string }) => id)).toEqual([sleeper]);
    expect(await joblet.json('job', 'stop', '--grace', '0s', sleeper)).toMatchObject({
      job_uuid: sleeper,
      status: 'STOPPED',
    });
  });
});

describe('odd surroundings', () => {
  it('do without a current folder', async () => {
    const line = 'gone=$(mktemp -d); cd "$gone"; rmdir "$gone"; exec "$0" --root "$1" job list';
    const { stdout } = await promisify(execFile)('sh', ['-c', line, JOBLET, joblet.root]);
    expect(stdout).toMatch(/^ID +NODE ID/);
  });

  it('do not load what NODE_OPTIONS names for other programs', async () => {
    const words = ['--root', joblet.root, 'job', 'list'];
    const { exitCode, stderr } = await run(words, { environment: { NODE_OPTIONS: '--require=/nowhere' } });
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });

  it('are named when standard output cannot be written', async () => {
    const line = '"$0" --root "$1" job list 2>&1 >/dev/full';
    const { code, stdout } = await promisify(execFile)('sh', ['-c', line, JOBLET, joblet.root]).catch(
      (error) => error,
    );
    expect(stdout).toBe('joblet: write standard output: ENOSPC\n');
    expect(code).toBe(1);
  });
});

describe('the name rnx', () => {
  it('is the same program under its old name', async () => {
    const { stdout, exitCode } = await run(['--root', joblet.root, 'job', 'run', 'true'], { program: 'rnx' });
    expect(stdout).toMatch(/^Job submitted:\nID: /);
    expect(exitCode).toBe(0);
    const wrong = await run(['job', 'lst'], { program: 'rnx' });
    expect(wrong.stderr).toMatch(/^rnx: lst: is not a command of `rnx job`/);
  });
});
