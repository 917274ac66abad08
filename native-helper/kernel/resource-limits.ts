import { readFileSync } from 'node:fs';

/** What a limit is that the kernel calls unlimited: RLIM_INFINITY. */
const UNLIMITED = 2n ** 64n - 1n;

/** Our own hard limits: a child's can't be higher. */
export interface HardLimits {
  /** RLIMIT_NOFILE. */
  readonly openFiles: bigint;
  /** RLIMIT_CORE, bytes. */
  readonly coreDump: bigint;
}

/** From /proc/self/limits: proc_pid_limits(5). */
export function hardLimits(): HardLimits {
  const text = readFileSync('/proc/self/limits', 'utf8');
  return { openFiles: hardLimit(text, 'Max open files'), coreDump: hardLimit(text, 'Max core file size') };
}

function hardLimit(text: string, name: string): bigint {
  const hard = new RegExp(`^${name} +\\S+ +(unlimited|[0-9]+) `, 'm').exec(text)?.[1];
  if (hard === undefined) {
    throw new Error(`/proc/self/limits names no number for "${name}"`);
  }
  return hard === 'unlimited' ? UNLIMITED : BigInt(hard);
}
