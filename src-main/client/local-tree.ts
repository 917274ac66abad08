/** The files of a user's that are to be in a job's /work: found first, all of them, so that what can't be brought is told before the job is made. */
import { type BigIntStats, constants } from 'node:fs';
import { access, lstat, opendir, readlink, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { UPLOAD_FOLDER } from '../../native-helper/api/draft.ts';
import { causeOf, JobletError } from '../../native-helper/api/errors.ts';
import { staysInside } from '../../native-helper/api/file-path.ts';
import { FileType } from '../../native-helper/api/gen/joblet_pb.js';

/** As the helper takes them. */
const DEPTH_MAXIMUM = 64;
const SLASH = Buffer.from('/');

export interface LocalFile {
  /** Where it lies here. */
  readonly source: Buffer;
  /** Its place below /work. */
  readonly path: Buffer;
  readonly type: typeof FileType.REGULAR | typeof FileType.FOLDER | typeof FileType.LINK;
  readonly mode: number;
  readonly size: bigint;
  /** What it takes of a disk: holes take nothing. */
  readonly room: bigint;
  /** Of a link. */
  readonly target: Buffer;
}

/**
 * @param paths a file gets its name at the root of /work; of a folder, what is in it gets there. What a path itself leads to by links is taken.
 * @returns a folder before what is in it.
 * @throws JobletError: not_found, or refused: what is no file, folder or link within; what can't be read; two with one name.
 */
export async function localFilesOf(paths: readonly string[]): Promise<LocalFile[]> {
  const files = new Map<string, LocalFile>();
  for (const path of paths) {
    const source = Buffer.from(resolve(path));
    const stats = await stat(source, { bigint: true }).catch(thrower(source));
    const found = stats.isDirectory()
      ? filesIn(source, Buffer.alloc(0), 0)
      : [await localFile(source, Buffer.from(basename(resolve(path))), stats, 0)];
    for await (const file of found) {
      add(files, file);
    }
  }
  return [...files.values()];
}

async function* filesIn(folder: Buffer, path: Buffer, depth: number): AsyncGenerator<LocalFile> {
  // The declaration of opendir knows no buffers; the implementation does, and a name need not be UTF-8.
  const encoding = 'buffer' as BufferEncoding;
  const entries = await opendir(folder, { encoding }).catch(thrower(folder));
  const names: Buffer[] = [];
  for await (const { name } of entries) {
    names.push(name as unknown as Buffer);
  }
  for (const name of names.sort(Buffer.compare)) {
    const source = Buffer.concat([folder, SLASH, name]);
    const place = depth === 0 ? name : Buffer.concat([path, SLASH, name]);
    const stats = await lstat(source, { bigint: true }).catch(thrower(source));
    const file = await localFile(source, place, stats, depth);
    yield file;
    if (file.type === FileType.FOLDER) {
      yield* filesIn(source, place, depth + 1);
    }
  }
}

/** @param depth how many folders below /work it lies in */
async function localFile(
  source: Buffer,
  path: Buffer,
  stats: BigIntStats,
  depth: number,
): Promise<LocalFile> {
  if (path.equals(UPLOAD_FOLDER)) {
    throw refused(source, 'has a name that the helper uses itself', 'Rename it.');
  }
  if (depth >= DEPTH_MAXIMUM) {
    throw refused(source, `lies in more than ${DEPTH_MAXIMUM - 1} folders`, 'Upload it as an archive.');
  }
  const file = {
    source,
    path,
    mode: Number(stats.mode & 0o777n),
    size: 0n,
    room: 0n,
    target: Buffer.alloc(0),
  };
  if (stats.isSymbolicLink()) {
    const target = await readlink(source, { encoding: 'buffer' }).catch(thrower(source));
    if (!staysInside(target, depth)) {
      throw refused(
        source,
        'is a link that may lead out of the folder',
        'Make it a relative one that goes up only at its beginning, or leave it out.',
      );
    }
    return { ...file, type: FileType.LINK, target };
  }
  if (!stats.isFile() && !stats.isDirectory()) {
    throw refused(source, 'is a FIFO, a socket or a device', 'Leave it out.');
  }
  const { R_OK, X_OK } = constants;
  await access(source, stats.isDirectory() ? R_OK | X_OK : R_OK).catch(thrower(source));
  if (stats.isDirectory()) {
    return { ...file, type: FileType.FOLDER };
  }
  const onDisk = stats.blocks * 512n;
  return {
    ...file,
    type: FileType.REGULAR,
    size: stats.size,
    room: onDisk < stats.size ? onDisk : stats.size,
  };
}

/** Of two folders with one name what is in them comes together. */
function add(files: Map<string, LocalFile>, file: LocalFile): void {
  const key = file.path.toString('latin1');
  const before = files.get(key);
  if (before !== undefined && !(before.type === FileType.FOLDER && file.type === FileType.FOLDER)) {
    const mend = `Leave one of them out: ${before.source} is to get this name, too.`;
    throw refused(file.source, `and another would both be /work/${file.path}`, mend);
  }
  files.set(key, before ?? file);
}

function refused(source: Buffer, reason: string, mend: string): JobletError {
  const details = { layer: 'file', operation: 'upload', object: source.toString(), reason, mend };
  return new JobletError('refused', details);
}

function thrower(source: Buffer): (error: unknown) => never {
  return (error) => {
    const reason = causeOf(error);
    const details = { layer: 'file', operation: 'read', object: source.toString(), reason, mend: '' };
    throw new JobletError(reason === 'ENOENT' ? 'not_found' : 'refused', details, { cause: error });
  };
}
