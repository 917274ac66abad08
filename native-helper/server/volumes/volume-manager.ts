/** Volumes: folders with a size that outlive jobs, and that several jobs may use at a time. */
import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, statfsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { create } from '@bufbuild/protobuf';
import { JobletError } from '../../api/errors.ts';
import { type CreateVolumeRequest, type Volume, VolumeSchema, VolumeType } from '../../api/gen/joblet_pb.js';
import type { Paths } from '../../api/paths.ts';
import { MAX_VOLUME_BYTES, MIN_VOLUME_BYTES, type VolumeMount, volumeNameSchema } from '../../api/volume.ts';
import type { Logger } from '../log.ts';
import type { Source } from '../plan/sources.ts';
import type { CommitQueue } from '../state/commit-queue.ts';
import { SizedFolder, type SizedFolderOwner, type SizedFolderUsage } from '../storage/sized-folder.ts';
import { MemoryFolder } from './memory-folder.ts';
import { type VolumeRecord, VolumeState, VolumeStore } from './volume-store.ts';

const VOLUMES_MAXIMUM = 1024;

const IMAGE = '.image';
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const NOT_ATTACHED = 'is not mounted; the log of the helper says why';

/** open(2); Node exports no constant for it. The same number on x86-64 and arm64. */
const O_PATH = 0o10000000;

export interface VolumeManagerOptions {
  readonly paths: Paths;
  readonly database: DatabaseSync;
  readonly commits: CommitQueue;
  /** The user of all jobs, whose the volumes are. */
  readonly owner: SizedFolderOwner;
  readonly logger: Logger;
}

/** What a volume is on the machine. */
interface Folder {
  readonly path: string;
  readonly isAttached: boolean;
  attach(): Promise<void>;
  remove(): Promise<void>;
  usage(): SizedFolderUsage;
}

export class VolumeManager {
  readonly #options: VolumeManagerOptions;
  readonly #store: VolumeStore;
  /** What makes or removes one waits for the one before. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
    this.#store = new VolumeStore(options.database);
  }

  /**
   * Finds the volumes of the helper before again, those in memory as they were if the machine has not been started since, and removes what it
   * had made, or removed, by half. One that can't be had keeps nobody from the others: its jobs are refused, and the list says why.
   */
  async recover(): Promise<void> {
    const { logger } = this.#options;
    const volumes = this.#store.list();
    for (const volume of volumes) {
      const isReady = volume.state === VolumeState.ready;
      try {
        await (isReady ? this.#folderOf(volume).attach() : this.#finishRemoval(volume));
      } catch (error) {
        logger.error({ err: error, volume: volume.name }, 'a volume could not be recovered');
      }
    }
    await this.#sweep(new Set(volumes.map(({ id }) => id)));
  }

  /**
   * It is durable, and there, when this resolves; nothing is left of it when it rejects.
   *
   * @throws JobletError: invalid, conflict (the name is taken), exhausted (no room), or refused (this machine can't).
   */
  async create({ name, type, sizeBytes }: CreateVolumeRequest, ownerUid: number): Promise<Volume> {
    const volume: VolumeRecord = {
      name: checkedName(name),
      id: randomUUID(),
      type: checkedType(type),
      bytes: checkedSize(sizeBytes),
      ownerUid,
      createdUs: Date.now() * 1000,
      state: VolumeState.making,
    };
    return this.#inTurn(() => this.#create(volume));
  }

  async #create(volume: VolumeRecord): Promise<Volume> {
    const { commits, owner } = this.#options;
    this.#refuseWithoutRoom(volume);
    await commits.commit(() => this.#insertNew(volume), 'durable');
    const folder = this.#folderOf(volume);
    try {
      await (folder instanceof SizedFolder ? folder.create(volume.bytes, owner) : folder.attach());
      await commits.commit(() => this.#store.setState(volume.name, VolumeState.ready), 'durable');
    } catch (error) {
      await this.#finishRemoval(volume);
      throw error;
    }
    return this.#show({ ...volume, state: VolumeState.ready });
  }

  /** By name. */
  list(): Volume[] {
    return this.#store.list().map((volume) => this.#show(volume));
  }

  /** @throws JobletError: not_found, or conflict while a job that has not ended uses it: then it stays as it is. */
  remove(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const volume = this.#unused(name);
      await this.#options.commits.commit(() => {
        // A job may have come to use it since.
        this.#unused(name);
        this.#store.setState(name, VolumeState.removing);
      }, 'durable');
      await this.#finishRemoval(volume);
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /**
   * Call it inside the commit that makes a job durable: from then on none of its volumes can be removed.
   *
   * @throws JobletError (refused)
   */
  require(mounts: readonly VolumeMount[]): void {
    for (const { name } of mounts) {
      if (this.#store.get(name)?.state !== VolumeState.ready) {
        throw missing(name);
      }
    }
  }

  /**
   * Opens it for one job. Never what lies below where it should be mounted: that has no size.
   *
   * @throws JobletError (refused)
   */
  open(name: string): Source {
    const volume = this.#store.get(name);
    if (volume?.state !== VolumeState.ready) {
      throw missing(name);
    }
    const { path } = this.#folderOf(volume);
    const fd = openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const above = openSync(this.#options.paths.volumesDirectory, O_PATH | constants.O_DIRECTORY);
    try {
      if (fstatSync(fd).dev === fstatSync(above).dev) {
        closeSync(fd);
        throw notAttached(name);
      }
      return { fd, path };
    } finally {
      closeSync(above);
    }
  }

  #insertNew(volume: VolumeRecord): void {
    const { name } = volume;
    if (this.#store.get(name) !== undefined) {
      throw volumeError('conflict', 'create', name, 'is there already', 'Choose another name.');
    }
    if (this.#store.list().length >= VOLUMES_MAXIMUM) {
      const mend = 'Remove some: joblet volume list';
      throw volumeError('exhausted', 'create', name, `there are ${VOLUMES_MAXIMUM} volumes`, mend);
    }
    this.#store.insert(volume);
  }

  #unused(name: string): VolumeRecord {
    const volume = this.#store.get(name);
    if (volume === undefined) {
      throw volumeError('not_found', 'remove', name, 'there is no such volume', 'See: joblet volume list');
    }
    const jobs = this.#store.jobsUsing(name);
    if (jobs > 0) {
      const reason = `is used by ${jobs === 1 ? '1 job that has' : `${jobs} jobs that have`} not ended`;
      throw volumeError('conflict', 'remove', name, reason, 'Stop or cancel them first: joblet job list');
    }
    return volume;
  }

  /** The row goes last: what is left when this is cut short is known to the next helper. */
  async #finishRemoval(volume: VolumeRecord): Promise<void> {
    await this.#folderOf(volume).remove();
    await this.#options.commits.commit(() => this.#store.delete(volume.name), 'durable');
  }

  #folderOf({ id, type, bytes }: VolumeRecord): Folder {
    const path = join(this.#options.paths.volumesDirectory, id);
    return type === VolumeType.MEMORY
      ? new MemoryFolder(path, bytes, this.#options.owner)
      : new SizedFolder(`${path}${IMAGE}`, path);
  }

  #refuseWithoutRoom({ name, type, bytes }: VolumeRecord): void {
    const { bavail, bsize } = statfsSync(this.#options.paths.volumesDirectory);
    if (type === VolumeType.FILESYSTEM && bytes > BigInt(bavail) * BigInt(bsize)) {
      const reason = `${bavail * bsize} bytes are free on the disk`;
      throw volumeError('exhausted', 'create', name, reason, 'Ask for less, or make room.');
    }
  }

  #show(volume: VolumeRecord): Volume {
    const folder = this.#folderOf(volume);
    const isReady = volume.state === VolumeState.ready;
    return create(VolumeSchema, {
      name: volume.name,
      type: volume.type,
      sizeBytes: volume.bytes,
      createdUs: BigInt(volume.createdUs),
      ownerUid: volume.ownerUid,
      jobs: this.#store.jobsUsing(volume.name),
      ...(folder.isAttached ? { usedBytes: BigInt(folder.usage().usedBytes) } : {}),
      fault: isReady ? (folder.isAttached ? '' : NOT_ATTACHED) : 'is being made or removed',
    });
  }

  /** Of a database that was put back: entries with other names are nobody's that we know, and stay. */
  async #sweep(known: ReadonlySet<string>): Promise<void> {
    const { paths, logger } = this.#options;
    const ids = (await readdir(paths.volumesDirectory)).map((name) => name.replace(IMAGE, ''));
    for (const id of new Set(ids.filter((each) => UUID.test(each) && !known.has(each)))) {
      logger.warn({ volume: id }, 'removing what is left of a volume');
      const path = join(paths.volumesDirectory, id);
      await new SizedFolder(`${path}${IMAGE}`, path).remove().catch((error) => {
        logger.error({ err: error, volume: id }, 'what is left of a volume could not be removed');
      });
    }
  }
}

function checkedName(name: string): string {
  const result = volumeNameSchema.safeParse(name);
  if (!result.success) {
    throw volumeError('invalid', 'create', 'name', result.error.issues[0]?.message ?? 'is malformed', '');
  }
  return name;
}

function checkedType(type: VolumeType): VolumeType {
  switch (type) {
    case VolumeType.UNSPECIFIED:
    case VolumeType.FILESYSTEM:
      return VolumeType.FILESYSTEM;
    case VolumeType.MEMORY:
      return type;
    default:
      // An enumeration of proto3 is open.
      throw volumeError('invalid', 'create', 'type', 'is none that this helper knows', '');
  }
}

function checkedSize(bytes: bigint): bigint {
  if (bytes < MIN_VOLUME_BYTES || bytes > MAX_VOLUME_BYTES) {
    const reason = `must be ${MIN_VOLUME_BYTES} to ${MAX_VOLUME_BYTES} bytes`;
    throw volumeError('invalid', 'create', 'size_bytes', reason, '');
  }
  return bytes;
}

function missing(name: string): JobletError {
  const mend = `Make it first: joblet volume create ${name} --size SIZE`;
  return volumeError('refused', 'mount', name, 'there is no such volume', mend);
}

function notAttached(name: string): JobletError {
  const mend = 'Start the helper again; its log says what is wrong with the volume.';
  return volumeError('refused', 'mount', name, 'is not mounted', mend);
}

function volumeError(
  kind: JobletError['kind'],
  operation: string,
  object: string,
  reason: string,
  mend: string,
): JobletError {
  return new JobletError(kind, { layer: 'volume', operation, object, reason, mend });
}
