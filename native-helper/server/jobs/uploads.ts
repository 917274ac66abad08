/**
 * Jobs that wait for their files: such a job is SCHEDULED and due at no time, which is durable, until an upload is complete. It waits across
 * restarts of the helper, and not for ever.
 */
import type { ServerConfig } from '../../api/config-schema.ts';
import { JobletError } from '../../api/errors.ts';
import { JobStatus, type UploadFilesRequest, type UploadStart } from '../../api/gen/joblet_pb.js';
import { FILES_AWAITED } from '../../api/job-spec.ts';
import type { Paths } from '../../api/paths.ts';
import { FileReceiver } from '../files/receive-files.ts';
import type { CommitQueue } from '../state/commit-queue.ts';
import type { JobRecord, JobStore } from '../state/job-store.ts';
import type { JobChanges } from './job-changes.ts';
import { JobFolder } from './job-folder.ts';
import { findJob, noSuchJob } from './job-id.ts';
import type { JobRunner } from './job-runner.ts';
import { hasEnded } from './job-state.ts';
import { Schedule } from './schedule.ts';

/** How often those who watch a job are told how far its upload is. */
const TELL_MS = 500;
const MEGABYTE = 1_000_000;

export interface UploadsOptions {
  readonly paths: Paths;
  readonly store: JobStore;
  readonly commits: CommitQueue;
  readonly changes: JobChanges;
  readonly runner: JobRunner;
  readonly jobsConfig: ServerConfig['jobs'];
}

/** One that goes on now. */
interface Upload {
  readonly start: UploadStart;
  readonly abort: AbortController;
  readonly ended: PromiseWithResolvers<void>;
  receiver: FileReceiver | undefined;
}

export interface Received {
  readonly uuid: string;
  /** All is there, and the job waits for nothing else. */
  readonly isDueNow: boolean;
}

export function isAwaitingFiles({ status, dueUs }: Pick<JobRecord, 'status' | 'dueUs'>): boolean {
  return status === JobStatus.SCHEDULED && dueUs === 0;
}

export class Uploads {
  readonly #options: UploadsOptions;
  readonly #active = new Map<string, Upload>();
  /** Of the times at which jobs have waited long enough. */
  readonly #deadlines: Schedule;

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#deadlines = new Schedule({
      next: (limit) =>
        options.store
          .awaitingFiles(limit)
          .filter(({ uuid }) => !this.#active.has(uuid))
          .map(({ uuid, dueUs }) => ({ uuid, dueUs: dueUs + options.jobsConfig.upload_wait_ms * 1000 })),
      begin: (uuid) => options.runner.refuse(new JobFolder(options.paths, uuid), this.#waitedTooLong()),
    });
  }

  /** From now on jobs wait no longer than they may. */
  open(): void {
    this.#deadlines.open();
  }

  /** Call it when a job has begun to wait. */
  look(): void {
    this.#deadlines.look();
  }

  /** What a job waits for that waits for its files. */
  waitingFor(uuid: string): string {
    const upload = this.#active.get(uuid);
    if (upload === undefined) {
      return FILES_AWAITED;
    }
    const { files, bytes } = upload.receiver?.received ?? { files: 0, bytes: 0 };
    const [done, all] = [bytes, Number(upload.start.bytes)].map((count) => (count / MEGABYTE).toFixed(1));
    return `${FILES_AWAITED}: ${files} of ${upload.start.files} have come, ${done} of ${all} MB`;
  }

  /** @throws JobletError */
  async receive(
    messages: AsyncIterable<UploadFilesRequest>,
    callerUid: number,
    signal: AbortSignal,
  ): Promise<Received> {
    const abort = new AbortController();
    const requests = untilAborted(messages, AbortSignal.any([signal, abort.signal]));
    const first = await requests.next();
    const start = first.done === true ? undefined : first.value.message;
    if (start?.case !== 'start') {
      throw malformed('the first message', 'must say to which job the files belong');
    }
    const uuid = findJob(this.#options.store, start.value.id);
    this.#refuse(uuid, callerUid);
    const upload = { start: start.value, abort, ended: Promise.withResolvers<void>(), receiver: undefined };
    this.#active.set(uuid, upload);
    try {
      const isComplete = await this.#take(uuid, upload, requests);
      return { uuid, isDueNow: isComplete && (await this.#release(uuid)) };
    } finally {
      this.#active.delete(uuid);
      upload.ended.resolve();
      this.#options.changes.announce(uuid);
      this.#deadlines.look();
    }
  }

  /** Breaks an upload off; resolves when nothing of it is under way any more. */
  async end(uuid: string): Promise<void> {
    const upload = this.#active.get(uuid);
    upload?.abort.abort(conflict(uuid, 'waits for no files any more: it was ended'));
    await upload?.ended.promise;
  }

  async close(): Promise<void> {
    this.#deadlines[Symbol.dispose]();
    await Promise.all([...this.#active.keys()].map((uuid) => this.end(uuid)));
  }

  #refuse(uuid: string, callerUid: number): void {
    const job = this.#options.store.get(uuid);
    if (job === undefined) {
      throw noSuchJob(uuid);
    }
    if (job.ownerUid !== callerUid) {
      throw new JobletError('refused', {
        ...detailsOf(uuid),
        reason: 'is the job of another user',
        mend: 'Only who has handed a job over gives it files.',
      });
    }
    if (!isAwaitingFiles(job)) {
      const reason = job.spec.uploads.length === 0 ? 'was handed over without uploads' : 'has its files';
      throw conflict(uuid, hasEnded(job.status) ? `has ended (${JobStatus[job.status]})` : reason);
    }
    if (this.#active.has(uuid)) {
      throw conflict(uuid, 'gets its files from another upload already');
    }
  }

  /** @returns whether all is there. */
  async #take(uuid: string, upload: Upload, requests: AsyncIterable<UploadFilesRequest>): Promise<boolean> {
    const { paths, jobsConfig, changes } = this.#options;
    const folder = new JobFolder(paths, uuid);
    await folder.attachWork();
    await using receiver = await FileReceiver.open({
      uuid,
      work: folder.work,
      jobsDirectory: paths.jobsDirectory,
      owner: jobsConfig,
    });
    upload.receiver = receiver;
    await receiver.refuseWithoutRoom(upload.start.room);
    let toldAt = 0;
    for await (const { message } of requests) {
      switch (message.case) {
        case 'entry':
          await receiver.enter(message.value);
          break;
        case 'data':
          await receiver.write(message.value);
          break;
        case 'complete':
          await receiver.complete();
          return true;
        default:
          throw malformed(message.case ?? 'a message', 'can not stand here');
      }
      if (performance.now() - toldAt > TELL_MS) {
        toldAt = performance.now();
        changes.announce(uuid);
      }
    }
    return false;
  }

  /** @returns whether it starts at once. */
  async #release(uuid: string): Promise<boolean> {
    const { store, commits, runner } = this.#options;
    const nowUs = Date.now() * 1000;
    const dueUs = Math.max(nowUs, Number(store.get(uuid)?.spec.startAtUs ?? 0n));
    let isReleased = false;
    await commits.commit(() => {
      isReleased = store.hasFiles(uuid, dueUs);
    }, 'durable');
    if (!isReleased) {
      throw conflict(uuid, 'waits for no files any more: it was ended');
    }
    runner.schedule();
    return dueUs === nowUs;
  }

  #waitedTooLong(): JobletError {
    const hours = this.#options.jobsConfig.upload_wait_ms / 3_600_000;
    return new JobletError('unavailable', {
      layer: 'upload',
      operation: 'wait',
      object: '/work',
      reason: `its files were not uploaded completely within ${Number(hours.toPrecision(3))} hours`,
      mend: 'Run it again.',
    });
  }
}

/** Leaves with the signal's reason when it is aborted, though no message comes any more. */
async function* untilAborted<T>(messages: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  let giveUp: (reason: unknown) => void = () => {};
  const onAbort = () => giveUp(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal.throwIfAborted();
      // Not Promise.race: one promise for all would keep something of each message.
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        giveUp = reject;
        iterator.next().then(resolve, reject);
      });
      if (next.done === true) {
        return;
      }
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function detailsOf(uuid: string) {
  return { layer: 'upload', operation: 'upload', object: uuid };
}

function conflict(uuid: string, reason: string): JobletError {
  return new JobletError('conflict', { ...detailsOf(uuid), reason, mend: '' });
}

function malformed(object: string, reason: string): JobletError {
  return new JobletError('invalid', { layer: 'upload', operation: 'check', object, reason, mend: '' });
}
