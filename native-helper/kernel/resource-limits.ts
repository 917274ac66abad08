import { readFileSync } from 'node:fs';

/** Our own hard RLIMIT_NOFILE, from /proc/self/limits: proc_pid_limits(5). A child's can't be higher. */
export function openFilesMaximum(): bigint {
  const hard = /^Max open files +\S+ +([0-9]+) /m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  if (hard === undefined) {
    throw new Error('/proc/self/limits names no number for "Max open files"');
  }
  return BigInt(hard);
}
