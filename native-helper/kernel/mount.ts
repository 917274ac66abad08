import { checked, declare, once } from './library.ts';

/** <sys/mount.h>, the same on x86-64 and arm64. */
const MS_NOSUID = 2;
const MS_NODEV = 4;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

const mount = once(() =>
  declare<(source: string, target: string, type: string, flags: number, data: string) => number>(
    'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
  ),
);
const umount2 = once(() =>
  declare<(target: string, flags: number) => number>('int umount2(const char *target, int flags)'),
);

export interface TmpfsOptions {
  /** Its name in /proc/mounts. */
  readonly name: string;
  readonly bytes: bigint;
  readonly files: bigint;
  readonly user: number;
  readonly group: number;
}

/** Mounts a tmpfs of its own, 0700, without set-uid bits and devices. @param path nobody but root can put another in its place */
export function mountTmpfs(path: string, { name, bytes, files, user, group }: TmpfsOptions): void {
  const data = `size=${bytes},nr_inodes=${files},mode=0700,uid=${user},gid=${group}`;
  checked(mount()(name, path, 'tmpfs', MS_NOSUID | MS_NODEV, data), 'mount tmpfs', path);
}

/** Takes the topmost mount out of sight; it is gone when nobody uses it any more. */
export function detachMount(path: string): void {
  checked(umount2()(path, MNT_DETACH | UMOUNT_NOFOLLOW), 'umount2', path);
}
