import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { cannotEscape, verdict } from './escape.ts';

/** How long the kernel may take to end what was killed. */
const PATIENCE_MS = 2000;

/** Processes of this machine that have `marker` among their arguments. */
function processesWith(marker: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => argumentsOf(pid).includes(marker))
    .map(Number);
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has ended meanwhile
  }
}

/** Waits until the number of those processes is `count`, but not for ever. @returns the number at last. */
async function settle(marker: string, count: number): Promise<number> {
  const deadline = Date.now() + PATIENCE_MS;
  while (processesWith(marker).length !== count && Date.now() < deadline) {
    await delay(10);
  }
  return processesWith(marker).length;
}

cannotEscape('leaves no process behind when its command has ended', {
  layer: 'cgroup-kill',
  beside: ['pid-namespace'],
  attempt: async (jobs) => {
    const marker = crypto.randomUUID();
    const job = jobs.startProbe(['lifetime.daemonize', marker]);
    await job.ended();
    const left = await settle(marker, 0);
    return verdict(left > 0, `${left} processes outlive the job`);
  },
});

cannotEscape('does not outlive its monitor', {
  layer: 'parent-death',
  attempt: async (jobs) => {
    const marker = crypto.randomUUID();
    const job = jobs.startProbe(['lifetime.wait', marker]);
    await settle(marker, 1);
    process.kill(job.monitor, 'SIGKILL');
    await job.ended();
    const left = await settle(marker, 0);
    return verdict(left > 0, `${left} processes outlive the monitor`);
  },
});
