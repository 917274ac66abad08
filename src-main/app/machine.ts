/** The whole machine, while somebody looks. */
import { cpus, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { coreLoads, readDisk, readMemory } from '../client/machine.ts';
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
