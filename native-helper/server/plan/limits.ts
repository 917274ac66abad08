/** Limits of a job → cgroup v2 interface files (Documentation/admin-guide/cgroup-v2.rst). */

import { cpuListOf, cpusOf } from '../../api/cpu-list.ts';
import { JobletError } from '../../api/errors.ts';
import type { CheckedJobSpec } from '../../api/job-spec.ts';
import type { Disk, DiskFault, IoSharing } from '../../kernel/block-device.ts';
import type { ControllerFault } from '../../kernel/cgroup.ts';
import type { Limit } from './plan.ts';

type Limits = CheckedJobSpec['limits'];

/** Why a controller can't be used; null when it can. */
export type ControllerCheck = (controller: string) => ControllerFault | null;

/** What of this machine a limit depends on. */
export interface LimitHost {
  readonly controllerFault: ControllerCheck;
  /** The processors that jobs can be given, as cpuset.cpus.effective of their cgroup lists them. */
  readonly usableCpus: () => string;
  /** The disk that holds the jobs' files. */
  readonly jobsDisk: () => Disk | DiskFault;
  /** What heeds weights on it. */
  readonly ioSharing: (disk: Disk) => IoSharing | undefined;
}

/** The kernel's own default; a shorter period costs more switches, a longer one makes jobs stutter. */
const CPU_PERIOD_US = 100_000;
const US_PER_PERCENT = CPU_PERIOD_US / 100;
/** The kernel rounds memory.max down to pages, and 64 KiB is the largest page of x86-64 and arm64. */
const LARGEST_PAGE_BYTES = 65_536n;
/** Init and the command are counted both. */
const LEAST_PIDS = 2n;

/** bfq counts to 1000 where cgroup v2 counts to 10000; both take 100 for the usual weight. */
const USUAL_WEIGHT = 100;
const BFQ_SCALE = (1000 - USUAL_WEIGHT) / (10_000 - USUAL_WEIGHT);

/**
 * @throws JobletError (refused) when a limit can't be enforced here: a job never starts with less than was asked for.
 */
export function limitFilesOf(limits: Limits, host: LimitHost): Limit[] {
  return [
    ...cpuFiles(limits, host),
    ...memoryFiles(limits),
    ...ioFiles(limits, host),
    ...pidsFiles(limits),
  ].map((limit) => {
    requireController(limit.file, host.controllerFault);
    return limit;
  });
}

function same(file: string, value: string): Limit {
  return { file, written: value, readBack: value };
}

function cpuFiles({ cpuPercent, cpuWeight, cpuCores }: Limits, host: LimitHost): Limit[] {
  return [
    ...(cpuPercent === undefined ? [] : [same('cpu.max', `${cpuPercent * US_PER_PERCENT} ${CPU_PERIOD_US}`)]),
    ...(cpuWeight === undefined ? [] : [same('cpu.weight', String(cpuWeight))]),
    ...(cpuCores === undefined ? [] : cpusetFiles(cpuCores, host)),
  ];
}

/** The kernel takes any list and uses what it has of it; with nothing of it, all there is. So what it uses is compared, too. */
function cpusetFiles(cpuCores: string, { controllerFault, usableCpus }: LimitHost): Limit[] {
  requireController('cpuset.cpus', controllerFault);
  const usable = usableCpus();
  const [asked, there] = [cpusOf(cpuCores), cpusOf(usable)];
  const missing = new Set([...asked].filter((cpu) => !there.has(cpu)));
  if (missing.size > 0) {
    throw refused(
      'cpuset.cpus',
      `processor ${cpuListOf(missing)} is not there, is offline, or not for jobs`,
      `Choose from ${usable}.`,
    );
  }
  const list = cpuListOf(asked);
  return [same('cpuset.cpus', list), { file: 'cpuset.cpus.effective', written: '', readBack: list }];
}

function memoryFiles({ memoryBytes, memoryHighBytes, swapBytes }: Limits): Limit[] {
  if (memoryBytes !== undefined && memoryHighBytes !== undefined && memoryHighBytes > memoryBytes) {
    throw refused(
      'memory.high',
      `${memoryHighBytes} is more than memory.max (${memoryBytes}), so that it is never reached`,
      'Ask for less.',
    );
  }
  const swap = swapBytes ?? (memoryBytes === undefined ? undefined : 0n);
  return [
    ...(memoryBytes === undefined ? [] : [same('memory.max', wholePages(memoryBytes))]),
    ...(memoryHighBytes === undefined ? [] : [same('memory.high', wholePages(memoryHighBytes))]),
    ...(swap === undefined ? [] : [same('memory.swap.max', wholePages(swap))]),
    ...(memoryBytes === undefined ? [] : [same('memory.oom.group', '1')]),
  ];
}

function wholePages(bytes: bigint): string {
  return String(bytes - (bytes % LARGEST_PAGE_BYTES));
}

function ioFiles({ ioBytesPerSecond, ioWeight }: Limits, host: LimitHost): Limit[] {
  if (ioBytesPerSecond === undefined && ioWeight === undefined) {
    return [];
  }
  for (const needed of ['io.max', 'memory.max']) {
    // Without the memory controller nobody knows whose page it is that is written later.
    requireController(needed, host.controllerFault);
  }
  const disk = host.jobsDisk();
  if ('reason' in disk) {
    throw refused(ioBytesPerSecond === undefined ? 'io.weight' : 'io.max', disk.reason, disk.mend);
  }
  const rate = `${disk.device} rbps=${ioBytesPerSecond} wbps=${ioBytesPerSecond}`;
  return [
    ...(ioBytesPerSecond === undefined
      ? []
      : [{ file: 'io.max', written: rate, readBack: `${rate} riops=max wiops=max` }]),
    ...(ioWeight === undefined ? [] : [ioWeightFile(ioWeight, disk, host.ioSharing(disk))]),
  ];
}

function ioWeightFile(weight: number, { name }: Disk, sharing: IoSharing | undefined): Limit {
  switch (sharing) {
    case 'io.cost':
      return same('io.weight', `default ${weight}`);
    case 'bfq': {
      const scaled = weight <= USUAL_WEIGHT ? weight : USUAL_WEIGHT + (weight - USUAL_WEIGHT) * BFQ_SCALE;
      const value = String(Math.floor(scaled));
      return { file: 'io.bfq.weight', written: value, readBack: `default ${value}` };
    }
    case undefined:
      throw refused(
        'io.weight',
        `it would be accepted and not enforced: nothing shares ${name} by weight here`,
        `As root: echo bfq >/sys/block/${name}/queue/scheduler, or switch io.cost on for it in io.cost.qos.`,
      );
  }
}

function pidsFiles({ pids }: Limits): Limit[] {
  if (pids === undefined) {
    return [];
  }
  requireRoomForInit(pids);
  return [same('pids.max', String(pids))];
}

function refused(object: string, reason: string, mend: string): JobletError {
  return new JobletError('refused', { layer: 'cgroup', operation: 'limit', object, reason, mend });
}

function requireController(file: string, faultOf: ControllerCheck): void {
  const controller = file.slice(0, file.indexOf('.'));
  const fault = faultOf(controller);
  if (fault !== null) {
    throw refused(file, fault.reason, fault.mend);
  }
}

function requireRoomForInit(pids: bigint): void {
  if (pids < LEAST_PIDS) {
    throw refused(
      'pids.max',
      `${pids} leaves no room for a command beside the job's init`,
      `Ask for at least ${LEAST_PIDS}.`,
    );
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
    readonly cpu_cores?: string | undefined;
    readonly memory_high_bytes?: number | undefined;
    readonly swap_bytes?: number | undefined;
    readonly io_bytes_per_second?: number | undefined;
    readonly io_weight?: number | undefined;
  },
): Limits {
  const bigintOf = (value: number | undefined): bigint | undefined =>
    value === undefined ? undefined : BigInt(value);
  return {
    cpuPercent: asked.cpuPercent ?? configured.cpu_percent,
    cpuWeight: asked.cpuWeight ?? configured.cpu_weight,
    memoryBytes: asked.memoryBytes ?? bigintOf(configured.memory_bytes),
    pids: asked.pids ?? bigintOf(configured.pids),
    cpuCores: asked.cpuCores ?? configured.cpu_cores,
    memoryHighBytes: asked.memoryHighBytes ?? bigintOf(configured.memory_high_bytes),
    swapBytes: asked.swapBytes ?? bigintOf(configured.swap_bytes),
    ioBytesPerSecond: asked.ioBytesPerSecond ?? bigintOf(configured.io_bytes_per_second),
    ioWeight: asked.ioWeight ?? configured.io_weight,
  };
}
