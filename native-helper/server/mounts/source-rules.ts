/** What of a user's files a job can be shown. */
import { constants, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { JobletError } from '../../api/errors.ts';
import type { CheckedMount } from '../../api/job-mounts.ts';
import type { Paths } from '../../api/paths.ts';
import type { Caller } from './caller.ts';
import type { OpenedPath } from './source-opener.ts';

/** Those that no kernel maps: <linux/magic.h>. The others say it themselves when the job starts. */
const UNMAPPABLE: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0x0102_1997, '9p'],
  [0x794c_7630, 'overlayfs'],
  [0xff53_4d42, 'cifs'],
  [0xfe53_4d42, 'smb'],
  [0x9fa0, 'proc'],
  [0x6265_6572, 'sysfs'],
  [0x0027_e0eb, 'cgroup'],
  [0x6367_7270, 'cgroup2'],
  [0x6462_6720, 'debugfs'],
  [0x7472_6163, 'tracefs'],
  [0x7363_6673, 'securityfs'],
  [0x1cd1, 'devpts'],
]);

const CAUSES: Readonly<Record<string, readonly [reason: string, mend: string]>> = {
  ENOENT: ['there is no such file or folder', 'Check the path.'],
  ENOTDIR: ['a part of the path is not a folder', 'Check the path.'],
  EACCES: ['you may not read it', 'A job sees of your files what you can read yourself.'],
  ELOOP: [
    'the path leads through a link of /proc, or through links without end',
    'Give the path that it leads to.',
  ],
};

/** ids of the user's groups that a mount can map at most: the plan holds 128 ranges. */
const MAPPED_GROUPS = 100;

/** The groups whose files a job can write where the caller owns them: the caller's own. */
export function mappedGroups({ gid, groups }: Caller): number[] {
  return [...new Set([gid, ...groups])].slice(0, MAPPED_GROUPS);
}

export function notOpened(path: string, error: string): JobletError {
  const [reason, mend] = CAUSES[error] ?? [error, ''];
  return refusal('open', path, reason, mend);
}

export class SourceRules {
  /** Of the helper: shown to no job, whoever asks. */
  readonly #own: readonly string[];

  constructor(paths: Paths) {
    this.#own = [paths.stateDirectory, paths.runDirectory, paths.configDirectory].map((path) =>
      realpathSync(path),
    );
  }

  /** @throws JobletError (refused) */
  check({ source, readOnly }: CheckedMount, opened: OpenedPath, caller: Caller): void {
    this.#refuseOther(source, opened);
    this.#refuseOwn(source, opened);
    if (!readOnly) {
      refuseUnwritable(source, opened, caller);
    }
  }

  #refuseOther(source: string, { mode, fileSystem }: OpenedPath): void {
    const type = mode & constants.S_IFMT;
    if (type !== constants.S_IFDIR && type !== constants.S_IFREG) {
      throw refusal(
        'check',
        source,
        'it is no folder and no regular file',
        'Mount the folder that it is in.',
      );
    }
    const name = UNMAPPABLE.get(fileSystem);
    if (name !== undefined) {
      throw refusal(
        'check',
        source,
        `it lies on ${name}, which can't show files as another user's`,
        'Use a folder on ext4, xfs, btrfs or f2fs (or tmpfs since Linux 6.3), or upload it: --upload.',
      );
    }
  }

  /** By name, and by what it is: root may have bound it elsewhere. */
  #refuseOwn(source: string, { fd, device, inode }: OpenedPath): void {
    const path = readlinkSync(`/proc/self/fd/${fd}`);
    const shown = this.#own.find((own) => {
      const { dev, ino } = lstatSync(own, { bigint: true });
      return isWithin(path, own) || isWithin(own, path) || (dev === device && ino === inode);
    });
    if (shown !== undefined) {
      throw refusal('check', source, `it would show ${shown} of the helper`, 'Mount a folder below it.');
    }
  }
}

/** Whether a path is a folder, or in it. */
function isWithin(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

/** A job can write what belongs to its user and nothing else: the kernel refuses ids that the mount doesn't map. */
function refuseUnwritable(source: string, { uid, gid }: OpenedPath, caller: Caller): void {
  const mend = 'Mount it read-only (:ro), or a folder of your own.';
  if (uid !== caller.uid) {
    throw refusal('check', source, `it belongs to uid ${uid}, and a job writes only what is yours`, mend);
  }
  if (!mappedGroups(caller).includes(gid)) {
    throw refusal('check', source, `its group ${gid} is none of yours`, mend);
  }
}

function refusal(operation: string, object: string, reason: string, mend: string): JobletError {
  return new JobletError('refused', { layer: 'mount', operation, object, reason, mend });
}
