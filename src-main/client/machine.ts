/** The whole machine as its user can see it: processors, memory, the disk of the jobs. */
import { readFile, statfs } from 'node:fs/promises';
import type { CpuInfo } from 'node:os';
import { dirname } from 'node:path';
import { causeOf } from '../../native-helper/api/errors.ts';

export interface Memory {
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly swapUsedBytes: number;
}

/** A file system. */
export interface Disk {
  readonly path: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
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

export async function readMemory(): Promise<Memory> {
  return memoryOf(await readFile('/proc/meminfo', 'utf8'));
}

/** @param text that of /proc/meminfo, see proc_meminfo(5): lines such as `MemTotal:  16303428 kB` */
export function memoryOf(text: string): Memory {
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
export async function readDisk(path: string): Promise<Disk> {
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
