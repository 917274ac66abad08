/** The disk below a folder, and how it shares its time among cgroups: Documentation/admin-guide/cgroup-v2.rst, "IO". */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { causeOf } from '../api/errors.ts';
import { type MountEntry, readMounts } from './mountinfo.ts';

/** A whole disk, or what stands for one: a device of device mapper, md or loop. */
export interface Disk {
  /** `8:0`, as io.max names it. */
  readonly device: string;
  /** `sda`. */
  readonly name: string;
}

/** Why the input and output of a folder can't be limited. */
export interface DiskFault {
  readonly reason: string;
  readonly mend: string;
}

/**
 * File systems that account what is written later to the cgroup that has written it (SB_I_CGROUPWB in the kernel's source). With
 * any other a limit would hold only for what is written with O_DIRECT or fsync.
 */
const ACCOUNTING_FILE_SYSTEMS: readonly string[] = ['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs'];
const BLOCK_DEVICES = '/sys/dev/block';

/**
 * The disk that holds a folder. Device mapper and md are disks of their own here: the kernel throttles at their queue what goes in, before
 * it is spread over the disks below.
 */
export function diskOf(folder: string): Disk | DiskFault {
  const path = realpathSync(folder);
  const mount = mountOf(path, readMounts());
  if (mount === undefined || !ACCOUNTING_FILE_SYSTEMS.includes(mount.fileSystemType)) {
    return fault(`${path} lies on ${mount?.fileSystemType ?? 'a file system that is not listed'}`);
  }
  if (mount.superOptions.includes('data=journal')) {
    return fault(`${path} lies on ${mount.fileSystemType} with data=journal`);
  }
  const device = deviceNumber(statSync(path, { bigint: true }).dev);
  if (!device.startsWith('0:')) {
    return wholeDisk(device, path);
  }
  return mount.fileSystemType === 'btrfs' ? diskOfBtrfs(mount.source, path) : fault(`${path} has no device`);
}

/** Its own device number is nobody's; it names one of its disks as what it was mounted from. */
function diskOfBtrfs(source: string, path: string): Disk | DiskFault {
  try {
    const { name, device } = {
      name: basename(realpathSync(source)),
      device: statSync(source, { bigint: true }).rdev,
    };
    const siblings = readdirSync('/sys/fs/btrfs')
      .map((id) => namesIn(join('/sys/fs/btrfs', id, 'devices')))
      .find((names) => names.includes(name));
    if (siblings !== undefined && siblings.length > 1) {
      return fault(`${path} lies on a btrfs of ${siblings.length} disks`);
    }
    return wholeDisk(deviceNumber(device), path);
  } catch (error) {
    return fault(`${path} lies on a btrfs whose disk ${source} can't be read: ${causeOf(error)}`);
  }
}

function wholeDisk(device: string, path: string): Disk | DiskFault {
  try {
    const entry = realpathSync(join(BLOCK_DEVICES, device));
    const disk = contentOf(join(entry, 'partition')) === undefined ? entry : dirname(entry);
    return { device: readFileSync(join(disk, 'dev'), 'utf8').trim(), name: basename(disk) };
  } catch (error) {
    return fault(
      `${path} lies on device ${device}, of which ${BLOCK_DEVICES} knows nothing: ${causeOf(error)}`,
    );
  }
}

function fault(reason: string): DiskFault {
  return {
    reason: `${reason}, so that what a job reads and writes can't be limited`,
    mend: "Put the helper's folder onto an ext4, xfs, btrfs or f2fs file system of one disk, or leave the limit out.",
  };
}

/** The mount that shows a path: the last one on the longest part of it. */
function mountOf(path: string, mounts: readonly MountEntry[]): MountEntry | undefined {
  const holds = ({ mountPoint }: MountEntry) =>
    mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`);
  const longest = Math.max(...mounts.filter(holds).map(({ mountPoint }) => mountPoint.length));
  return mounts.findLast((mount) => holds(mount) && mount.mountPoint.length === longest);
}

/** gnu_dev_major(3): 12 and 20 bits each of major and minor, in turns. */
function deviceNumber(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}

/** How the kernel shares a disk by weight. */
export type IoSharing = 'bfq' | 'io.cost';

/**
 * What heeds weights on this disk, or on each disk below it; undefined: nothing does, whatever is written.
 *
 * @param cgroupMount where cgroup v2 is mounted: only its root says whether io.cost is on.
 */
export function ioSharingOf(disk: Disk, cgroupMount: string): IoSharing | undefined {
  const costs = contentOf(join(cgroupMount, 'io.cost.qos')) ?? '';
  const sharing = physicalDisks(disk).map(({ device, name }): IoSharing | undefined => {
    if (costs.split('\n').some((line) => line.startsWith(`${device} enable=1 `))) {
      return 'io.cost';
    }
    return contentOf(`/sys/block/${name}/queue/scheduler`)?.includes('[bfq]') ? 'bfq' : undefined;
  });
  return sharing.every((each) => each === sharing[0]) ? sharing[0] : undefined;
}

/** The disks below device mapper or md, which have no scheduler of their own; of any other itself. */
function physicalDisks(disk: Disk): Disk[] {
  const below = namesIn(`/sys/block/${disk.name}/slaves`);
  if (below.length === 0) {
    return [disk];
  }
  return below.flatMap((name) => {
    const found = wholeDisk(contentOf(`/sys/class/block/${name}/dev`)?.trim() ?? '', name);
    return 'device' in found ? physicalDisks(found) : [];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
