/** Starting the helper as an ordinary user: through pkexec and polkit as a desktop has them, password and all. */
import { execFileSync, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { clientConfigOf, pathsUnder } from '../../native-helper/api/paths.ts';
import { installCommand } from '../../src-main/elevation/install-script.ts';
import { installation } from '../fixtures/installation.ts';
import {
  ASKED,
  BARRED,
  Desktop,
  type Ending,
  homeOf,
  isPasswordChecked,
  isPromptGone,
  PASSWORD,
  type Person,
  PersonsProcess,
  TRUSTED,
  until,
} from './desktop.ts';

const PATHS = pathsUnder('/');
const STARTER = join(PATHS.installDirectory, 'elevate-start');
/** The checkout where everyone can reach it: a clone below /root is for root alone. */
const CHECKOUT = '/srv/joblet';
const JOBLET = join(CHECKOUT, 'dist/joblet');
const NODE = join(CHECKOUT, 'node_modules/.bin/node');
const PROMPT = join(CHECKOUT, 'src-main/elevation/graphical-prompt.ts');
const LONG_MS = 180_000;

let desktop: Desktop;
let installed: SpawnSyncReturns<string>;
let limitsOfInstalled: string[];

beforeAll(async () => {
  mkdirSync(CHECKOUT);
  execFileSync('mount', ['--bind', resolve(import.meta.dirname, '../..'), CHECKOUT]);
  desktop = await Desktop.start();
  installed = installFromTightShell();
  limitsOfInstalled = limitsOf(helperPid() as number);
  await killHelper();
}, LONG_MS);

afterAll(async () => {
  desktop?.[Symbol.dispose]();
  await killHelper();
  // Other tests of the machine expect none of a helper's state there.
  for (const folder of [PATHS.stateDirectory, dirname(PATHS.serverConfig)]) {
    execFileSync('find', [folder, '-mindepth', '1', '-delete']);
  }
}, LONG_MS);

/** Its cgroup has room for a shell and what that calls, and none for Node's threads. */
function installFromTightShell(): SpawnSyncReturns<string> {
  const cgroup = '/sys/fs/cgroup/tight';
  mkdirSync(cgroup);
  writeFileSync(join(cgroup, 'pids.max'), '6');
  const script = `echo 0 >${cgroup}/cgroup.procs && ulimit -n 128 -t 600 && exec "$@"`;
  const argv = ['-c', script, 'bash', ...installCommand(installation(''))];
  // Without standard input: for a socket there, bash reads ~/.bashrc.
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  return spawnSync('/bin/bash', argv, {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin' },
    stdio: [...stdio],
  });
}

function helperPid(): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(PATHS.lock, 'utf8'), 10);
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}

async function killHelper(): Promise<void> {
  const pid = helperPid();
  if (pid !== undefined) {
    process.kill(pid, 'SIGKILL');
    await until(() => helperPid() === undefined);
  }
}

/** Without the command line before it, which always waits for two minutes. */
function promptAs(person: Person, patienceMs: number): PersonsProcess {
  const code = `import { startThroughPrompt } from '${PROMPT}'; await startThroughPrompt(${patienceMs});`;
  return new PersonsProcess(person, [NODE, '--input-type=module', '--eval', code]);
}

function ownerAndMode(path: string): string {
  const { uid, mode } = statSync(path);
  return `${uid} ${(mode & 0o777).toString(8)}`;
}

const uidsOf = (pid: number): string | undefined =>
  /^Uid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];

/** The hard limits: Node raises its soft limit of open files. */
function limitsOf(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/limits`, 'utf8').trimEnd().split('\n').slice(1);
  return lines.map((line) => [line.slice(0, 26), line.slice(47, 68)].map((word) => word.trim()).join(': '));
}

describe('where polkit says yes', () => {
  const trap = join(homeOf(TRUSTED), 'trap');
  const sprung = join(trap, 'sprung');

  /** An environment in which nearly every program runs something of its owner's, which notes its name and uid. */
  function setTraps(): Record<string, string> {
    mkdirSync(join(trap, 'bin'), { recursive: true });
    writeFileSync(sprung, '');
    const note = (what: string) => `echo "${what} $(/usr/bin/id -u)" >>${sprung}\n`;
    for (const program of [
      'pkexec',
      'prlimit',
      'sh',
      'bash',
      'setsid',
      'flock',
      'awk',
      'grep',
      'head',
      'env',
    ]) {
      writeFileSync(join(trap, 'bin', program), `#!/bin/dash\n${note(program)}`);
      chmodSync(join(trap, 'bin', program), 0o755);
    }
    writeFileSync(join(trap, 'shell'), note('shell'));
    writeFileSync(
      join(trap, 'node.cjs'),
      `require('node:fs').appendFileSync('${sprung}', 'node ' + process.getuid() + '\\n');`,
    );
    writeFileSync(
      join(trap, 'preload.c'),
      `#include <stdio.h>
       #include <unistd.h>
       __attribute__((constructor)) static void note(void) {
         FILE *file = fopen("${sprung}", "a");
         if (file) fprintf(file, "preload %u\\n", geteuid()), fclose(file);
       }`,
    );
    execFileSync('gcc', ['-shared', '-fPIC', '-o', join(trap, 'preload.so'), join(trap, 'preload.c')]);
    return {
      PATH: `${join(trap, 'bin')}:/usr/bin:/bin`,
      BASH_ENV: join(trap, 'shell'),
      ENV: join(trap, 'shell'),
      'BASH_FUNC_flock%%': `() { ${note('function')} }`,
      NODE_OPTIONS: `--require=${join(trap, 'node.cjs')}`,
      LD_PRELOAD: join(trap, 'preload.so'),
      SUDO_UID: '0',
      PKEXEC_UID: '0',
      SHELL: join(trap, 'bin/sh'),
      LC_ALL: '../../..',
    };
  }

  let start: Ending;

  beforeAll(async () => {
    const environment = setTraps();
    const directory = join(trap, '"; touch pwned; $(touch pwned)');
    mkdirSync(directory);
    execFileSync('chown', ['-R', `${TRUSTED.uid}:${TRUSTED.uid}`, trap]);
    const command = [JOBLET, 'helper', 'start'] as const;
    start = await new PersonsProcess(TRUSTED, [...command], { environment, directory }).ended;
  }, LONG_MS);

  afterAll(killHelper);

  it('starts the helper as root, for who asked', () => {
    expect(start).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Helper started:\n/) });
    const pid = helperPid() as number;
    expect(uidsOf(pid)).toBe('0\t0\t0\t0');
    expect(limitsOf(pid)).toEqual(limitsOf(1));
    expect(ownerAndMode(clientConfigOf(PATHS, TRUSTED.uid))).toBe(`${TRUSTED.uid} 600`);
    expect(isPromptGone()).toBe(true);
  });

  it('has it run jobs of theirs', async () => {
    const job = new PersonsProcess(TRUSTED, [JOBLET, 'job', 'run', '--follow', '--', 'id', '-u']);
    expect(await job.ended).toMatchObject({ exitCode: 0, stdout: '65534\n' });
  });

  it('runs nothing else as root, whatever environment and folder it was typed in', () => {
    // The command line is the user's own program, and even that one leaves NODE_OPTIONS alone.
    expect(new Set(readFileSync(sprung, 'utf8').trim().split('\n'))).toEqual(
      new Set([`preload ${TRUSTED.uid}`]),
    );
    const made = readdirSync(trap, { recursive: true, encoding: 'utf8' });
    expect(made.filter((name) => lstatSync(join(trap, name)).uid === 0 || /pwned$/.test(name))).toEqual([]);
    expect(existsSync('/pwned')).toBe(false);
  });
});

describe('where polkit says no', () => {
  it('says so, and what to type instead', async () => {
    const { exitCode, stderr } = await new PersonsProcess(BARRED, [JOBLET, 'helper', 'start']).ended;
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      'polkit refused it: a rule of this machine forbids it, or the right password was not given',
    );
    expect(stderr).toContain(
      `Start it from a terminal: sudo ${STARTER}; or have an administrator do it for you: sudo env SUDO_UID=`,
    );
    expect(helperPid()).toBeUndefined();
  });
});

describe('where polkit wants a password', () => {
  /** What the prompt says to who has no agent, and how long this machine takes until then. */
  let unattended: Ending;
  let answerMs: number;

  beforeAll(async () => {
    const begin = Date.now();
    unattended = await promptAs(ASKED, LONG_MS).ended;
    answerMs = Date.now() - begin;
  }, LONG_MS);

  afterEach(killHelper);

  it('says that there is nobody to ask for it', () => {
    expect(unattended.exitCode).not.toBe(0);
    expect(unattended.stderr).toContain('no password prompt (polkit agent) runs in this session');
    expect(unattended.stderr).toContain(
      `sudo ${STARTER}; or have an administrator do it for you: sudo env SUDO_UID=`,
    );
  });

  it('starts the helper once it is given, though root may take longer than who was asked', async () => {
    const lock = spawn('flock', ['--no-fork', join(PATHS.stateDirectory, 'start.lock'), 'sleep', '600']);
    const { command, agent } = await desktop.ask(() => promptAs(ASKED, 3 * answerMs));
    using _ = agent;
    agent.type(PASSWORD);
    expect(await command.ended).toMatchObject({ exitCode: 0, stderr: '' });
    expect(helperPid()).toBeUndefined();
    lock.kill();
    await until(() => existsSync(clientConfigOf(PATHS, ASKED.uid)));
    expect(ownerAndMode(clientConfigOf(PATHS, ASKED.uid))).toBe(`${ASKED.uid} 600`);
  });

  it('starts nothing for a wrong one', async () => {
    const { command, agent } = await desktop.ask(() => promptAs(ASKED, LONG_MS));
    using _ = agent;
    agent.type(`not ${PASSWORD}`);
    const { exitCode, stderr } = await command.ended;
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('the right password was not given');
    expect(helperPid()).toBeUndefined();
  });

  it('waits for it for a bounded time, and starts nothing when it comes later', async () => {
    const patienceMs = 2 * answerMs;
    const begin = Date.now();
    const { command, agent } = await desktop.ask(() => promptAs(ASKED, patienceMs));
    using _ = agent;
    expect(isPromptGone()).toBe(false);
    const { exitCode, stderr } = await command.ended;
    expect(Date.now() - begin).toBeLessThan(2 * patienceMs);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(`nobody answered the password prompt within ${patienceMs / 1000} s`);
    await until(isPromptGone);
    agent.type(PASSWORD);
    await until(isPasswordChecked);
    expect(helperPid()).toBeUndefined();
  });

  it('asks no more once who asked is interrupted', async () => {
    const { command, agent } = await desktop.ask(() => promptAs(ASKED, LONG_MS));
    using _ = agent;
    command.interrupt();
    await command.ended;
    await until(isPromptGone);
  });
});

describe('the installation', () => {
  it('starts it with nothing of the shell that it was typed in: neither the cgroup nor the limits', () => {
    expect(installed).toMatchObject({ status: 0, stderr: '' });
    expect(limitsOfInstalled).toEqual(limitsOf(1));
  });
});
