/** Processes of this machine that a test has marked, wherever they are. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

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
export async function settle(marker: string, count: number): Promise<number> {
  const deadline = Date.now() + PATIENCE_MS;
  while (processesWith(marker).length !== count && Date.now() < deadline) {
    await delay(10);
  }
  return processesWith(marker).length;
}
