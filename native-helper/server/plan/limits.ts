/** Limits of a job → cgroup v2 interface files (Documentation/admin-guide/cgroup-v2.rst). */
import { JobletError } from '../../api/errors.ts';
import type { CheckedJobSpec } from '../../api/job-spec.ts';
import type { ControllerFault } from '../../kernel/cgroup.ts';
import type { Limit } from './plan.ts';

type Limits = CheckedJobSpec['limits'];

/** Why a controller can't be used; null when it can. */
export type ControllerCheck = (controller: string) => ControllerFault | null;

/** The kernel's own default; a shorter period costs more switches, a longer one makes jobs stutter. */
const CPU_PERIOD_US = 100_000;
const US_PER_PERCENT = CPU_PERIOD_US / 100;
/** The kernel rounds memory.max down to pages, and 64 KiB is the largest page of x86-64 and arm64. */
const LARGEST_PAGE_BYTES = 65_536n;
/** Init and the command are counted both. */
const LEAST_PIDS = 2n;

/**
 * @throws JobletError (refused) when a limit can't be enforced here: a job never starts with less than was asked for.
 */
export function limitFilesOf(limits: Limits, faultOf: ControllerCheck): Limit[] {
  const files: Limit[] = [];
  const set = (file: string, value: string): void => {
    requireController(file, faultOf);
    files.push({ file, written: value, readBack: value });
  };
  if (limits.cpuPercent !== undefined) {
    set('cpu.max', `${limits.cpuPercent * US_PER_PERCENT} ${CPU_PERIOD_US}`);
  }
  if (limits.cpuWeight !== undefined) {
    set('cpu.weight', String(limits.cpuWeight));
  }
  if (limits.memoryBytes !== undefined) {
    set('memory.max', String(limits.memoryBytes - (limits.memoryBytes % LARGEST_PAGE_BYTES)));
    set('memory.swap.max', '0');
    set('memory.oom.group', '1');
  }
  if (limits.pids !== undefined) {
    requireRoomForInit(limits.pids);
    set('pids.max', String(limits.pids));
  }
  return files;
}

function requireController(file: string, faultOf: ControllerCheck): void {
  const controller = file.slice(0, file.indexOf('.'));
  const fault = faultOf(controller);
  if (fault !== null) {
    throw new JobletError('refused', { layer: 'cgroup', operation: 'limit', object: file, ...fault });
  }
}

function requireRoomForInit(pids: bigint): void {
  if (pids < LEAST_PIDS) {
    throw new JobletError('refused', {
      layer: 'cgroup',
      operation: 'limit',
      object: 'pids.max',
      reason: `${pids} leaves no room for a command beside the job's init`,
      mend: `Ask for at least ${LEAST_PIDS}.`,
    });
  }
}

/** What the job asked for, and where it asked for nothing, what the configuration sets for all jobs. */
export function effectiveLimits(
  asked: Limits,
  configured: {
    readonly cpu_percent?: number | undefined;
    readonly cpu_weight?: number | undefined;
    readonly memory_bytes?: number | undefined;
    readonly pids?: number | undefined;
  },
): Limits {
  const bigintOf = (value: number | undefined): bigint | undefined =>
    value === undefined ? undefined : BigInt(value);
  return {
    cpuPercent: asked.cpuPercent ?? configured.cpu_percent,
    cpuWeight: asked.cpuWeight ?? configured.cpu_weight,
    memoryBytes: asked.memoryBytes ?? bigintOf(configured.memory_bytes),
    pids: asked.pids ?? bigintOf(configured.pids),
  };
}
