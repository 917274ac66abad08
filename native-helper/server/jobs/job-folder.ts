/** The folder of one job: what the helper puts there, and what it reads that the monitor has put there. */
import {
  closeSync,
  constants,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerConfig } from '../../api/config-schema.ts';
import { causeOf, JobletError } from '../../api/errors.ts';
import type { CheckedJobSpec } from '../../api/job-spec.ts';
import { jobDirectoryOf, type Paths } from '../../api/paths.ts';
import type * as z from '../../api/schema.ts';
import { tryLock } from '../../kernel/lock.ts';
import { encodeManifest, type Manifest } from '../plan/manifest.ts';
import { workImageIn } from '../storage/sized-folder.ts';
import { workBytesOf } from '../storage/work-room.ts';
import { type ExitRecord, exitRecordSchema } from './exit-record.ts';
import { removeTree } from './remove-tree.ts';
import { type Report, reportSchema } from './report.ts';

/** Larger than any record the executor can write; a reader has to stop somewhere. */
const RECORD_BYTES_MAXIMUM = 64 * 1024 * 1024;

/** The folder of a job that writes nothing takes less than 100 KB. */
const FREE_BYTES_MINIMUM = 1024 * 1024;
/** It takes nine; many may be on their way at one time. */
const FREE_FILES_MINIMUM = 256;

/** What a monitor writes about one attempt, beside the log. */
const RECORDS = ['exit.json.new', 'exit.json', 'report.json'];
/** It may wait for a slow disk. */
const LEAVE_ATTEMPTS = 3000;
const LEAVE_INTERVAL_MS = 10;

export class JobFolder {
  readonly uuid: string;
  readonly path: string;

  /** Of the monitor's adoption socket, which lies elsewhere: it goes with the next boot. */
  readonly #socket: string;

  constructor(paths: Paths, uuid: string) {
    this.uuid = uuid;
    this.path = jobDirectoryOf(paths, uuid);
    this.#socket = join(paths.monitorsDirectory, uuid);
  }

  get log(): string {
    return join(this.path, 'log');
  }

  get logIndex(): string {
    return join(this.path, 'log.index');
  }

  /** What the job has used, sample after sample. */
  get metrics(): string {
    return join(this.path, 'metrics');
  }

  get work(): string {
    return join(this.path, 'work');
  }

  /**
   * Makes the folder, 0700 root, and `work`, which is the job's own.
   *
   * @throws JobletError (exhausted) when the disk is full.
   */
  create(owner: { readonly user: number; readonly group: number }): void {
    try {
      mkdirSync(this.path, { mode: 0o700 });
      mkdirSync(this.work, { mode: 0o700 });
      giveTo(this.work, owner);
    } catch (error) {
      throw folderError('mkdir', this.path, error);
    }
  }

  /**
   * As `create`, but `work` never holds more than that many bytes.
   *
   * @throws JobletError: refused (this machine lacks what it takes), or exhausted.
   */
  async createSized(owner: { readonly user: number; readonly group: number }, bytes: bigint): Promise<void> {
    try {
      mkdirSync(this.path, { mode: 0o700 });
    } catch (error) {
      throw folderError('mkdir', this.path, error);
    }
    await workImageIn(this.path).create(bytes, owner);
  }

  /**
   * Makes it as the job asks for it.
   *
   * @throws JobletError: refused, or exhausted.
   */
  async createFor(spec: Pick<CheckedJobSpec, 'workBytes'>, jobsConfig: ServerConfig['jobs']): Promise<void> {
    const workBytes = workBytesOf(spec, jobsConfig);
    if (workBytes > 0n) {
      await this.createSized(jobsConfig, workBytes);
    } else {
      this.create(jobsConfig);
    }
  }

  /** What is made in it is on the disk, as a job that is durable needs it there. */
  keep(): void {
    for (const path of [this.path, dirname(this.path)]) {
      const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    }
  }

  /** Makes a `work` with a size visible, as it may not be since the machine was started. */
  async attachWork(): Promise<void> {
    const work = workImageIn(this.path);
    if (work.exists) {
      await work.attach();
    }
  }

  /** Whether a monitor has got so far that the command may have run: it makes the first of these before. */
  hasBegun(): boolean {
    return RECORDS.some((name) => lstatSync(join(this.path, name), { throwIfNoEntry: false }) !== undefined);
  }

  /**
   * Makes room for the records of another attempt, once the monitor of the one before has let go of the folder: it does so a moment after it
   * has told of the end. Log and /work stay. On the disk before the attempt is: else its record could be taken for the next one's.
   *
   * @throws JobletError (unavailable) when the monitor goes on.
   */
  async forgetAttempt(): Promise<void> {
    for (let attempt = 0; this.isInUse(); attempt += 1) {
      if (attempt === LEAVE_ATTEMPTS) {
        throw monitorStays(this.path);
      }
      await delay(LEAVE_INTERVAL_MS);
    }
    for (const name of RECORDS) {
      rmSync(join(this.path, name), { force: true });
    }
    const fd = this.open();
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** @returns a descriptor for the monitor; the caller closes it. */
  open(): number {
    return openSync(this.path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  }

  /**
   * For a person who wants to replay the job by hand. Neither synced nor missed: the job runs from the plan that its
   * monitor was given, and a disk that has no room for a copy must not take it back.
   */
  writeForReplay(plan: Uint8Array, manifest: Manifest): void {
    try {
      writeFileSync(join(this.path, 'plan'), plan, { mode: 0o600 });
      writeFileSync(join(this.path, 'manifest.json'), encodeManifest(manifest), { mode: 0o600 });
    } catch {
      // Whoever looks for the copy sees that there is none.
    }
  }

  /**
   * @returns undefined while there is none.
   * @throws JobletError when it is not what the monitor writes.
   */
  readExit(): ExitRecord | undefined {
    return this.#read('exit.json', exitRecordSchema);
  }

  /** @returns undefined while there is none. */
  readReport(): Report | undefined {
    return this.#read('report.json', reportSchema);
  }

  /** Bytes in the log now. */
  logBytes(): number {
    return statSync(this.log, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Whether a monitor of the job lives: it holds the lock that its helper took on the folder. */
  isInUse(): boolean {
    let fd: number;
    try {
      fd = this.open();
    } catch (error) {
      if (causeOf(error) === 'ENOENT') {
        return false;
      }
      throw folderError('open', this.path, error);
    }
    try {
      return !tryLock(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Takes away the socket that a monitor has left which was killed. */
  removeSocket(): void {
    rmSync(this.#socket, { force: true });
  }

  /**
   * Call it when no process of the job lives any more.
   *
   * @param signal once it is aborted, what is left stays, and that is an error.
   */
  async remove(signal?: AbortSignal): Promise<void> {
    try {
      await workImageIn(this.path).detach();
      await removeTree(this.path, signal);
    } catch (error) {
      throw folderError('remove', this.path, error);
    }
  }

  #read<T extends { readonly job: string }>(name: string, schema: z.ZodMiniType<T>): T | undefined {
    const path = join(this.path, name);
    const text = readBounded(path);
    if (text === undefined) {
      return undefined;
    }
    try {
      const record = schema.parse(JSON.parse(text));
      if (record.job !== this.uuid) {
        throw new Error(`is of job ${record.job}`);
      }
      return record;
    } catch (error) {
      throw new JobletError(
        'internal',
        {
          layer: 'record',
          operation: 'parse',
          object: path,
          reason: error instanceof Error ? error.message : String(error),
          mend: 'The file is damaged; the job can still be deleted.',
        },
        { cause: error },
      );
    }
  }
}

function giveTo(folder: string, owner: { readonly user: number; readonly group: number }): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    fchownSync(fd, owner.user, owner.group);
  } finally {
    closeSync(fd);
  }
}

function readBounded(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (causeOf(error) === 'ENOENT') {
      return undefined;
    }
    throw folderError('open', path, error);
  }
  try {
    const { size } = statSync(`/proc/self/fd/${fd}`);
    if (size > RECORD_BYTES_MAXIMUM) {
      throw folderError('read', path, new Error(`is ${size} bytes long`));
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/**
 * A write-ahead log of full size takes a new job even when nothing else can be written; what the job would need next
 * is asked for here.
 *
 * @throws JobletError (exhausted)
 */
export function refuseFullDisk(directory: string): void {
  const { bfree, bsize, files, ffree } = statfsSync(directory);
  if (bfree * bsize < FREE_BYTES_MINIMUM) {
    throw fullDisk('statfs', directory, `less than ${FREE_BYTES_MINIMUM} bytes are free`);
  }
  // Of 0 files altogether tells a file system that makes inodes as they are needed, such as btrfs.
  if (files > 0 && ffree < FREE_FILES_MINIMUM) {
    throw fullDisk('statfs', directory, `less than ${FREE_FILES_MINIMUM} files can be made there`);
  }
}

function monitorStays(path: string): JobletError {
  return new JobletError('unavailable', {
    layer: 'monitor',
    operation: 'flock',
    object: path,
    reason: 'the monitor of the attempt before does not end',
    mend: 'See the log of the helper, then run the job again.',
  });
}

function fullDisk(operation: string, object: string, reason: string, cause?: unknown): JobletError {
  const mend = 'Free space on the disk, then try again.';
  return new JobletError('exhausted', { layer: 'folder', operation, object, reason, mend }, { cause });
}

function folderError(operation: string, object: string, error: unknown): JobletError {
  const reason = causeOf(error);
  if (reason === 'ENOSPC' || reason === 'EDQUOT') {
    return fullDisk(operation, object, reason, error);
  }
  return new JobletError(
    'internal',
    { layer: 'folder', operation, object, reason, mend: '' },
    { cause: error },
  );
}
