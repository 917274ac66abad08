/**
 * A folder that never holds more than its size: the root of an ext4 file system in an image of its own, which the kernel
 * itself can't write beyond. The image is sparse: it takes of the disk what lies in it.
 *
 * Not by project quota: whoever owns a file may move it to another project, or to none, with one ioctl(2)
 * (FS_IOC_FSSETXATTR; `chattr -p 0 FILE`, seen on Linux 6.1), so such a limit holds only for those who keep to it.
 */
import { execFile } from 'node:child_process';
import {
  closeSync,
  constants,
  fchmodSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  statfsSync,
} from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { causeOf, JobletError } from '../../api/errors.ts';

const execute = promisify(execFile);

/** What mkfs.ext4 can still make a file system of. */
export const SIZED_FOLDER_BYTES_MINIMUM = 1_048_576n;
/** 16 TiB: what ext4 holds in blocks of 4 KiB with the features that every kernel mounts. */
export const SIZED_FOLDER_BYTES_MAXIMUM = 2n ** 44n;

/** The helper may have been started with any environment, or none. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
} as const;

/**
 * Inode tables and journal are zeroes already, since the image is sparse: written out they would take their room on the disk. What
 * is deleted within is given back to it.
 */
const MKFS_OPTIONS = ['-q', '-F', '-m', '0'] as const;
const MKFS_EXTENDED = 'lazy_itable_init=1,lazy_journal_init=1,nodiscard';
const MOUNT_OPTIONS = 'loop,nosuid,nodev,noatime,discard,noinit_itable';

export interface SizedFolderOwner {
  readonly user: number;
  readonly group: number;
}

export interface SizedFolderUsage {
  /** What fits in altogether, less than the size: the file system's own tables are in it too. */
  readonly bytes: number;
  readonly usedBytes: number;
}

export class SizedFolder {
  /** The file that holds it. */
  readonly image: string;
  /** Where it is found while it is attached. */
  readonly path: string;

  /** Both lie in folders that only root can write to. */
  constructor(image: string, path: string) {
    this.image = image;
    this.path = path;
  }

  /**
   * Makes it, 0700 and empty, and attaches it. Nothing is left of it when that fails.
   *
   * @param bytes SIZED_FOLDER_BYTES_MINIMUM … SIZED_FOLDER_BYTES_MAXIMUM
   * @throws JobletError: invalid (the size), refused (this machine lacks what it takes), conflict (there is one already), or exhausted (the disk is full).
   */
  async create(bytes: bigint, { user, group }: SizedFolderOwner): Promise<void> {
    refuseSize(bytes);
    makeFolder(this.path);
    try {
      makeImage(this.image, bytes);
    } catch (error) {
      rmdirSync(this.path);
      throw error;
    }
    try {
      const extended = `${MKFS_EXTENDED},root_owner=${user}:${group}`;
      await run('mkfs.ext4', [...MKFS_OPTIONS, '-E', extended, this.image], this.image);
      await this.attach();
      prepareRoot(this.path);
    } catch (error) {
      await this.remove();
      throw error;
    }
  }

  get exists(): boolean {
    return lstatSync(this.image, { throwIfNoEntry: false })?.isFile() === true;
  }

  /** The root of a file system is on another device than the folder that it is mounted in. */
  get isAttached(): boolean {
    const root = lstatSync(this.path, { throwIfNoEntry: false });
    return root?.isDirectory() === true && root.dev !== lstatSync(dirname(this.path)).dev;
  }

  /**
   * Makes it visible at its path: after a start of the machine, or where it was left out of sight. Does no harm when it is.
   *
   * @throws JobletError (refused)
   */
  async attach(): Promise<void> {
    if (this.isAttached) {
      return;
    }
    await run('mount', ['-t', 'ext4', '-o', MOUNT_OPTIONS, this.image, this.path], this.image);
    if (!this.isAttached) {
      throw storageError('refused', 'mount', this.image, `nothing is mounted at ${this.path}`);
    }
  }

  /** Takes it out of sight. Whoever has it open keeps it until they close it. */
  async detach(): Promise<void> {
    while (this.isAttached) {
      await run('umount', ['--lazy', this.path], this.path);
    }
  }

  /** Removes it with all that is in it. What is not there is passed over. */
  async remove(): Promise<void> {
    await this.detach();
    await rm(this.image, { force: true });
    await rmdir(this.path).catch(unlessMissing);
  }

  /** @throws JobletError (conflict) when it is not attached. */
  usage(): SizedFolderUsage {
    if (!this.isAttached) {
      throw storageError('conflict', 'statfs', this.path, 'the folder is not attached');
    }
    const { blocks, bfree, bsize } = statfsSync(this.path);
    return { bytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize };
  }

  /** Bytes of the disk that it takes now, its own tables included. */
  diskBytes(): number {
    return (lstatSync(this.image, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
  }
}

/** The work of a job that has a size. */
export function workImageIn(jobDirectory: string): SizedFolder {
  return new SizedFolder(join(jobDirectory, 'work.image'), join(jobDirectory, 'work'));
}

function refuseSize(bytes: bigint): void {
  if (bytes < SIZED_FOLDER_BYTES_MINIMUM || bytes > SIZED_FOLDER_BYTES_MAXIMUM) {
    throw new JobletError('invalid', {
      layer: 'disk',
      operation: 'create',
      object: `${bytes} bytes`,
      reason: `a size is ${SIZED_FOLDER_BYTES_MINIMUM} to ${SIZED_FOLDER_BYTES_MAXIMUM} bytes`,
      mend: '',
    });
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    throw notMade('mkdir', path, error);
  }
}

function makeImage(image: string, bytes: bigint): void {
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(image, flags, 0o600);
    try {
      ftruncateSync(fd, Number(bytes));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw notMade('create', image, error);
  }
}

function notMade(operation: string, object: string, error: unknown): JobletError {
  const reason = causeOf(error);
  const kind = reason === 'EEXIST' ? 'conflict' : reason === 'EFBIG' ? 'refused' : 'exhausted';
  return storageError(kind, operation, object, reason, error);
}

/** Without the folder for e2fsck(8), which makes it anew when it needs it. */
function prepareRoot(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    rmdirSync(join(`/proc/self/fd/${fd}`, 'lost+found'));
    fchmodSync(fd, 0o700);
  } finally {
    closeSync(fd);
  }
}

async function run(program: string, args: readonly string[], object: string): Promise<void> {
  try {
    await execute(program, [...args], { env: ENVIRONMENT });
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    const said = stderr.trim().replaceAll(/\s*\n\s*/g, ' ');
    const reason = code === 'ENOENT' ? 'the program is not there' : said || causeOf(error);
    throw storageError('refused', program, object, reason, error);
  }
}

function storageError(
  kind: JobletError['kind'],
  operation: string,
  object: string,
  reason: string,
  cause?: unknown,
): JobletError {
  const mend =
    'A size needs mkfs.ext4 (package e2fsprogs), mount (util-linux), loop devices (modprobe loop) and room on the disk.';
  return new JobletError(kind, { layer: 'disk', operation, object, reason, mend }, { cause });
}

function unlessMissing(error: unknown): void {
  if (causeOf(error) !== 'ENOENT') {
    throw error;
  }
}
