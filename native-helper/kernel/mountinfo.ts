import { readFileSync } from 'node:fs';

/** One line of /proc/self/mountinfo: proc_pid_mountinfo(5). */
export interface MountEntry {
  readonly mountPoint: string;
  readonly fileSystemType: string;
  /** What it was mounted from: the path of a device for most that have one. */
  readonly source: string;
  /** Options of the file system itself; on a cgroup v1 mount they name its controllers. */
  readonly superOptions: readonly string[];
}

export function readMounts(path = '/proc/self/mountinfo'): MountEntry[] {
  return parseMounts(readFileSync(path, 'utf8'));
}

/** Lines that don't have the documented shape are left out. */
export function parseMounts(text: string): MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const [perMount, perFileSystem] = line.split(' - ');
    const mountPoint = perMount?.split(' ')[4];
    const [fileSystemType, source, superOptions] = perFileSystem?.split(' ') ?? [];
    return mountPoint === undefined || fileSystemType === undefined
      ? []
      : [
          {
            mountPoint: unescapeOctal(mountPoint),
            fileSystemType,
            source: unescapeOctal(source ?? ''),
            superOptions: superOptions?.split(',') ?? [],
          },
        ];
  });
}

/** The kernel writes space, tab, newline and backslash as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
