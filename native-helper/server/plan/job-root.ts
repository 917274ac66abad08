/** The parts of a job's root that are its own: the root itself, /proc, /dev, /tmp, /work. */
import type { Device, Mount, MountAttribute, RootMount, Slot } from './plan.ts';

/** Holds folders, links and a few files of /etc; the job can't write to it. */
const ROOT_BYTES = 16n * 1024n * 1024n;
/** Holds device nodes, which take no blocks; the job can't write to it. */
const DEV_BYTES = 64n * 1024n;

const CLOSED: readonly MountAttribute[] = ['noSuid', 'noDevices', 'noExec'];

/** Memory, keys, timers and hardware of the host: nothing a job needs, much that tells on others. */
const MASKED = [
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/key-users',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/sysrq-trigger',
  '/proc/timer_list',
  '/proc/timer_stats',
];

/** Kernel settings: a job may read them and never write them, whatever its uid. */
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys'];

export const ROOT: RootMount = {
  kind: 'tmpfs',
  target: '/',
  attributes: ['readOnly', 'noSuid', 'noDevices'],
  size: ROOT_BYTES,
  mode: 0o755,
  uid: 0,
  gid: 0,
};

/** @param tmpBytes the most that /tmp, and apart from it /dev/shm, may hold. Both count as the job's memory. */
export function ownMounts(workSource: Slot, tmpBytes: bigint): Mount[] {
  return [...devMounts(tmpBytes), ...procMounts(), temporary('/tmp', tmpBytes), ...workMounts(workSource)];
}

function devMounts(shmBytes: bigint): Mount[] {
  return [
    {
      kind: 'tmpfs',
      target: '/dev',
      attributes: ['noSuid', 'noExec'],
      size: DEV_BYTES,
      mode: 0o755,
      uid: 0,
      gid: 0,
    },
    { kind: 'devpts', target: '/dev/pts', attributes: ['noSuid', 'noExec'] },
    link('/dev/ptmx', 'pts/ptmx'),
    temporary('/dev/shm', shmBytes),
    { kind: 'mqueue', target: '/dev/mqueue', attributes: CLOSED },
    link('/dev/fd', '/proc/self/fd'),
    link('/dev/stdin', '/proc/self/fd/0'),
    link('/dev/stdout', '/proc/self/fd/1'),
    link('/dev/stderr', '/proc/self/fd/2'),
  ];
}

function procMounts(): Mount[] {
  return [
    { kind: 'proc', target: '/proc', attributes: CLOSED },
    ...MASKED.map((target): Mount => ({ kind: 'mask', target })),
    ...READ_ONLY.map((target): Mount => ({ kind: 'readOnlyPath', target })),
  ];
}

/** /work runs programs (builds do), /tmp too; neither honours set-uid bits or device nodes. */
function workMounts(source: Slot): Mount[] {
  return [
    { kind: 'bind', target: '/work', source, attributes: ['noSuid', 'noDevices'] },
    link('/var/tmp', '/tmp'),
  ];
}

function temporary(target: string, size: bigint): Mount {
  return {
    kind: 'tmpfs',
    target,
    attributes: ['noSuid', 'noDevices'],
    size,
    mode: 0o1777,
    uid: 0,
    gid: 0,
  };
}

function link(target: string, leadsTo: string): Mount {
  return { kind: 'symlink', target, leadsTo };
}

/** Major and minor numbers: Documentation/admin-guide/devices.txt. */
export const DEVICES: readonly Device[] = (
  [
    ['/dev/null', 1, 3],
    ['/dev/zero', 1, 5],
    ['/dev/full', 1, 7],
    ['/dev/random', 1, 8],
    ['/dev/urandom', 1, 9],
    ['/dev/tty', 5, 0],
  ] as const
).map(([path, major, minor]) => ({
  type: 'character',
  path,
  major,
  minor,
  mode: 0o666,
  access: ['read', 'write'],
}));
