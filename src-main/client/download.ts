/**
 * Writes what a job has left into a folder of the user's. All that comes is the work of a job that nobody trusts: a name is one name, a folder is
 * a real folder, a link leads to nothing outside. A file has its name when it is whole; what was cut off goes on where it ended.
 */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, readlink, rename, rm, symlink } from 'node:fs/promises';
import type { Client as RpcClient } from '@connectrpc/connect';
import { draftNameOf, isSameTime, writeSparse } from '../../native-helper/api/draft.ts';
import { causeOf, JobletError } from '../../native-helper/api/errors.ts';
import { namesOf, staysInside } from '../../native-helper/api/file-path.ts';
import {
  type FileChunk,
  type FileEntry,
  type FileService,
  FileType,
} from '../../native-helper/api/gen/joblet_pb.js';
import { descend, openFolder, within } from '../../native-helper/api/held-folder.ts';
import { resuming } from './resume.ts';

const DRAFT_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A job that runs may change a file while it is read: then it is read again, so often in all. */
const READS = 3;
/** What reading a file says that is there no more, or is no file any more. */
const GONE: readonly JobletError['kind'][] = ['not_found', 'conflict'];

export interface DownloadOptions {
  readonly files: RpcClient<typeof FileService>;
  /** The whole one. */
  readonly uuid: string;
  /** Relative to /work; empty: all. */
  readonly path: Uint8Array;
  /** Whether a file that is there already is replaced. */
  readonly overwrite: boolean;
  /** What is whole stays when it is aborted, and the next download goes on. */
  readonly signal?: AbortSignal;
  /** @param done bytes, of `total` that are to come; and files that are whole */
  readonly onProgress?: (done: bigint, total: bigint, files: number) => void;
  /** Told each time that the helper went away and is asked again. */
  readonly onInterruption?: (error: JobletError) => void;
}

export interface LeftOut {
  readonly path: Uint8Array;
  readonly reason: string;
}

export interface Downloaded {
  readonly files: number;
  /** Files that were there already, of the same size and time. */
  readonly kept: number;
  readonly bytes: bigint;
  readonly leftOut: readonly LeftOut[];
}

/**
 * @param folder is made when it is not there.
 * @throws JobletError
 */
export async function download(folder: string, options: DownloadOptions): Promise<Downloaded> {
  await mkdir(folder, { recursive: true }).catch(thrower(folder));
  await using top = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY).catch(thrower(folder));
  return await new Download(top, options).run();
}

class Download {
  readonly #top: FileHandle;
  readonly #options: DownloadOptions;
  readonly #signal: AbortSignal;
  readonly #leftOut: LeftOut[] = [];
  #files = 0;
  #kept = 0;
  #bytes = 0n;
  #done = 0n;
  #total = 0n;

  constructor(top: FileHandle, options: DownloadOptions) {
    this.#top = top;
    this.#options = options;
    this.#signal = options.signal ?? new AbortController().signal;
  }

  async run(): Promise<Downloaded> {
    const { path } = this.#options;
    const entries = await this.#list();
    this.#total = entries.reduce((sum, { size }) => sum + size, 0n);
    await this.#makeFoldersTo(namesOf(path).slice(0, -1));
    for (const entry of entries) {
      this.#signal.throwIfAborted();
      if (entry.path.length > 0) {
        await this.#take(entry).catch(thrower(shown(entry.path)));
      }
    }
    return { files: this.#files, kept: this.#kept, bytes: this.#bytes, leftOut: this.#leftOut };
  }

  async #list(): Promise<FileEntry[]> {
    const { files, uuid, path } = this.#options;
    let entries: FileEntry[] = [];
    const attempts = this.#resuming(() => {
      entries = [];
      return files.listFiles({ id: uuid, path }, { signal: this.#signal });
    });
    for await (const entry of attempts) {
      entries.push(entry);
    }
    return entries;
  }

  #read(path: Uint8Array, from: bigint): AsyncIterable<FileChunk> {
    const { files, uuid } = this.#options;
    const signal = this.#signal;
    let offset = from;
    return this.#resuming(async function* () {
      for await (const chunk of files.readFile({ id: uuid, path, offset }, { signal })) {
        offset += BigInt(chunk.data.length);
        yield chunk;
      }
    });
  }

  #resuming<T>(attempt: () => AsyncIterable<T>): AsyncIterable<T> {
    return resuming(this.#signal, this.#options.onInterruption ?? (() => {}), attempt);
  }

  async #makeFoldersTo(names: readonly Buffer[]): Promise<void> {
    for (const [index, name] of names.entries()) {
      await using parent = await descend(this.#top, names.slice(0, index));
      await makeFolder(parent, name);
    }
  }

  async #take(entry: FileEntry): Promise<void> {
    const names = namesOf(entry.path);
    const name = names.pop() ?? Buffer.alloc(0);
    await using parent = await descend(this.#top, names);
    if (entry.leftOut) {
      this.#leaveOut(entry, 'what is in it lies too deep: download it by its path');
    }
    if (entry.type === FileType.FOLDER) {
      await makeFolder(parent, name);
    } else if (entry.type === FileType.REGULAR) {
      await this.#takeFile(parent, name, entry);
    } else if (entry.type !== FileType.LINK) {
      this.#leaveOut(entry, 'is neither a file nor a folder nor a link');
    } else if (staysInside(entry.target, names.length)) {
      await makeLink(parent, name, Buffer.from(entry.target));
    } else {
      this.#leaveOut(entry, 'is a link that may lead out of the folder');
    }
  }

  async #takeFile(parent: FileHandle, name: Buffer, listed: FileEntry): Promise<void> {
    const there = await statsOf(parent, name);
    if (there !== undefined && isSame(there, listed)) {
      this.#kept += 1;
      this.#advance(listed.size);
      return;
    }
    if (there !== undefined && !(this.#options.overwrite && there.isFile())) {
      throw isThere(shown(listed.path), this.#options.overwrite);
    }
    let entry = listed;
    for (let reads = 0; reads < READS; reads += 1) {
      const draft = draftOf(this.#options.uuid, entry);
      const changed = await this.#fill(parent, draft, entry);
      if (changed === undefined) {
        await publish(parent, { draft, name, overwrite: this.#options.overwrite });
        this.#files += 1;
        this.#advance(0n);
        return;
      }
      await rm(within(parent, draft), { force: true });
      if (changed === 'gone') {
        this.#leaveOut(entry, 'was removed, or replaced by something else, before it was read');
        return;
      }
      this.#total += changed.size - entry.size;
      entry = changed;
    }
    this.#leaveOut(entry, 'changed each time that it was read: pause the job, then download it again');
  }

  /** @returns undefined: the draft is whole; else what the file is now. */
  async #fill(parent: FileHandle, draft: Buffer, entry: FileEntry): Promise<FileEntry | 'gone' | undefined> {
    await using file = await openDraft(within(parent, draft), entry.size);
    let at = (await file.stat({ bigint: true })).size;
    this.#advance(at);
    try {
      for await (const { file: now, data, changed } of this.#read(entry.path, at)) {
        if (
          now !== undefined &&
          (changed || now.size !== entry.size || now.modifiedUs !== entry.modifiedUs)
        ) {
          this.#advance(-at);
          return now;
        }
        await writeSparse(file, data, Number(at));
        at += BigInt(data.length);
        this.#bytes += BigInt(data.length);
        this.#advance(BigInt(data.length));
      }
    } catch (error) {
      if (error instanceof JobletError && GONE.includes(error.kind)) {
        this.#advance(-at);
        return 'gone';
      }
      throw error;
    }
    this.#signal.throwIfAborted();
    await file.truncate(Number(entry.size));
    await file.chmod(((entry.mode & 0o777) | 0o600) & ~process.umask());
    const seconds = Number(entry.modifiedUs) / 1e6;
    await file.utimes(seconds, seconds);
    await file.sync();
    return undefined;
  }

  #leaveOut({ path }: FileEntry, reason: string): void {
    this.#leftOut.push({ path, reason });
  }

  #advance(bytes: bigint): void {
    this.#done += bytes;
    this.#options.onProgress?.(this.#done, this.#total, this.#files + this.#kept);
  }
}

function draftOf(uuid: string, entry: FileEntry): Buffer {
  return Buffer.from(`.joblet-${draftNameOf(uuid, entry)}.part`);
}

async function openDraft(path: Buffer, size: bigint): Promise<FileHandle> {
  const file = await open(path, DRAFT_FLAGS, 0o600);
  const stats = await file.stat({ bigint: true });
  const isOurs = stats.isFile() && stats.nlink === 1n && Number(stats.uid) === process.geteuid?.();
  if (!isOurs) {
    await file.close();
    throw isThere(path.toString(), false);
  }
  if (stats.size > size) {
    await file.truncate(0);
  }
  return file;
}

interface Publication {
  readonly draft: Buffer;
  readonly name: Buffer;
  readonly overwrite: boolean;
}

/** link(2) refuses what has come meanwhile; rename(2) would replace it. */
async function publish(parent: FileHandle, { draft, name, overwrite }: Publication): Promise<void> {
  if (overwrite) {
    await rename(within(parent, draft), within(parent, name));
  } else {
    await link(within(parent, draft), within(parent, name));
    await rm(within(parent, draft));
  }
}

async function makeFolder(parent: FileHandle, name: Buffer): Promise<void> {
  try {
    await mkdir(within(parent, name));
  } catch (error) {
    if (causeOf(error) !== 'EEXIST') {
      throw error;
    }
    await (await openFolder(within(parent, name))).close();
  }
}

async function makeLink(parent: FileHandle, name: Buffer, target: Buffer): Promise<void> {
  try {
    await symlink(target, within(parent, name));
  } catch (error) {
    const there = await readlink(within(parent, name), { encoding: 'buffer' }).catch(() => undefined);
    if (there?.equals(target) !== true) {
      throw error;
    }
  }
}

async function statsOf(parent: FileHandle, name: Buffer): Promise<BigIntStats | undefined> {
  try {
    return await lstat(within(parent, name), { bigint: true });
  } catch (error) {
    if (causeOf(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}

function isSame(there: BigIntStats, { size, modifiedUs }: FileEntry): boolean {
  return there.isFile() && there.size === size && isSameTime(there.mtimeNs / 1000n, modifiedUs);
}

function shown(path: Uint8Array): string {
  return Buffer.from(path).toString();
}

function isThere(object: string, overwrite: boolean): JobletError {
  return new JobletError('conflict', {
    layer: 'file',
    operation: 'write',
    object,
    reason: 'something else is there already',
    mend: overwrite
      ? 'Remove it, then try again.'
      : 'Move it away, or take another folder. On the command line: --overwrite, --to.',
  });
}

function thrower(object: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof JobletError) {
      throw error;
    }
    const reason = causeOf(error);
    const details = { layer: 'file', operation: 'write', object, reason };
    const mend = 'What is whole stays. Mend the cause and download again: it goes on where it ended.';
    throw new JobletError('unavailable', { ...details, mend }, { cause: error });
  };
}
