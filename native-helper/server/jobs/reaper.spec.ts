import { closeSync, existsSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { spawnExecutable } from '../../kernel/spawn.ts';
import type { WaitStatus } from '../../kernel/wait.ts';
import { Reaper } from './reaper.ts';

async function spawnShell(line: string): Promise<number> {
  const executableFd = openSync('/bin/sh', 'r');
  try {
    return await spawnExecutable({
      executableFd,
      argv: ['sh', '-c', line],
      descriptors: new Map(),
      newSession: true,
      environment: [],
    });
  } finally {
    closeSync(executableFd);
  }
}

function endOf(reaper: Reaper, pid: number): Promise<WaitStatus> {
  return new Promise((resolve) => reaper.expect(pid, resolve));
}

describe('Reaper', () => {
  it('leaves no zombie of many children that end at once, before or after it expects them', async () => {
    using reaper = new Reaper();
    const pids = await Promise.all(Array.from({ length: 20 }, (_, number) => spawnShell(`exit ${number}`)));
    const statuses = await Promise.all(pids.map((pid) => endOf(reaper, pid)));
    expect(statuses).toEqual(pids.map((_, number) => ({ ended: 'exit', code: number })));
    expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  });

  it('tells of the signal that ended a child', async () => {
    using reaper = new Reaper();
    const pid = await spawnShell('kill -KILL $$');
    expect(await endOf(reaper, pid)).toEqual({ ended: 'signal', signal: 9 });
  });
});
