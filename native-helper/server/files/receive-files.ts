/**
 * Writes what a client sends into the /work of a job that has not started. Each step is one name relative to an open folder and follows no link. A
 * file is written beside the others and gets its place when it is whole, so what has a place has all its bytes.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, lchown, mkdir, open, rename, rm, statfs, symlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { draftNameOf, UPLOAD_FOLDER, writeSparse } from '../../api/draft.ts';
import { causeOf, JobletError } from '../../api/errors.ts';
import { namesOf, staysInside } from '../../api/file-path.ts';
import { type FileEntry, FileType, type UploadEntry } from '../../api/gen/joblet_pb.js';
import { descend, openFolder, within } from '../../api/held-folder.ts';
import { removeTree } from '../jobs/remove-tree.ts';

const execute = promisify(execFile);

/** What ListFiles tells of a tree: a client could not find again what lies deeper. */
const DEPTH_MAXIMUM = 64;
const DATA_BYTES_MAXIMUM = 1024 * 1024;
const TARGET_BYTES_MAXIMUM = 4095;
const PERMISSIONS = 0o777;
const DRAFT_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Of the disk with the state of all jobs and their logs. */
const FREE_BYTES_MINIMUM = 16 * 1024 * 1024;
/** Between two looks at what is free; each file counts, too. */
const LOOK_BYTES = 4 * 1024 * 1024;
const BYTES_PER_FILE = 16 * 1024;
/** The helper may have been started with any environment, or none. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } as const;

export interface ReceiverOptions {
  readonly uuid: string;
  /** The folder that the job will see as /work. */
  readonly work: string;
  /** On the disk of all jobs. */
  readonly jobsDirectory: string;
  readonly owner: { readonly user: number; readonly group: number };
}

/** A file of which bytes are still to come. */
interface Draft {
  readonly file: FileHandle;
  readonly entry: FileEntry;
  at: number;
}

export class FileReceiver implements AsyncDisposable {
  readonly #options: ReceiverOptions;
  readonly #top: FileHandle;
  readonly #drafts: FileHandle;
  /** Files come folder by folder. */
  #parent: { readonly path: Buffer; readonly folder: FileHandle } | undefined;
  #draft: Draft | undefined;
  #unseenBytes = 0;
  #files = 0;
  #bytes = 0;

  private constructor(options: ReceiverOptions, top: FileHandle, drafts: FileHandle) {
    this.#options = options;
    this.#top = top;
    this.#drafts = drafts;
  }

  /** @throws JobletError */
  static async open(options: ReceiverOptions): Promise<FileReceiver> {
    const top = await openFolder(options.work).catch(thrower(Buffer.alloc(0)));
    try {
      const path = within(top, UPLOAD_FOLDER);
      await mkdir(path, { mode: 0o700 }).catch(unless('EEXIST'));
      return new FileReceiver(options, top, await openFolder(path));
    } catch (error) {
      await top.close();
      return thrower(UPLOAD_FOLDER)(error);
    }
  }

  /** How many are whole now, of those that came here, and how many bytes have come. */
  get received(): { readonly files: number; readonly bytes: number } {
    return { files: this.#files, bytes: this.#bytes };
  }

  /** @throws JobletError (exhausted) when there is less room than that. */
  async refuseWithoutRoom(bytes: bigint): Promise<void> {
    const { work, jobsDirectory } = this.#options;
    const [own, all] = await Promise.all([statfs(work), statfs(jobsDirectory)]);
    const room = Math.min(own.bavail * own.bsize, all.bavail * all.bsize - FREE_BYTES_MINIMUM);
    if (bytes > BigInt(Math.max(0, room))) {
      throw noRoom(`${bytes} bytes are to come, and there is room for ${Math.max(0, room)}`);
    }
  }

  /** @throws JobletError: invalid, conflict (something else is there), or exhausted. */
  async enter({ file: entry, offset }: UploadEntry): Promise<void> {
    this.#refuseUnfinished();
    const names = namesOf(entry?.path ?? Buffer.alloc(0));
    const name = names.pop();
    if (entry === undefined || name === undefined) {
      throw invalid('the entry', 'names no file');
    }
    refuseMalformed(entry, names, offset);
    this.#unseenBytes += BYTES_PER_FILE;
    await this.#look();
    try {
      const parent = await this.#parentOf(entry, names);
      if (entry.type === FileType.REGULAR) {
        await this.#begin(entry, Number(offset));
      } else if (entry.type === FileType.FOLDER) {
        await this.#makeFolder(parent, name, entry);
      } else {
        await this.#makeLink(parent, name, entry);
      }
      await this.#endIfWhole();
    } catch (error) {
      thrower(entry.path)(error);
    }
  }

  /** @throws JobletError: invalid, conflict, or exhausted. */
  async write(data: Uint8Array): Promise<void> {
    const draft = this.#draft;
    if (draft === undefined) {
      throw invalid('data', 'come without a file that they belong to, or are more than it has');
    }
    if (data.length > DATA_BYTES_MAXIMUM) {
      throw invalid('data', `have ${data.length} bytes, ${DATA_BYTES_MAXIMUM} are allowed`);
    }
    if (BigInt(draft.at + data.length) > draft.entry.size) {
      throw invalid(shown(draft.entry.path), `has ${draft.entry.size} bytes, and more have come`);
    }
    try {
      await writeSparse(draft.file, data, draft.at);
      draft.at += data.length;
      this.#bytes += data.length;
      this.#unseenBytes += data.length;
      await this.#look();
      await this.#endIfWhole();
    } catch (error) {
      thrower(draft.entry.path)(error);
    }
  }

  /**
   * All is on the disk when this resolves, and what never became whole is gone.
   *
   * @throws JobletError
   */
  async complete(): Promise<void> {
    this.#refuseUnfinished();
    try {
      await removeTree(within(this.#top, UPLOAD_FOLDER).toString());
      // syncfs(2): one wait for all, where fsync(2) would be one for each file.
      await execute('sync', ['-f', this.#options.work], { env: ENVIRONMENT });
    } catch (error) {
      thrower(Buffer.alloc(0))(error);
    }
  }

  /** What has come stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    const open = [this.#draft?.file, this.#parent?.folder, this.#drafts, this.#top];
    await Promise.all(open.map((handle) => handle?.close()));
  }

  #refuseUnfinished(): void {
    if (this.#draft !== undefined) {
      const { entry, at } = this.#draft;
      throw invalid(shown(entry.path), `has ${entry.size} bytes, of which ${at} have come`);
    }
  }

  async #parentOf(entry: FileEntry, names: readonly Buffer[]): Promise<FileHandle> {
    const path = Buffer.from(entry.path.subarray(0, Math.max(0, entry.path.lastIndexOf(0x2f))));
    if (this.#parent?.path.equals(path) !== true) {
      await this.#parent?.folder.close();
      this.#parent = undefined;
      this.#parent = { path, folder: await descend(this.#top, names) };
    }
    return this.#parent.folder;
  }

  async #begin(entry: FileEntry, offset: number): Promise<void> {
    const file = await open(this.#pathOfDraft(entry), DRAFT_FLAGS, 0o600);
    this.#draft = { file, entry, at: offset };
    const stats = await file.stat();
    if (!stats.isFile() || stats.nlink !== 1 || stats.size < offset) {
      throw new JobletError('conflict', {
        ...detailsOf(entry.path),
        reason: `has ${stats.size} bytes here, and is to go on at ${offset}`,
        mend: 'Upload it again: what is there is looked at anew.',
      });
    }
    await file.truncate(offset);
  }

  async #endIfWhole(): Promise<void> {
    const draft = this.#draft;
    if (draft === undefined || BigInt(draft.at) < draft.entry.size) {
      return;
    }
    const { file, entry } = draft;
    const seconds = Number(entry.modifiedUs) / 1e6;
    const { user, group } = this.#options.owner;
    await file.chown(user, group);
    await file.chmod(entry.mode & PERMISSIONS);
    await file.utimes(seconds, seconds);
    await this.#place(entry);
    this.#draft = undefined;
    await file.close();
    this.#files += 1;
  }

  async #makeFolder(parent: FileHandle, name: Buffer, entry: FileEntry): Promise<void> {
    const path = within(parent, name);
    await mkdir(path, { mode: 0o700 }).catch(unless('EEXIST'));
    await using folder = await openFolder(path);
    await folder.chown(this.#options.owner.user, this.#options.owner.group);
    await folder.chmod(entry.mode & PERMISSIONS);
  }

  async #makeLink(parent: FileHandle, name: Buffer, entry: FileEntry): Promise<void> {
    const draft = this.#pathOfDraft(entry);
    await rm(draft, { force: true });
    await symlink(Buffer.from(entry.target), draft);
    await lchown(draft, this.#options.owner.user, this.#options.owner.group);
    await rename(draft, within(parent, name));
    this.#files += 1;
  }

  /** rename(2) replaces a file or a link, and no folder. */
  async #place(entry: FileEntry): Promise<void> {
    const folder = this.#parent?.folder;
    const name = namesOf(entry.path).pop();
    if (folder !== undefined && name !== undefined) {
      await rename(this.#pathOfDraft(entry), within(folder, name));
    }
  }

  #pathOfDraft(entry: FileEntry): Buffer {
    return within(this.#drafts, Buffer.from(draftNameOf(this.#options.uuid, entry)));
  }

  async #look(): Promise<void> {
    if (this.#unseenBytes >= LOOK_BYTES) {
      this.#unseenBytes = 0;
      const { bavail, bsize } = await statfs(this.#options.jobsDirectory);
      if (bavail * bsize < FREE_BYTES_MINIMUM) {
        throw noRoom(`less than ${FREE_BYTES_MINIMUM} bytes are free on the disk of the jobs`);
      }
    }
  }
}

function refuseMalformed(entry: FileEntry, names: readonly Buffer[], offset: bigint): void {
  const { type, size, modifiedUs, mode, target, path, leftOut } = entry;
  const isFile = type === FileType.REGULAR;
  const isLink = type === FileType.LINK;
  const isPlaced = isLink ? target.length <= TARGET_BYTES_MAXIMUM : target.length === 0;
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  const faults: readonly (readonly [isFault: boolean, reason: string])[] = [
    [!isFile && !isLink && type !== FileType.FOLDER, 'is neither a regular file nor a folder nor a link'],
    [names.length >= DEPTH_MAXIMUM, `lies in more than ${DEPTH_MAXIMUM - 1} folders`],
    [size > most || modifiedUs > most, 'has a size or a time that is none'],
    [!isFile && size > 0n, 'has a size, and is no regular file'],
    [offset > size, `has ${size} bytes, and is to go on at ${offset}`],
    [!isPlaced || leftOut, 'has a field that does not go with its type'],
    [mode > 0o7777, 'has a mode that is none'],
    [isLink && !staysInside(target, names.length), 'is a link that may lead out of the folder'],
    [
      Buffer.from(path.subarray(0, UPLOAD_FOLDER.length)).equals(UPLOAD_FOLDER) &&
        [undefined, 0x2f].includes(path[UPLOAD_FOLDER.length]),
      'is a name of the helper',
    ],
  ];
  const fault = faults.find(([isFault]) => isFault);
  if (fault !== undefined) {
    throw invalid(shown(path), fault[1]);
  }
}

function unless(code: string): (error: unknown) => void {
  return (error) => {
    if (causeOf(error) !== code) {
      throw error;
    }
  };
}

function shown(path: Uint8Array): string {
  return JSON.stringify(`/work/${Buffer.from(path.subarray(0, 500)).toString()}`);
}

function detailsOf(path: Uint8Array) {
  return { layer: 'file', operation: 'write', object: shown(path) };
}

function invalid(object: string, reason: string): JobletError {
  return new JobletError('invalid', { layer: 'file', operation: 'upload', object, reason, mend: '' });
}

function noRoom(reason: string, cause?: unknown): JobletError {
  return new JobletError(
    'exhausted',
    {
      layer: 'disk',
      operation: 'upload',
      object: '/work',
      reason,
      mend: 'Free space on the disk and upload again: it goes on where it ended. Or give the job more with --max-disk.',
    },
    { cause },
  );
}

const KINDS: Readonly<Record<string, readonly [kind: JobletError['kind'], reason: string]>> = {
  ENOENT: ['invalid', 'a folder on its way is not there'],
  ENOTDIR: ['conflict', 'is, or lies in, what is no folder'],
  ELOOP: ['conflict', 'is, or lies in, what is no folder'],
  EISDIR: ['conflict', 'a folder of this name is there'],
  ENOTEMPTY: ['conflict', 'a folder of this name is there'],
  EEXIST: ['conflict', 'a folder of this name is there'],
  ENAMETOOLONG: ['invalid', 'has a name that is too long (ENAMETOOLONG)'],
};

function thrower(path: Uint8Array): (error: unknown) => never {
  return (error) => {
    if (error instanceof JobletError) {
      throw error;
    }
    const code = causeOf(error);
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw noRoom('it is full (ENOSPC)', error);
    }
    const [kind, reason] = KINDS[code] ?? (['unavailable', code] as const);
    throw new JobletError(kind, { ...detailsOf(path), reason, mend: '' }, { cause: error });
  };
}
