/** The whole machine as its user can see it: processors, memory, the disk of the jobs, load. */
import { readFile, statfs } from 'node:fs/promises';
import { type CpuInfo, cpus, loadavg } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { causeOf } from '../../native-helper/api/errors.ts';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import type { Machine } from '../ipc/contract.ts';
import { everySecond } from './every-second.ts';
import type { Observable } from './observable.ts';

/** The first load is that of so long a time, ms; each later one of a second. */
const FIRST_SAMPLE_MS = 200;

export interface MachineOptions {
  /** Folder that everything of Joblet lies under. */
  readonly root: string;
  readonly countRunning: () => number;
  /** Whether anybody can see the window. */
  readonly isSeen: Observable<boolean>;
}

export async function* streamMachine(
  { root, countRunning, isSeen }: MachineOptions,
  signal: AbortSignal,
): AsyncGenerator<Machine> {
  let before = cpus();
  await delay(FIRST_SAMPLE_MS, undefined, { signal }).catch(() => undefined);
  for await (const _ of everySecond(isSeen, signal)) {
    const now = cpus();
    const [memory, disk] = await Promise.all([readMemory(), readDisk(pathsUnder(root).jobsDirectory)]);
    yield {
      timeUs: Date.now() * 1000,
      cores: coreLoads(before, now),
      memory,
      disk,
      load: loadavg() as [number, number, number],
      jobsRunning: countRunning(),
    };
    before = now;
  }
}

/** How busy each core was between two samples, percent. Counters may step back when a core comes or goes. */
export function coreLoads(before: readonly CpuInfo[], now: readonly CpuInfo[]): number[] {
  return now.map(({ times }, index) => {
    const past = before[index]?.times ?? times;
    const total = sum(times) - sum(past);
    const busy = total - (times.idle - past.idle);
    return total <= 0 ? 0 : Math.min(100, Math.max(0, (100 * busy) / total));
  });
}

function sum({ user, nice, sys, idle, irq }: CpuInfo['times']): number {
  return user + nice + sys + idle + irq;
}

async function readMemory(): Promise<Machine['memory']> {
  return memoryOf(await readFile('/proc/meminfo', 'utf8'));
}

/** @param text that of /proc/meminfo, see proc_meminfo(5): lines such as `MemTotal:  16303428 kB` */
export function memoryOf(text: string): Machine['memory'] {
  const fields = new Map(
    [...text.matchAll(/^(\w+): +(\d+) kB$/gm)].map(([, name, kilobytes]) => [name, Number(kilobytes) * 1024]),
  );
  const field = (name: string) => fields.get(name) ?? 0;
  return {
    totalBytes: field('MemTotal'),
    availableBytes: field('MemAvailable'),
    swapUsedBytes: field('SwapTotal') - field('SwapFree'),
  };
}

/** Of the file system that holds the folder, or will: its nearest parent that is there, and that we may see. */
async function readDisk(path: string): Promise<Machine['disk']> {
  try {
    const { bsize, blocks, bavail } = await statfs(path);
    return { path, totalBytes: bsize * blocks, freeBytes: bsize * bavail };
  } catch (error) {
    if (!['ENOENT', 'EACCES'].includes(causeOf(error)) || path === '/') {
      throw error;
    }
    return readDisk(dirname(path));
  }
}
