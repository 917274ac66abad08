/**
 * The folders that the helper works in, made and checked so that no other user can put anything in their place: each
 * is opened through the descriptor of the one above it, as openat(2) would. docs/threat-model.md says what is checked.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { causeOf, JobletError } from '../../api/errors.ts';
import type { Paths } from '../../api/paths.ts';

const STICKY = 0o1000;
const GROUP_WRITE = 0o020;
const OTHERS_WRITE = 0o002;
/** path_resolution(7) */
const LINKS_MAXIMUM = 40;

/** Folders that are ours alone, parents first. A job's user must be able to pass through the state folder to /work. */
function ownFolders(paths: Paths): [path: string, mode: number][] {
  return [
    [paths.configDirectory, 0o755],
    [paths.clientConfigDirectory, 0o755],
    [paths.runDirectory, 0o755],
    [paths.monitorsDirectory, 0o700],
    [paths.stateDirectory, 0o711],
    [paths.jobsDirectory, 0o700],
    [paths.volumesDirectory, 0o700],
    [paths.installDirectory, 0o755],
  ];
}

/**
 * Where a root lies, whatever links lead there now: asked for once, so that nobody can swap one of them later.
 *
 * @throws JobletError (refused) when there is nothing.
 */
export function canonicalRoot(root: string): string {
  try {
    return realpathSync(root);
  } catch (error) {
    throw refused('open', root, causeOf(error), 'Make the folder first; it must belong to root.');
  }
}

/**
 * Makes what is missing, root-owned and with its mode, and refuses what someone else could have made or could swap.
 *
 * @param paths under a canonical root.
 * @throws JobletError (refused) that names the folder, its owner or mode, and the mend.
 */
export function prepareFolders(paths: Paths): void {
  for (const [path, mode] of ownFolders(paths)) {
    closeSync(openOwnFolder(paths.root, relative(paths.root, path).split('/'), mode));
  }
}

/** Walks from the root to the folder; `joblet` and what lies below it are ours. */
function openOwnFolder(root: string, parts: readonly string[], mode: number): number {
  let path = root;
  let fd = openBySafeWay(root);
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

/** Folders of the system (/var/lib) may be symbolic links; ours may not. */
function openOrMake(above: number, name: string, path: string, isOurs: boolean, mode: number): number {
  const place = placeIn(above, name);
  let isNew = true;
  try {
    mkdirSync(place, 0o700);
  } catch (error) {
    if (causeOf(error) !== 'EEXIST') {
      throw refused('mkdir', path, causeOf(error), '');
    }
    isNew = false;
  }
  const fd = isOurs ? openFolder(place, path) : openBySafeWay(path);
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

/**
 * Opens a folder by a walk from `/` on which nobody but root can swap anything: every folder that the path or a link in it
 * leads through is checked. A sticky one (/tmp) keeps what is root's from others, but is no place to make something in.
 */
function openBySafeWay(path: string): number {
  const names = namesOf(path);
  let walked = '/';
  let fd = openFolder(walked, walked);
  try {
    for (let links = 0; ; ) {
      checkSafe(fstatSync(fd), walked, names.length > 0 ? STICKY : 0);
      const name = names.shift();
      if (name === undefined) {
        return fd;
      }
      const link = linkAt(placeIn(fd, name), join(walked, name));
      links += link === undefined ? 0 : 1;
      if (links > LINKS_MAXIMUM) {
        throw refused('open', path, 'ELOOP', 'Look at its symbolic links.');
      }
      const next = link === undefined ? name : isAbsolute(link) ? '/' : '.';
      names.unshift(...namesOf(link ?? ''));
      walked = resolve(walked, next);
      const below = openFolder(next === '/' ? next : placeIn(fd, next), walked);
      closeSync(fd);
      fd = below;
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** @returns where a symbolic link leads; undefined when it is none. */
function linkAt(place: string, path: string): string | undefined {
  const stats = lstatSync(place, { throwIfNoEntry: false });
  if (stats?.isSymbolicLink() !== true) {
    return undefined;
  }
  checkOwner(stats, path);
  return readlinkSync(place);
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

/** What openat(2) would be given as a folder and a name. */
function placeIn(fd: number, name: string): string {
  return `/proc/self/fd/${fd}/${name}`;
}

function openFolder(place: string, path: string): number {
  try {
    return openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    const reason =
      causeOf(error) === 'ELOOP' || causeOf(error) === 'ENOTDIR'
        ? 'is a symbolic link or a file where a folder should be'
        : causeOf(error);
    throw refused('open', path, reason, 'Look at what it is, then move it away.');
  }
}

/** Members of root's own group and an access control list, whose mask stands in the group's place, count as others too. */
function checkSafe(stats: Stats, path: string, tolerated: number): void {
  checkOwner(stats, path);
  if ((stats.mode & (GROUP_WRITE | OTHERS_WRITE)) !== 0 && (stats.mode & tolerated) === 0) {
    throw refused(
      'check',
      path,
      `can be written by others (mode ${(stats.mode & 0o7777).toString(8).padStart(4, '0')})`,
      `chmod go-w ${path}`,
    );
  }
}

function checkOwner(stats: Stats, path: string): void {
  if (stats.uid !== 0) {
    throw refused(
      'check',
      path,
      `belongs to uid ${stats.uid}, who could swap what the helper keeps in it`,
      `Use a root that belongs to root, or: chown root ${path}`,
    );
  }
}

function refused(operation: string, object: string, reason: string, mend: string): JobletError {
  return new JobletError('refused', { layer: 'files', operation, object, reason, mend });
}
