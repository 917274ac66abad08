/** What /proc says of one process: proc_pid_status(5), proc_pid_smaps(5). */
import { readdirSync, readFileSync } from 'node:fs';

/** Bytes of memory that only this process needs, and no file could give back. */
export function anonymousBytes(pid: number): number {
  return kibibytes(`/proc/${pid}/status`, 'RssAnon');
}

/** Bytes, with what is shared counted in parts. */
export function proportionalBytes(pid: number): number {
  return kibibytes(`/proc/${pid}/smaps_rollup`, 'Pss');
}

/** Of all threads together, wanted and unwanted ones. */
export function contextSwitches(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'))
    .flatMap((status) => [...status.matchAll(/^(?:non)?voluntary_ctxt_switches:\s+(\d+)$/gm)])
    .reduce((sum, match) => sum + Number(match[1]), 0);
}

export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '))
    .filter((child) => child !== '')
    .map(Number);
}

function kibibytes(path: string, field: string): number {
  const value = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(path, 'utf8'))?.[1];
  if (value === undefined) {
    throw new Error(`${path} has no field ${field}`);
  }
  return Number(value) * 1024;
}
