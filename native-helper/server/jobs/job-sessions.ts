/** Who is attached to jobs, and who runs commands in them. */
import { JobletError } from '../../api/errors.ts';
import {
  type AttachJobRequest,
  type AttachJobResponse,
  type ExecJobRequest,
  type ExecJobResponse,
  JobStatus,
} from '../../api/gen/joblet_pb.js';
import type { JobStore, StoredJob } from '../state/job-store.ts';
import { attachJob } from './attach-job.ts';
import { execJob, orderOf } from './exec-job.ts';
import type { JobChanges } from './job-changes.ts';
import { findJob, noSuchJob } from './job-id.ts';
import type { JobRunner } from './job-runner.ts';
import { hasEnded } from './job-state.ts';
import { malformed, Session } from './session.ts';

export interface JobSessionsOptions {
  readonly store: JobStore;
  readonly changes: JobChanges;
  readonly runner: JobRunner;
}

/** Before its monitor has said that the command runs there is nobody to speak to. */
const OPEN: readonly JobStatus[] = [JobStatus.RUNNING, JobStatus.PAUSED];

export class JobSessions {
  readonly #options: JobSessionsOptions;

  constructor(options: JobSessionsOptions) {
    this.#options = options;
  }

  /** @throws JobletError: invalid, not_found, refused, conflict (no input, or it has ended), exhausted or unavailable. */
  async *attach(
    messages: AsyncIterable<AttachJobRequest>,
    callerUid: number,
    signal: AbortSignal,
  ): AsyncGenerator<AttachJobResponse> {
    const { first, rest } = await split(messages);
    if (first?.message.case !== 'start') {
      throw malformed('message', 'the first must be the start');
    }
    const uuid = findJob(this.#options.store, first.message.value.id);
    const { terminal, stdin } = this.#ownedBy(callerUid, uuid).spec;
    if (terminal === undefined && !stdin) {
      throw conflict(uuid, 'has no input', 'Run it with --stdin or --tty.');
    }
    using session = await this.#open(uuid, signal);
    yield* unlessLeft(
      signal,
      attachJob({ uuid, session, hasTerminal: terminal !== undefined, messages: rest }),
    );
  }

  /** @throws JobletError: invalid, not_found, refused, conflict (it is paused, or has ended), exhausted or unavailable. */
  async *exec(
    messages: AsyncIterable<ExecJobRequest>,
    callerUid: number,
    signal: AbortSignal,
  ): AsyncGenerator<ExecJobResponse> {
    const { first, rest } = await split(messages);
    if (first?.message.case !== 'start') {
      throw malformed('message', 'the first must be the start');
    }
    const start = first.message.value;
    const order = orderOf(start);
    const uuid = findJob(this.#options.store, start.id);
    if (this.#ownedBy(callerUid, uuid).status === JobStatus.PAUSED) {
      throw conflict(uuid, 'is PAUSED, and what runs in it with it', `joblet job resume ${uuid.slice(0, 8)}`);
    }
    using session = await this.#open(uuid, signal);
    yield* unlessLeft(
      signal,
      execJob({ uuid, session, hasTerminal: start.terminal !== undefined, order, messages: rest }),
    );
  }

  async #open(uuid: string, signal: AbortSignal): Promise<Session> {
    await this.#untilItRuns(uuid, signal);
    const session = new Session(this.#options.runner.openSession(uuid));
    const leave = () => session[Symbol.dispose]();
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) {
      leave();
    }
    return session;
  }

  async #untilItRuns(uuid: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      const status = this.#options.store.statusOf(uuid);
      if (status === undefined) {
        reject(noSuchJob(uuid));
      } else if (hasEnded(status)) {
        reject(conflict(uuid, `is ${JobStatus[status]}`, ''));
      } else if (OPEN.includes(status) && this.#options.runner.hasGreeted(uuid)) {
        resolve();
      }
    };
    const leave = () => reject(signal.reason);
    using _ = this.#options.changes.subscribe([uuid], look);
    signal.addEventListener('abort', leave, { once: true });
    try {
      look();
      await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** Whoever runs commands in a job, or types into it, has its secrets, and in the folders that its owner has mounted the owner's rights. */
  #ownedBy(callerUid: number, uuid: string): StoredJob {
    const job = this.#options.store.get(uuid);
    if (job === undefined) {
      throw noSuchJob(uuid);
    }
    if (callerUid !== 0 && callerUid !== job.ownerUid) {
      throw new JobletError('refused', {
        ...detailsOf(uuid),
        reason: 'is the job of another user',
        mend: 'Only its owner and root run commands in a job, or give it input.',
      });
    }
    return job;
  }
}

function conflict(uuid: string, reason: string, mend: string): JobletError {
  return new JobletError('conflict', { ...detailsOf(uuid), reason, mend });
}

function detailsOf(uuid: string) {
  return { layer: 'job', operation: 'open session', object: uuid };
}

/** To a caller that has left, its session looks like one that was not taken. */
async function* unlessLeft<Event>(signal: AbortSignal, events: AsyncIterable<Event>): AsyncGenerator<Event> {
  try {
    yield* events;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** The first message, and those after it, which are read only when they are asked for. */
async function split<T>(
  messages: AsyncIterable<T>,
): Promise<{ first: T | undefined; rest: AsyncIterable<T> }> {
  const iterator = messages[Symbol.asyncIterator]();
  const { value, done } = await iterator.next();
  return { first: done === true ? undefined : value, rest: { [Symbol.asyncIterator]: () => iterator } };
}
