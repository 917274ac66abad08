/** `joblet support-bundle`: what is in it, and above all what is not. */
import { execFileSync } from 'node:child_process';
import { mkdtempDisposableSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CommandLine, run } from './cli-harness.ts';

const joblet = CommandLine.forFile();
const SECRET = 'swordfish-7d1f';

function unpack(archive: string, folder: string): Map<string, string> {
  execFileSync('tar', ['--extract', '--gzip', `--file=${archive}`, `--directory=${folder}`]);
  const [name = ''] = readdirSync(folder);
  return new Map(
    readdirSync(join(folder, name)).map((file) => [file, readFileSync(join(folder, name, file), 'utf8')]),
  );
}

test('tells of machine, helper and jobs, and of no secret', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'joblet-bundle-'));
  const archive = `${folder.path}.tar.gz`;
  const words = ['job', 'run', '--wait', '-s', `PASSWORD=${SECRET}`, '-e', `PLAIN=${SECRET}`];
  await joblet.run(...words, '--', 'sh', '-c', `echo ${SECRET}; exit 3`);
  await joblet.run('job', 'run', '--wait', `/no/such/program`, SECRET);
  const { stdout, exitCode } = await joblet.run('support-bundle', '--output', archive);
  expect(stdout).toMatch(new RegExp(`^Support bundle written:\nFile: ${archive}\n  machine\\.json: kernel`));
  expect(exitCode).toBe(0);
  expect(statSync(archive).mode & 0o777).toBe(0o600);
  const files = unpack(archive, folder.path);
  expect([...files.keys()]).toEqual([
    'command.json',
    'doctor.json',
    'helper-configuration.json',
    'helper.json',
    'helper.log',
    'jobs.json',
    'machine.json',
  ]);
  const jobs = JSON.parse(files.get('jobs.json') ?? '');
  expect(jobs[1]).toMatchObject({ program: 'sh', status: 'FAILED', exit_code: 3 });
  expect(jobs[0]).toMatchObject({
    program: 'program',
    failure: { layer: 'exec', object: '/no/such/program' },
  });
  const all = [...files.values()].join('\n');
  expect(all).not.toContain(SECRET);
  expect(all).not.toMatch(/PRIVATE|BEGIN|PASSWORD/);
});

test('says what it could not get, and packs the rest', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'joblet-bundle-'));
  const archive = join(folder.path, 'bundle.tar.gz');
  const { stdout, exitCode } = await run(['--root', folder.path, 'support-bundle', '-o', archive]);
  expect(stdout).toMatch(/helper\.json: not available: /);
  expect(stdout).toMatch(/machine\.json: kernel/);
  expect(exitCode).toBe(0);
});

test('writes over no file', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'joblet-bundle-'));
  const archive = join(folder.path, 'mine');
  writeFileSync(archive, 'mine');
  const { stderr, exitCode } = await joblet.run('support-bundle', '-o', archive);
  expect(stderr).toContain('EEXIST');
  expect(exitCode).toBe(1);
  expect(readFileSync(archive, 'utf8')).toBe('mine');
});
