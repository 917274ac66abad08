/**
 * Reads what a job has in its /work, while it may change everything in it. Each step is one name relative to an open folder, and follows no
 * link; only what is known to be a regular file is opened for reading, so nothing blocks and no device is touched.
 * What a job renames while we are in it stays below its /work: all else that it can write to is on other mounts (EXDEV).
 */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, opendir, readlink } from 'node:fs/promises';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { causeOf, JobletError } from '../../api/errors.ts';
import { namesOf } from '../../api/file-path.ts';
import {
  type FileChunk,
  FileChunkSchema,
  type FileEntry,
  FileEntrySchema,
  FileType,
} from '../../api/gen/joblet_pb.js';
import { descend, openFolder, within } from '../../api/held-folder.ts';

/** Each level of folders holds a descriptor while it is listed. */
const DEPTH_MAXIMUM = 64;
const CHUNK_BYTES = 256 * 1024;
const PERMISSIONS = 0o777n;
const O_PATH = 0o10000000;
/** What a running job may do to a path between two steps: it is gone, or something else. */
const CHANGED = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL'];

/** @throws JobletError: invalid (the path), or not_found. */
export async function* listFiles(
  work: string,
  path: Uint8Array,
  signal: AbortSignal,
): AsyncGenerator<FileEntry> {
  const names = namesOf(path);
  const name = names.pop() ?? Buffer.from('.');
  await using folder = await parentOf(work, names, path);
  const entry = await entryOf(folder, name, Buffer.from(path));
  if (entry === undefined) {
    throw notFound(path, 'there is no such file');
  }
  yield* withContent(folder, { name, entry, signal, depth: 0 });
}

interface Place {
  readonly name: Buffer;
  readonly entry: FileEntry;
  readonly signal: AbortSignal;
  readonly depth: number;
}

async function* withContent(parent: FileHandle, place: Place): AsyncGenerator<FileEntry> {
  const { name, entry, signal, depth } = place;
  entry.leftOut = entry.type === FileType.FOLDER && depth > DEPTH_MAXIMUM;
  yield entry;
  if (entry.type !== FileType.FOLDER || entry.leftOut) {
    return;
  }
  const folder = await unlessChanged(openFolder(within(parent, name)));
  if (folder === undefined) {
    return;
  }
  try {
    // The declaration of opendir knows no buffers; the implementation does, and a name need not be UTF-8.
    const encoding = 'buffer' as BufferEncoding;
    for await (const found of await opendir(`/proc/self/fd/${folder.fd}`, { encoding })) {
      signal.throwIfAborted();
      const inner = found.name as unknown as Buffer;
      const path = entry.path.length === 0 ? inner : Buffer.concat([entry.path, Buffer.from('/'), inner]);
      const each = await entryOf(folder, inner, path);
      if (each !== undefined) {
        yield* withContent(folder, { name: inner, entry: each, signal, depth: depth + 1 });
      }
    }
  } finally {
    await folder.close();
  }
}

/** @returns undefined: it is gone. */
async function entryOf(folder: FileHandle, name: Buffer, path: Buffer): Promise<FileEntry | undefined> {
  const stats = await unlessChanged(lstat(within(folder, name), { bigint: true }));
  if (stats === undefined) {
    return undefined;
  }
  if (!stats.isSymbolicLink()) {
    return create(FileEntrySchema, { path, ...attributesOf(stats) });
  }
  const target = await unlessChanged(readlink(within(folder, name), { encoding: 'buffer' }));
  return target && create(FileEntrySchema, { path, ...attributesOf(stats), target });
}

function attributesOf(stats: BigIntStats): MessageInitShape<typeof FileEntrySchema> {
  return {
    type: typeOf(stats),
    mode: Number(stats.mode & PERMISSIONS),
    size: stats.isFile() ? stats.size : 0n,
    // A job may set a time before 1970.
    modifiedUs: stats.mtimeNs < 0n ? 0n : stats.mtimeNs / 1000n,
  };
}

function typeOf(stats: BigIntStats): FileType {
  if (stats.isFile()) {
    return FileType.REGULAR;
  }
  if (stats.isDirectory()) {
    return FileType.FOLDER;
  }
  return stats.isSymbolicLink() ? FileType.LINK : FileType.OTHER;
}

export interface ReadOptions {
  readonly path: Uint8Array;
  readonly offset: bigint;
  readonly signal: AbortSignal;
}

/**
 * Reads when the next chunk is asked for: a slow reader costs a descriptor and one block of memory.
 *
 * @throws JobletError: invalid (the path, the offset), not_found, or conflict (not a regular file).
 */
export async function* readFile(
  work: string,
  { path, offset, signal }: ReadOptions,
): AsyncGenerator<FileChunk> {
  await using file = await openRegular(work, path);
  const stats = await file.stat({ bigint: true });
  if (offset > stats.size) {
    throw fileError('invalid', path, `has ${stats.size} bytes, and is to be read from byte ${offset}`);
  }
  yield create(FileChunkSchema, { file: { path, ...attributesOf(stats) } });
  for (let at = Number(offset); at < Number(stats.size) && !signal.aborted; ) {
    const length = Math.min(CHUNK_BYTES, Number(stats.size) - at);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) {
      break;
    }
    at += bytesRead;
    yield create(FileChunkSchema, { data: buffer.subarray(0, bytesRead) });
  }
  const after = await file.stat({ bigint: true });
  // Unlike the time of its content, that of its inode can't be set back by who writes to it.
  if (after.ctimeNs !== stats.ctimeNs || after.size !== stats.size) {
    yield create(FileChunkSchema, { file: { path, ...attributesOf(after) }, changed: true });
  }
}

/** Looks at what there is before it opens it for reading: opening a FIFO or a device does something. */
async function openRegular(work: string, path: Uint8Array): Promise<FileHandle> {
  const names = namesOf(path);
  const name = names.pop();
  if (name === undefined) {
    throw fileError('conflict', path, 'is a folder');
  }
  await using folder = await parentOf(work, names, path);
  await using found = await unlessChanged(open(within(folder, name), O_PATH | constants.O_NOFOLLOW));
  if (found === undefined) {
    throw notFound(path, 'there is no such file');
  }
  if (!(await found.stat()).isFile()) {
    throw fileError('conflict', path, 'is not a regular file');
  }
  return await open(`/proc/self/fd/${found.fd}`, constants.O_RDONLY);
}

async function parentOf(work: string, names: readonly Buffer[], path: Uint8Array): Promise<FileHandle> {
  await using top = await unlessChanged(openFolder(work));
  if (top === undefined) {
    throw notFound(path, 'the job has not begun, and has no files');
  }
  const folder = await unlessChanged(descend(top, names));
  if (folder === undefined) {
    throw notFound(path, 'a folder on its way is not there, or is a link');
  }
  return folder;
}

async function unlessChanged<T>(step: Promise<T>): Promise<T | undefined> {
  try {
    return await step;
  } catch (error) {
    if (CHANGED.includes(causeOf(error))) {
      return undefined;
    }
    throw error;
  }
}

function notFound(path: Uint8Array, reason: string): JobletError {
  return fileError('not_found', path, reason);
}

function fileError(kind: JobletError['kind'], path: Uint8Array, reason: string): JobletError {
  const object = JSON.stringify(`/work/${Buffer.from(path).toString()}`);
  return new JobletError(kind, { layer: 'file', operation: 'open', object, reason, mend: '' });
}
