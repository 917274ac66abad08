/**
 * The folders that the helper works in, made and checked so that no other user can put anything in their place: each
 * is opened through the descriptor of the one above it (as openat(2) would), and never through a symbolic link.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { join, relative } from 'node:path';
import { causeOf, JobletError } from '../../api/errors.ts';
import type { Paths } from '../../api/paths.ts';

const STICKY = 0o1000;
const GROUP_WRITE = 0o020;
const OTHERS_WRITE = 0o002;

/** Folders that are ours alone, parents first. A job's user must be able to pass through the state folder to /work. */
function ownFolders(paths: Paths): [path: string, mode: number][] {
  return [
    [paths.configDirectory, 0o755],
    [paths.clientConfigDirectory, 0o755],
    [paths.runDirectory, 0o755],
    [paths.monitorsDirectory, 0o700],
    [paths.stateDirectory, 0o711],
    [paths.jobsDirectory, 0o700],
    [paths.installDirectory, 0o755],
  ];
}

/**
 * Makes what is missing, root-owned and with its mode, and refuses what someone else could have made or could swap.
 *
 * @throws JobletError (refused) that names the folder, its owner or mode, and the mend.
 */
export function prepareFolders(paths: Paths): void {
  const root = resolveRoot(paths.root);
  checkAncestors(root);
  for (const [path, mode] of ownFolders(paths)) {
    closeSync(openOwnFolder(root, relative(paths.root, path).split('/'), mode));
  }
}

function resolveRoot(root: string): string {
  try {
    return realpathSync(root);
  } catch (error) {
    throw refused('open', root, causeOf(error), 'Make the folder first; it must belong to root.');
  }
}

/** Whoever can rename a folder above ours can swap ours. Sticky folders (/tmp) let only the owner do that. */
function checkAncestors(root: string): void {
  const parts = root === '/' ? [''] : root.split('/');
  for (let length = 1; length <= parts.length; length += 1) {
    const path = parts.slice(0, length).join('/') || '/';
    const fd = openFolder(path, path, false);
    try {
      checkSafe(fstatSync(fd), path, length < parts.length ? STICKY : 0);
    } finally {
      closeSync(fd);
    }
  }
}

/** Walks from the root to the folder; `joblet` and what lies below it are ours. */
function openOwnFolder(root: string, parts: readonly string[], mode: number): number {
  let path = root;
  let fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  for (const [index, name] of parts.entries()) {
    const above = fd;
    path = join(path, name);
    const isOurs = parts.slice(0, index + 1).includes('joblet');
    try {
      fd = openOrMake(above, name, path, isOurs, index === parts.length - 1 ? mode : 0o755);
    } finally {
      closeSync(above);
    }
  }
  return fd;
}

function openOrMake(above: number, name: string, path: string, isOurs: boolean, mode: number): number {
  const place = `/proc/self/fd/${above}/${name}`;
  let isNew = true;
  try {
    mkdirSync(place, 0o700);
  } catch (error) {
    if (causeOf(error) !== 'EEXIST') {
      throw refused('mkdir', path, causeOf(error), '');
    }
    isNew = false;
  }
  const fd = openFolder(place, path, isOurs);
  try {
    const stats = fstatSync(fd);
    checkSafe(stats, path, 0);
    if (isNew || (isOurs && (stats.mode & 0o7777 & ~mode) !== 0)) {
      fchmodSync(fd, mode);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Folders of the system (/var/lib) may be symbolic links, which only root can have made; ours may not. */
function openFolder(place: string, path: string, isOurs: boolean): number {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | (isOurs ? constants.O_NOFOLLOW : 0);
  try {
    return openSync(place, flags);
  } catch (error) {
    const reason =
      causeOf(error) === 'ELOOP' || causeOf(error) === 'ENOTDIR'
        ? 'is a symbolic link or a file where a folder should be'
        : causeOf(error);
    throw refused('open', path, reason, 'Look at what it is, then move it away.');
  }
}

function checkSafe(stats: Stats, path: string, tolerated: number): void {
  if (stats.uid !== 0) {
    throw refused(
      'check',
      path,
      `belongs to uid ${stats.uid}, who could swap what the helper keeps in it`,
      `Use a root that belongs to root, or: chown root ${path}`,
    );
  }
  const isShared = (stats.mode & OTHERS_WRITE) !== 0 || ((stats.mode & GROUP_WRITE) !== 0 && stats.gid !== 0);
  if (isShared && (stats.mode & tolerated) === 0) {
    throw refused(
      'check',
      path,
      `can be written by others (mode ${(stats.mode & 0o7777).toString(8).padStart(4, '0')})`,
      `chmod go-w ${path}`,
    );
  }
}

function refused(operation: string, object: string, reason: string, mend: string): JobletError {
  return new JobletError('refused', { layer: 'files', operation, object, reason, mend });
}
