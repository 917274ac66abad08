/** The helper's part of the cgroup v2 tree: Documentation/admin-guide/cgroup-v2.rst. There is no v1 path (ADR-007). */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { causeOf, JobletError } from '../api/errors.ts';
import { extendedAttribute } from './extended-attribute.ts';
import { type MountEntry, readMounts } from './mountinfo.ts';

/** The controllers that a job's limits can need. */
export const LIMIT_CONTROLLERS = ['cpu', 'memory', 'pids', 'io', 'cpuset'] as const;

/** Why limits of one controller can't be enforced here, and what would change that. */
export interface ControllerFault {
  readonly reason: string;
  readonly mend: string;
}

export interface CgroupUsage {
  /** Microseconds since the cgroup was made: cpu.stat, which every cgroup has, with the cpu controller or without. */
  readonly cpuUserUs: bigint;
  readonly cpuSystemUs: bigint;
  /** memory.current, page cache included; undefined where the controller is not ours to use. */
  readonly memoryBytes: bigint | undefined;
  /** Processes and their threads: pids.current, or counted where the controller is not ours to use. */
  readonly pids: bigint;
  /** io.stat, all disks together; undefined where the controller is not ours to use. */
  readonly ioReadBytes: bigint | undefined;
  readonly ioWrittenBytes: bigint | undefined;
  /** Microseconds in which at least one process waited: PSI "some"; undefined where the kernel was booted without. */
  readonly cpuPressureUs: bigint | undefined;
  readonly memoryPressureUs: bigint | undefined;
  readonly ioPressureUs: bigint | undefined;
}

/**
 * All jobs together against everything else on the machine, when both want the CPU. The default of a cgroup is 100, so
 * the desktop gets five shares to one; on an idle machine the jobs get all of it. In a cgroup that systemd gave us this is their
 * weight against the helper alone: against the desktop it is that of the unit's slice, which elevate-start sets to the same.
 */
const JOBS_CPU_WEIGHT = 20;

const JOB_PREFIX = 'job-';
const HELPER_LEAF = 'helper';
const JOBS_LEAF = 'jobs';
/** How long the kernel may take to end killed processes: those that write out memory to a slow disk take longest. */
const REMOVE_ATTEMPTS = 200;
const REMOVE_INTERVAL_MS = 25;

/**
 * A tree of our own with two branches, because a cgroup that hands controllers on can't hold processes itself:
 * - `helper`: this process and the monitors, which start in it. Moving each monitor to a leaf of its own would cost a
 *   wait for RCU, 13 ms at worst, on the way of every job.
 * - `jobs`: `job-<uuid>` for each running job, made and removed by its monitor.
 */
export class CgroupTree {
  readonly path: string;
  readonly jobsPath: string;
  /** Where cgroup v2 is mounted. */
  readonly mount: string;
  readonly #faults: ReadonlyMap<string, ControllerFault>;
  readonly #hasPressure: boolean;
  /** Where this process was before; undefined when systemd gave us the tree, and removes it, or we have left it. */
  #cameFrom: string | undefined;

  private constructor(
    mount: string,
    path: string,
    faults: ReadonlyMap<string, ControllerFault>,
    cameFrom?: string,
  ) {
    this.mount = mount;
    this.path = path;
    this.jobsPath = join(path, JOBS_LEAF);
    this.#faults = faults;
    this.#hasPressure = hasPressure(this.jobsPath);
    this.#cameFrom = cameFrom;
  }

  /**
   * Makes or finds the tree, moves this process into it, and switches on what controllers there are.
   *
   * @param root the helper's root: helpers with different roots have trees of their own.
   * @throws JobletError (unavailable) when there is no cgroup v2 tree that we can write to.
   */
  static prepare(root: string): CgroupTree {
    const mounts = readMounts();
    const mount = mounts.find(({ fileSystemType }) => fileSystemType === 'cgroup2')?.mountPoint;
    if (mount === undefined) {
      throw unavailable('find', '/proc/self/mountinfo', 'no cgroup2 file system is mounted');
    }
    const own = join(mount, ownCgroup());
    const delegated = delegatedCgroup(own);
    const path = delegated ?? join(mount, treeName(root));
    makeDirectory(path);
    makeDirectory(join(path, HELPER_LEAF));
    makeDirectory(join(path, JOBS_LEAF));
    moveSelfTo(join(path, HELPER_LEAF));
    const ancestors = [...(delegated === undefined ? [mount] : []), path, join(path, JOBS_LEAF)];
    const faults = enableControllers(ancestors, mount, mounts);
    if (!faults.has('cpu')) {
      writeIfPresent(join(path, JOBS_LEAF, 'cpu.weight'), String(JOBS_CPU_WEIGHT));
      if (delegated === undefined) {
        writeIfPresent(join(path, 'cpu.weight'), String(JOBS_CPU_WEIGHT));
      }
    }
    return new CgroupTree(
      mount,
      path,
      faults,
      delegated === undefined ? placeToReturnTo(own, path, mount) : undefined,
    );
  }

  /** The controllers whose limits can be used. */
  get controllers(): string[] {
    return LIMIT_CONTROLLERS.filter((name) => !this.#faults.has(name));
  }

  /** Why a controller can't be used; null when it can. */
  controllerFault(controller: string): ControllerFault | null {
    if ((LIMIT_CONTROLLERS as readonly string[]).includes(controller)) {
      return this.#faults.get(controller) ?? null;
    }
    return {
      reason: `cgroup v2 controller ${controller} is not one of ${LIMIT_CONTROLLERS.join(', ')}`,
      mend: '',
    };
  }

  /** The processors that jobs can be given, as a list such as `0-3`; only with the cpuset controller. */
  usableCpus(): string {
    return readFileSync(join(this.jobsPath, 'cpuset.cpus.effective'), 'utf8').trim();
  }

  /** @returns a descriptor of `jobs` for the monitors; the caller closes it. */
  openJobs(): number {
    return openSync(this.jobsPath, constants.O_RDONLY | constants.O_DIRECTORY);
  }

  jobPath(uuid: string): string {
    return join(this.jobsPath, JOB_PREFIX + uuid);
  }

  /** The uuids of all jobs that have a cgroup now, running or left over. */
  jobs(): string[] {
    return readdirSync(this.jobsPath)
      .filter((name) => name.startsWith(JOB_PREFIX))
      .map((name) => name.slice(JOB_PREFIX.length));
  }

  /** Ends every process of a job at once, whatever it has forked. Does nothing when its cgroup is gone. */
  kill(uuid: string): void {
    tolerating(['ENOENT', 'ENODEV'], 'kill', () => write(join(this.jobPath(uuid), 'cgroup.kill'), '1'));
  }

  /** Whether a process of the job still lives. */
  isPopulated(uuid: string): boolean {
    const events = tolerating(['ENOENT', 'ENODEV'], 'read', () =>
      readFileSync(join(this.jobPath(uuid), 'cgroup.events'), 'utf8'),
    );
    return events?.includes('populated 1') ?? false;
  }

  /** What a job uses now; undefined when its cgroup is gone, be it in the middle. */
  usage(uuid: string): CgroupUsage | undefined {
    const path = this.jobPath(uuid);
    const read = (name: string) => readFileSync(join(path, name), 'utf8');
    return tolerating(['ENOENT', 'ENODEV'], 'read', () => {
      const cpu = read('cpu.stat');
      const io = this.#faults.has('io') ? undefined : read('io.stat');
      const pressure = (resource: string) =>
        this.#hasPressure ? totalOf(read(`${resource}.pressure`)) : undefined;
      return {
        cpuUserUs: fieldOf(cpu, 'user_usec'),
        cpuSystemUs: fieldOf(cpu, 'system_usec'),
        memoryBytes: this.#faults.has('memory') ? undefined : BigInt(read('memory.current')),
        pids: this.#faults.has('pids') ? linesOf(read('cgroup.threads')) : BigInt(read('pids.current')),
        ioReadBytes: io === undefined ? undefined : sumOf(io, 'rbytes'),
        ioWrittenBytes: io === undefined ? undefined : sumOf(io, 'wbytes'),
        cpuPressureUs: pressure('cpu'),
        memoryPressureUs: pressure('memory'),
        ioPressureUs: pressure('io'),
      };
    });
  }

  /**
   * Removes a job's cgroup when the last killed process has gone.
   *
   * @throws JobletError when one still lives after 5 s (uninterruptible sleep).
   */
  async remove(uuid: string): Promise<void> {
    for (let attempt = 1; this.isPopulated(uuid) && attempt < REMOVE_ATTEMPTS; attempt += 1) {
      await delay(REMOVE_INTERVAL_MS);
    }
    tolerating(['ENOENT'], 'rmdir', () => rmdirSync(this.jobPath(uuid)));
  }

  /** Leaves and removes the tree if it is ours and no job or monitor needs it; else it stays for the next helper. */
  close(): void {
    if (this.#cameFrom === undefined) {
      return;
    }
    const others = readFileSync(join(this.path, HELPER_LEAF, 'cgroup.procs'), 'utf8')
      .split('\n')
      .filter((pid) => pid !== '' && Number(pid) !== process.pid);
    if (others.length > 0 || this.jobs().length > 0) {
      return;
    }
    moveSelfTo(this.#cameFrom);
    this.#cameFrom = undefined;
    for (const path of [join(this.path, HELPER_LEAF), this.jobsPath, this.path]) {
      tolerating(['ENOENT', 'EBUSY'], 'rmdir', () => rmdirSync(path));
    }
  }
}

/** A line of a flat-keyed file, such as `user_usec 1234`. */
function fieldOf(text: string, name: string): bigint {
  return BigInt(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** A kernel that was booted without PSI has no such files. */
function hasPressure(path: string): boolean {
  return readdirSync(path).includes('cpu.pressure');
}

/** Of a field over all lines of io.stat, such as `8:0 rbytes=1234 wbytes=0 rios=…`. */
function sumOf(text: string, name: string): bigint {
  return [...text.matchAll(new RegExp(` ${name}=(\\d+)`, 'g'))].reduce(
    (sum, [, value]) => sum + BigInt(value ?? 0),
    0n,
  );
}

/** µs of `some avg10=0.00 avg60=0.00 avg300=0.00 total=1234`. */
function totalOf(text: string): bigint {
  return BigInt(/^some .*total=(\d+)$/m.exec(text)?.[1] ?? 0);
}

function linesOf(text: string): bigint {
  return BigInt(text.split('\n').length - 1);
}

/** The name of the cgroup of an installation, unless systemd has given one to its helper. */
export function treeName(root: string): string {
  return root === '/' ? 'joblet' : `joblet-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`;
}

/** Our place in the v2 tree: the line with hierarchy 0 and no controllers, cgroups(7). */
function ownCgroup(): string {
  const line = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .find((text) => text.startsWith('0::'));
  return line?.slice('0::'.length) ?? '/';
}

/** systemd marks a cgroup that it leaves to us (Delegate=yes); a restarted helper may already be in our own leaf. */
function delegatedCgroup(own: string): string | undefined {
  const candidates = basename(own) === HELPER_LEAF ? [own, dirname(own)] : [own];
  return candidates.find((path) =>
    ['trusted.delegate', 'user.delegate'].some((name) => extendedAttribute(path, name) === '1'),
  );
}

/** A helper that was started from within our tree can't return there when the tree is removed. */
function placeToReturnTo(own: string, tree: string, mount: string): string {
  return own === tree || own.startsWith(`${tree}/`) ? mount : own;
}

function enableControllers(
  ancestors: readonly string[],
  mount: string,
  mounts: readonly MountEntry[],
): Map<string, ControllerFault> {
  const faults = new Map<string, ControllerFault>();
  const present = readFileSync(join(ancestors[0] as string, 'cgroup.controllers'), 'utf8')
    .trim()
    .split(' ');
  for (const controller of LIMIT_CONTROLLERS) {
    const fault = present.includes(controller)
      ? enableIn(ancestors, controller)
      : explainAbsence(controller, mount, mounts);
    if (fault !== null) {
      faults.set(controller, fault);
    }
  }
  return faults;
}

function enableIn(ancestors: readonly string[], controller: string): ControllerFault | null {
  for (const path of ancestors) {
    try {
      write(join(path, 'cgroup.subtree_control'), `+${controller}`);
    } catch (error) {
      return {
        reason: `cgroup v2 controller ${controller} is not available: ${path}/cgroup.subtree_control: ${causeOf(error)}`,
        mend: 'Start the helper as a systemd service with Delegate=yes, or outside a container.',
      };
    }
  }
  return null;
}

function explainAbsence(controller: string, mount: string, mounts: readonly MountEntry[]): ControllerFault {
  // v1 calls the io controller blkio.
  const v1Name = controller === 'io' ? 'blkio' : controller;
  const v1 = mounts.find(
    ({ fileSystemType, superOptions }) => fileSystemType === 'cgroup' && superOptions.includes(v1Name),
  );
  return v1 === undefined
    ? {
        reason: `cgroup v2 controller ${controller} is not available: ${mount} does not offer it`,
        mend: `Boot with cgroup_enable=${controller}, or use a kernel that has it.`,
      }
    : {
        reason: `cgroup v2 controller ${controller} is not available: it is mounted as cgroup v1 at ${v1.mountPoint}`,
        mend: 'Boot with systemd.unified_cgroup_hierarchy=1 or cgroup_no_v1=all.',
      };
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o755 });
  } catch (error) {
    if (causeOf(error) !== 'EEXIST') {
      throw unavailable('mkdir', path, causeOf(error));
    }
  }
}

function moveSelfTo(path: string): void {
  try {
    write(join(path, 'cgroup.procs'), String(process.pid));
  } catch (error) {
    throw unavailable('write', join(path, 'cgroup.procs'), causeOf(error));
  }
}

/** Without O_CREAT, for which a cgroup file system has answers of its own. */
function write(path: string, value: string): void {
  const fd = openSync(path, constants.O_WRONLY);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

function writeIfPresent(path: string, value: string): void {
  tolerating(['ENOENT'], 'write', () => write(path, value));
}

function tolerating<T>(causes: readonly string[], operation: string, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (causes.includes(causeOf(error))) {
      return undefined;
    }
    const object = error instanceof Error && 'path' in error ? String(error.path) : '';
    throw new JobletError(
      'internal',
      { layer: 'cgroup', operation, object, reason: causeOf(error), mend: '' },
      { cause: error },
    );
  }
}

function unavailable(operation: string, object: string, reason: string): JobletError {
  return new JobletError('unavailable', {
    layer: 'cgroup',
    operation,
    object,
    reason,
    mend: 'Mount a writable cgroup v2 tree (mount -t cgroup2 none /sys/fs/cgroup); `joblet doctor` says what is there.',
  });
}
