/** Following a job: exact bytes, readers that go away, Ctrl-C, and a helper that goes away and comes back. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { CommandLine, outcomeOf } from './cli-harness.ts';

const joblet = CommandLine.forFile();

it('sends each stream of the job to our own of the same name, and only the job to standard output', async () => {
  const { stdout, stderr } = await joblet.run('job', 'run', '-f', 'sh', '-c', 'echo out; echo err >&2');
  expect(stdout).toBe('out\n');
  expect(stderr).toMatch(/^Job submitted:\nID: .*\nCommand: .*\nStatus: .*\nerr\n$/);
});

it('keeps every byte of a large binary output', async () => {
  // 2 MiB in which no line is like another, so that a gap, a double or a swap shows.
  const script = 'i=0; while [ $i -lt 262144 ]; do printf "%07x\\n" $i; i=$((i+1)); done';
  const { bytes, exitCode } = await joblet.run('job', 'run', '--follow', 'bash', '-c', script);
  expect(exitCode).toBe(0);
  expect(bytes.length).toBe(8 * 262_144);
  const lines = bytes.toString('latin1').split('\n');
  expect(lines.findIndex((line, index) => index < 262_144 && Number.parseInt(line, 16) !== index)).toBe(-1);
}, 60_000);

it('waits for a slow reader, and the job does not', async () => {
  const child = joblet.start('job', 'run', '--follow', 'head', '-c', '4000000', '/dev/zero');
  child.stdout.pause();
  const [text] = await once(child.stderr, 'data');
  const uuid = /ID: (\S+)/.exec(String(text))?.[1] ?? '';
  expect((await joblet.run('job', 'wait', uuid, '--timeout', '10s')).exitCode).toBe(0);
  expect(child.exitCode).toBeNull();
  const { bytes, exitCode } = await outcomeOf(child);
  expect(bytes.length).toBe(4_000_000);
  expect(exitCode).toBe(0);
});

it('ends quietly with 141 when the reader goes away; the job goes on', async () => {
  const child = joblet.start('job', 'run', '--follow', 'sh', '-c', 'while sleep 0.05; do echo line; done');
  const errors: string[] = [];
  child.stderr.on('data', (data) => errors.push(String(data)));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [exitCode] = await once(child, 'close');
  expect(exitCode).toBe(141);
  const uuid = /ID: (\S+)/.exec(errors.join(''))?.[1] ?? '';
  expect(errors.join('')).not.toMatch(/EPIPE|joblet:/);
  expect((await joblet.json('job', 'status', uuid)).status).toBe('RUNNING');
  await joblet.run('job', 'stop', '--grace', '0s', uuid);
});

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s detaches: the job goes on, and standard error says how to go on', async (signal, code) => {
  const child = joblet.start('job', 'run', '--follow', 'sh', '-c', 'echo up; sleep 60');
  const outcome = outcomeOf(child);
  await once(child.stdout, 'data');
  // The launcher has replaced itself by Node, so this is the process that a terminal would signal.
  child.kill(signal);
  const { exitCode, stderr } = await outcome;
  expect(exitCode).toBe(code);
  const uuid = /ID: (\S+)/.exec(stderr)?.[1] ?? '';
  expect(stderr).toContain(
    `joblet: detached; job ${uuid} goes on. Follow it: joblet job log --follow ${uuid}`,
  );
  expect((await joblet.json('job', 'status', uuid)).status).toBe('RUNNING');
  await joblet.run('job', 'stop', '--grace', '0s', uuid);
});

it('Ctrl-C detaches also while nobody reads', async () => {
  const child = joblet.start('job', 'run', '--follow', 'sh', '-c', 'yes & sleep 1; kill $!; sleep 60');
  const errors: string[] = [];
  child.stderr.on('data', (data) => errors.push(String(data)));
  child.stdout.pause();
  await delay(1500);
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  const [exitCode] = await ended;
  expect(exitCode).toBe(130);
  const uuid = /ID: (\S+)/.exec(errors.join(''))?.[1] ?? '';
  await joblet.run('job', 'stop', '--grace', '0s', uuid);
});

it.each(['kill', 'stop'] as const)(
  'goes on with the next byte after a %s of the helper and its next start',
  async (end) => {
    const script = 'i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); sleep 0.02; done; exit 5';
    const child = joblet.start('job', 'run', '--follow', 'sh', '-c', script);
    const outcome = outcomeOf(child);
    await once(child.stdout, 'data');
    await delay(500);
    const [newest] = await joblet.json('job', 'list', '--status', 'running');
    const waiting = outcomeOf(joblet.start('job', 'wait', newest.id));
    await delay(1500);
    await joblet.helper[end]();
    await delay(500);
    await joblet.helper.startAgain();
    const { stdout, stderr, exitCode } = await outcome;
    expect((await waiting).exitCode).toBe(5);
    expect(stdout).toBe(Array.from({ length: 300 }, (_, index) => `${index}\n`).join(''));
    expect(stderr).toMatch(/^joblet: .*helper.*/m);
    expect(exitCode).toBe(5);
  },
  60_000,
);

it('that began at the end shows all that is new, also what came while the helper was away', async () => {
  const script = 'echo old; until [ -e go ]; do sleep 0.1; done; echo new; echo newer';
  const uuid = await joblet.submit('sh', '-c', script);
  await expect.poll(async () => (await joblet.run('job', 'log', uuid)).stdout).toBe('old\n');
  const outcome = outcomeOf(joblet.start('job', 'log', '--follow', '--tail', '0', uuid));
  await delay(1500);
  await joblet.helper.kill();
  writeFileSync(join(joblet.root, 'var/lib/joblet/jobs', uuid, 'work/go'), '');
  await delay(500);
  await joblet.helper.startAgain();
  expect((await outcome).stdout).toBe('new\nnewer\n');
}, 60_000);
