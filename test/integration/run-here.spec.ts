/** A C project of the user's, cloned from a repository on this machine, then built and tested by a job where it lies. */
import { execFileSync } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIST } from '../fixtures/dist.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

/** Of the machine or not: nothing but the number counts. */
const ANN = 4321;
const FIXTURE = join(import.meta.dirname, '../fixtures/c-project');

let helper: RunningHelper;
let home: string;

beforeAll(async () => {
  helper = await RunningHelper.start({ elevatedBy: ANN });
  home = temporaryRoot('/var/lib');
  chownSync(home, ANN, ANN);
  cpSync(FIXTURE, join(home, 'origin'), { recursive: true });
  execFileSync('chown', ['-R', `${ANN}:${ANN}`, join(home, 'origin')]);
  asAnn('origin', 'git', 'init', '-q');
  asAnn('origin', 'git', 'add', '.');
  asAnn(
    'origin',
    'git',
    '-c',
    'user.name=Ann',
    '-c',
    'user.email=ann@example.com',
    'commit',
    '-qm',
    'Count words',
  );
});

afterAll(async () => {
  await helper[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

function asAnn(folder: string, program: string, ...args: readonly string[]): string {
  const ids = ['--reuid', `${ANN}`, '--regid', `${ANN}`, '--clear-groups'];
  return execFileSync('setpriv', [...ids, program, ...args], {
    cwd: join(home, folder),
    env: { PATH: process.env.PATH, HOME: home },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** What in it, the folder itself too, has another owner or group than its user. */
function ofOthers(folder: string): string {
  const isOthers = ['(', '!', '-uid', `${ANN}`, '-o', '!', '-gid', `${ANN}`, ')'];
  return execFileSync('find', [folder, ...isOthers], { encoding: 'utf8' });
}

const joblet = (folder: string, ...words: readonly string[]): string =>
  asAnn(folder, join(DIST, 'joblet'), '--root', helper.root, ...words);

describe('joblet job run --mount .', () => {
  it('builds and tests a project where it lies, and what it leaves is the user’s', () => {
    asAnn('.', 'git', 'clone', '-q', 'origin', 'project');
    const output = joblet('project', 'job', 'run', '--mount', '.', '--follow', 'make', '-j2', 'check');
    expect(output).toContain('all tests passed');
    const project = join(home, 'project');
    expect(readdirSync(project)).toEqual(expect.arrayContaining(['wordcount', 'words.o']));
    expect(ofOthers(project)).toBe('');
    // Paths in what was built are right outside of the job, and the program runs there.
    expect(readFileSync(join(project, 'wordcount')).includes(project)).toBe(true);
    asAnn('project', 'make', 'check');
    asAnn('project', 'make', 'clean');
    expect(asAnn('project', 'git', 'status', '--short')).toBe('');
  });

  it('lets git work in the job, from a repository that it can only read', () => {
    mkdirSync(join(home, 'empty'));
    chownSync(join(home, 'empty'), ANN, ANN);
    const line =
      'git clone -q /origin project && cd project && make check && git log --format=%s && git status --short';
    const output = joblet(
      'empty',
      'job',
      'run',
      '--mount=.',
      '--mount=../origin:/origin:ro',
      '--follow',
      line,
    );
    expect(output.trim().split('\n')).toEqual(expect.arrayContaining(['all tests passed', 'Count words']));
    expect(readdirSync(join(home, 'empty/project'))).toContain('wordcount');
    expect(ofOthers(join(home, 'empty'))).toBe('');
  });
});
