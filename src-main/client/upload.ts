/** Brings a user's files into the /work of a job that waits for them; what was cut off, here or there, goes on where it ended. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Client as RpcClient } from '@connectrpc/connect';
import { draftNameOf, isSameTime, UPLOAD_FOLDER } from '../../native-helper/api/draft.ts';
import { causeOf, JobletError } from '../../native-helper/api/errors.ts';
import {
  type FileEntry,
  type FileService,
  FileType,
  type Job,
  type JobService,
  JobStatus,
  type UploadFilesRequestSchema,
} from '../../native-helper/api/gen/joblet_pb.js';
import type { LocalFile } from './local-tree.ts';
import { resuming } from './resume.ts';

const CHUNK_BYTES = 256 * 1024;
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

type Message = MessageInitShape<typeof UploadFilesRequestSchema>;

export interface UploadOptions {
  readonly files: RpcClient<typeof FileService>;
  readonly jobs: RpcClient<typeof JobService>;
  /** The whole one. */
  readonly uuid: string;
  readonly local: readonly LocalFile[];
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: UploadProgress) => void;
  /** Told each time that the helper went away and is asked again. */
  readonly onInterruption?: (error: JobletError) => void;
}

/** What was there already counts as done. */
export interface UploadProgress {
  readonly files: number;
  readonly allFiles: number;
  readonly bytes: bigint;
  readonly allBytes: bigint;
}

/**
 * @returns the job, which waits for its files no longer.
 * @throws JobletError, or the signal's reason. What has come stays: call it again to go on.
 */
export async function upload(options: UploadOptions): Promise<Job> {
  const { signal, onInterruption = () => {} } = options;
  let job: Job | undefined;
  let isFirst = true;
  const attempts = resuming(signal, onInterruption, async function* () {
    const mayBeDone = !isFirst;
    isFirst = false;
    yield await new Attempt(options).run().catch(async (error) => {
      const done = mayBeDone && isConflict(error) ? await jobWithFiles(options) : undefined;
      if (done === undefined) {
        throw error;
      }
      return done;
    });
  });
  for await (const answer of attempts) {
    job = answer;
  }
  if (job === undefined) {
    throw new Error('an upload has ended without an answer');
  }
  return job;
}

function isConflict(error: unknown): boolean {
  return error instanceof JobletError && error.kind === 'conflict';
}

/** The helper may have gone away between taking the last file and answering. */
async function jobWithFiles({ jobs, uuid, signal }: UploadOptions): Promise<Job | undefined> {
  const job = await jobs.getJob({ id: uuid }, { signal });
  const isWaiting = job.status === JobStatus.SCHEDULED && job.dueUs === 0n;
  return isWaiting || job.status === JobStatus.CANCELED ? undefined : job;
}

class Attempt {
  readonly #options: UploadOptions;
  /** By their paths: what is in /work already. */
  readonly #there = new Map<string, FileEntry>();
  readonly #all: { readonly files: number; readonly bytes: bigint };
  #files = 0;
  #bytes = 0n;
  #fault: unknown;

  constructor(options: UploadOptions) {
    this.#options = options;
    this.#all = totalsOf(options.local);
  }

  async run(): Promise<Job> {
    const { files, uuid, signal } = this.#options;
    for await (const entry of files.listFiles({ id: uuid }, { signal })) {
      this.#there.set(keyOf(entry.path), entry);
    }
    try {
      const { job } = await files.uploadFiles(this.#messages(), { signal });
      if (job === undefined) {
        throw new Error('the helper answered without the job');
      }
      return job;
    } catch (error) {
      throw this.#fault ?? error;
    }
  }

  /** What goes wrong here must not look like a connection that broke. */
  async *#messages(): AsyncGenerator<Message> {
    const { uuid, local } = this.#options;
    try {
      const missing = local.filter((file) => file.type !== FileType.FOLDER && !this.#seemsThere(file));
      const room = missing.reduce((sum, file) => sum + file.room, 0n) - this.#bytesOfDrafts();
      const toCome = totalsOf(missing);
      yield message('start', {
        id: uuid,
        files: BigInt(toCome.files),
        bytes: toCome.bytes,
        room: room < 0n ? 0n : room,
      });
      for (const file of local) {
        yield* file.type === FileType.REGULAR ? this.#regular(file) : this.#other(file);
      }
      yield message('complete', {});
    } catch (error) {
      // A connection that breaks is thrown in here, too, as another kind of error.
      if (error instanceof JobletError) {
        this.#fault ??= error;
      }
      throw error;
    }
  }

  async *#other({ path, type, mode, target }: LocalFile): AsyncGenerator<Message> {
    const there = this.#there.get(keyOf(path));
    const isThere = type === FileType.LINK && there?.type === type && target.equals(there.target);
    if (!isThere) {
      yield message('entry', { file: { path, type, mode, target }, offset: 0n });
    }
    this.#advance(type === FileType.LINK ? 1 : 0, 0n);
  }

  /** As it is now, not as it was when it was found. */
  async *#regular({ source, path }: LocalFile): AsyncGenerator<Message> {
    await using local = await open(source, READ_FLAGS).catch(thrower(source));
    const stats = await local.stat({ bigint: true });
    if (!stats.isFile()) {
      throw hasChanged(source);
    }
    const file = { path, size: stats.size, modifiedUs: stats.mtimeNs < 0n ? 0n : stats.mtimeNs / 1000n };
    if (this.#isThere(file)) {
      this.#advance(1, file.size);
      return;
    }
    const offset = this.#sizeOfDraft(file);
    const mode = Number(stats.mode & 0o777n);
    yield message('entry', { file: { ...file, type: FileType.REGULAR, mode }, offset });
    this.#advance(0, offset);
    for await (const data of chunksOf(local, source, Number(offset), Number(file.size))) {
      yield { message: { case: 'data', value: data } };
      this.#advance(0, BigInt(data.length));
    }
    const after = await local.stat({ bigint: true });
    if (after.size !== stats.size || after.mtimeNs !== stats.mtimeNs) {
      throw hasChanged(source);
    }
    this.#advance(1, 0n);
  }

  #seemsThere({ path, size, type }: LocalFile): boolean {
    const there = this.#there.get(keyOf(path));
    return there?.type === type && there.size === size;
  }

  #isThere({ path, size, modifiedUs }: { path: Buffer; size: bigint; modifiedUs: bigint }): boolean {
    const there = this.#there.get(keyOf(path));
    return (
      there?.type === FileType.REGULAR && there.size === size && isSameTime(there.modifiedUs, modifiedUs)
    );
  }

  /** They have their room already. */
  #bytesOfDrafts(): bigint {
    const prefix = `${UPLOAD_FOLDER}/`;
    const drafts = [...this.#there].filter(([path]) => path.startsWith(prefix));
    return drafts.reduce((sum, [, { size }]) => sum + size, 0n);
  }

  #sizeOfDraft(file: { path: Buffer; size: bigint; modifiedUs: bigint }): bigint {
    const draft = `${UPLOAD_FOLDER}/${draftNameOf(this.#options.uuid, file)}`;
    const size = this.#there.get(keyOf(Buffer.from(draft)))?.size ?? 0n;
    return size > file.size ? 0n : size;
  }

  #advance(files: number, bytes: bigint): void {
    this.#files += files;
    this.#bytes += bytes;
    this.#options.onProgress?.({
      files: this.#files,
      bytes: this.#bytes,
      allFiles: this.#all.files,
      allBytes: this.#all.bytes,
    });
  }
}

async function* chunksOf(
  local: FileHandle,
  source: Buffer,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; ) {
    const length = Math.min(CHUNK_BYTES, to - at);
    const { bytesRead, buffer } = await local
      .read(Buffer.allocUnsafe(length), 0, length, at)
      .catch(thrower(source));
    if (bytesRead === 0) {
      throw hasChanged(source);
    }
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Folders are not counted: people count what is in them. */
export function totalsOf(files: readonly LocalFile[]): { readonly files: number; readonly bytes: bigint } {
  const counted = files.filter(({ type }) => type !== FileType.FOLDER);
  return { files: counted.length, bytes: counted.reduce((sum, { size }) => sum + size, 0n) };
}

function message<Case extends 'start' | 'entry' | 'complete'>(
  name: Case,
  value: Extract<NonNullable<Message['message']>, { case: Case }>['value'],
): Message {
  return { message: { case: name, value } } as Message;
}

function keyOf(path: Uint8Array): string {
  return Buffer.from(path).toString('latin1');
}

function hasChanged(source: Buffer): JobletError {
  return new JobletError('conflict', {
    layer: 'file',
    operation: 'read',
    object: source.toString(),
    reason: 'changed while it was uploaded',
    mend: 'Upload again when nothing writes to it.',
  });
}

function thrower(source: Buffer): (error: unknown) => never {
  return (error) => {
    const details = { layer: 'file', operation: 'read', object: source.toString(), reason: causeOf(error) };
    throw new JobletError('refused', { ...details, mend: '' }, { cause: error });
  };
}
