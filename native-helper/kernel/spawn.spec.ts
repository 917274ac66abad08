import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { declare } from './library.ts';
import { createSealedMemfd } from './memfd.ts';
import { createSocketPair } from './socketpair.ts';
import { type SpawnOptions, spawnExecutable } from './spawn.ts';
import { type EndedChild, reapChild } from './wait.ts';

async function ended(pid: number): Promise<EndedChild> {
  for (;;) {
    const child = reapChild(pid);
    if (child !== null) {
      return child;
    }
    await delay(2);
  }
}

/** Runs a shell script with a socket as its output. */
async function output(script: string, change: Partial<SpawnOptions> = {}): Promise<string> {
  const shell = openSync('/bin/sh', 'r');
  const nothing = openSync('/dev/null', 'r+');
  const [kept, given] = createSocketPair();
  try {
    const pid = await spawnExecutable({
      executableFd: shell,
      argv: ['sh', '-c', script],
      newSession: true,
      environment: [],
      ...change,
      descriptors: new Map([[0, nothing], [1, given], [2, given], ...(change.descriptors ?? [])]),
    });
    closeSync(given);
    const socket = new net.Socket({ fd: kept });
    const text = Buffer.concat(await socket.toArray()).toString();
    socket.destroy();
    await ended(pid);
    return text;
  } finally {
    closeSync(shell);
    closeSync(nothing);
  }
}

describe('spawnExecutable', () => {
  it('gives the child exactly the descriptors that were named', async () => {
    const named = openSync('/etc/passwd', 'r');
    // dup(2) clears close-on-exec: what a careless starter of ours leaves behind.
    const inheritable = declare<(fd: number) => number>('int dup(int fd)')(named);
    const script =
      'fd=0; while [ $fd -lt 200 ]; do [ ! -e /proc/$$/fd/$fd ] || echo $fd; fd=$((fd + 1)); done';
    const list = await output(script, {
      descriptors: new Map([[7, named]]),
    });
    closeSync(named);
    closeSync(inheritable);
    expect(inheritable).toBeLessThan(200);
    expect(list.trim().split('\n')).toEqual(['0', '1', '2', '7']);
  });

  it('puts sources right whose numbers are targets too, the executable among them', async () => {
    const [first, second, shell] = [openSync('/usr', 'r'), openSync('/etc', 'r'), openSync('/bin/sh', 'r')];
    const list = await output(`for fd in ${first} ${second} ${shell}; do readlink /proc/self/fd/$fd; done`, {
      executableFd: shell,
      descriptors: new Map([
        [second, first],
        [first, second],
        [shell, first],
      ]),
      environment: ['PATH=/usr/bin'],
    });
    [first, second, shell].forEach(closeSync);
    expect(list).toBe('/etc\n/usr\n/usr\n');
  });

  it('starts with signals at their defaults, a session of its own and only the given environment', async () => {
    const script = `while read line; do case $line in Sig[BI]*) echo $line;; esac; done </proc/$$/status
      read stat </proc/$$/stat; set -- $stat; [ $6 = $$ ] && echo leader
      exec cat /proc/self/environ`;
    const text = await output(script, { environment: ['A=b', 'PATH=/usr/bin'] });
    const [signals, environment] = text.split('leader\n');
    expect(signals).toBe('SigBlk: 0000000000000000\nSigIgn: 0000000000000000\n');
    expect(environment?.split('\0').filter((variable) => !/^(PWD=.*)?$/.test(variable))).toEqual([
      'A=b',
      'PATH=/usr/bin',
    ]);
  });

  it('runs a program that exists in memory only', async () => {
    const program = createSealedMemfd('program', readFileSync('/bin/true'));
    const pid = await spawnExecutable({
      executableFd: program,
      argv: ['true'],
      descriptors: new Map(),
      newSession: false,
      environment: [],
    });
    closeSync(program);
    expect(await ended(pid)).toEqual({ pid, status: { ended: 'exit', code: 0 } });
  });

  it('names the errno of what can’t be executed, and leaves no descriptor open', async () => {
    const text = openSync('/etc/passwd', 'r');
    const options = { argv: ['x'], descriptors: new Map([[text, text]]), newSession: true, environment: [] };
    await expect(spawnExecutable({ executableFd: text, ...options })).rejects.toThrowError(
      'kernel: posix_spawn x: EACCES',
    );
    const next = openSync('/etc/passwd', 'r');
    expect(next).toBe(text + 1);
    closeSync(next);
    closeSync(text);
  });
});

describe('reapChild', () => {
  it('tells running, signal and exit code apart, and refuses a stranger', async () => {
    const shell = openSync('/bin/sh', 'r');
    const start = (script: string): Promise<number> =>
      spawnExecutable({
        executableFd: shell,
        argv: ['sh', '-c', script],
        descriptors: new Map(),
        newSession: true,
        environment: ['PATH=/usr/bin'],
      });
    const [sleeper, leaver] = await Promise.all([start('exec sleep 60'), start('exit 7')]);
    closeSync(shell);
    expect(reapChild(sleeper)).toBeNull();
    process.kill(sleeper, 'SIGTERM');
    expect((await ended(sleeper)).status).toEqual({ ended: 'signal', signal: 15 });
    expect((await ended(leaver)).status).toEqual({ ended: 'exit', code: 7 });
    expect(() => reapChild(leaver)).toThrowError(`kernel: waitpid process ${leaver}: ECHILD`);
  });
});

describe('createSealedMemfd', () => {
  it.each(['executable', 'data'] as const)('can’t be changed afterwards (%s)', (use) => {
    const bytes = Buffer.from('sealed');
    const fd = createSealedMemfd('test', bytes, use);
    const read = Buffer.alloc(6);
    expect(readSync(fd, read)).toBe(6);
    expect(read).toEqual(bytes);
    expect(() => openSync(`/proc/self/fd/${fd}`, 'w')).toThrowError(/EPERM/);
    expect(readFileSync(`/proc/self/fd/${fd}`)).toEqual(bytes);
    closeSync(fd);
  });
});
