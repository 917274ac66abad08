/** Streams that outlive the helper: when it goes away in the middle, they go on where they were with the next one. */
import { setTimeout as delay } from 'node:timers/promises';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Client as RpcClient } from '@connectrpc/connect';
import { JobletError } from '../../native-helper/api/errors.ts';
import {
  type GetLogsRequestSchema,
  type Job,
  type JobEvent,
  JobEventSchema,
  type JobMetrics,
  type JobService,
  JobStatus,
  type LogChunk,
  type LogPatternSchema,
  LogStream,
} from '../../native-helper/api/gen/joblet_pb.js';
import { isInterruption, isUnanswered } from './errors.ts';
import type { AttachMessage, JobInput } from './job-input.ts';

/** Waits of 0.1, 0.2, 0.4 … 2 s between attempts, about half a minute in all without a helper, then the fault is told. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2000;
const MAX_ATTEMPTS = 18;

const silently = () => {};

type Jobs = RpcClient<typeof JobService>;

export interface FollowOptions {
  readonly id: string;
  /** A byte offset into the log of both streams. */
  readonly offset?: bigint;
  readonly stream?: LogStream;
  /** µs since the epoch. */
  readonly sinceUs?: bigint;
  readonly tailLines?: number;
  /** Only lines that match. */
  readonly pattern?: MessageInitShape<typeof LogPatternSchema>;
  readonly signal: AbortSignal;
  /** Told each time that the helper went away and is asked again, before the wait. */
  readonly onInterruption?: (error: JobletError) => void;
}

/** A job's log from an offset until the job has ended: each byte once, whatever happens to the helper meanwhile. */
export async function* followLogs(jobs: Jobs, options: FollowOptions): AsyncGenerator<LogChunk> {
  const { signal, onInterruption = silently, ...selection } = options;
  const { id, stream = LogStream.UNSPECIFIED, pattern } = selection;
  let request: MessageInitShape<typeof GetLogsRequestSchema> = { ...selection, follow: true };
  yield* resuming(signal, onInterruption, async function* () {
    for await (const chunk of jobs.getLogs(request, { signal })) {
      // Where it begins is known from here on, and must not be looked for again in a log that has grown.
      const offset =
        (chunk.lineOffsets.at(-1) ?? chunk.offset) + BigInt(chunk.lineBytes.at(-1) ?? chunk.data.length);
      request = { id, stream, follow: true, offset, ...(pattern === undefined ? {} : { pattern }) };
      yield chunk;
    }
  });
}

/**
 * Events of jobs. After an interruption the present state of each is told again; and of a job that has ended or was
 * deleted meanwhile, its end.
 *
 * @param ids empty: all jobs that have not ended, and every new one.
 */
export async function* watchJobs(
  jobs: Jobs,
  ids: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<JobEvent> {
  const live = new Map<string, Job>();
  yield* resuming(signal, silently, async function* () {
    const events = jobs.watchJobs({ ids: [...ids] }, { signal })[Symbol.asyncIterator]();
    // Asked for before the missed ends are, so that no end falls in between.
    let next = events.next();
    next.catch(() => {});
    for (const missed of ids.length === 0 ? [...live.values()] : []) {
      yield remember(live, await presentState(jobs, missed, signal));
    }
    for (let event = await next; event.done !== true; event = await next) {
      next = events.next();
      next.catch(() => {});
      yield remember(live, event.value);
    }
  });
}

/**
 * What running jobs use, once a second. CPU times go on over an interruption: the kernel counts them for the job.
 *
 * @param ids empty: all jobs that run, and every new one. Else it ends when all of them have ended.
 */
export async function* watchMetrics(
  jobs: Jobs,
  ids: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<JobMetrics> {
  yield* resuming(signal, silently, () => jobs.watchMetrics({ ids: [...ids] }, { signal }));
}

export interface AttachOptions {
  readonly id: string;
  readonly input: JobInput;
  readonly signal: AbortSignal;
  /** Nobody reads the job's input any more, or it was ended. */
  readonly onClosed: () => void;
}

/**
 * Sends the input of a job until the job has ended, across restarts of the helper.
 *
 * @throws JobletError (conflict) when it has no input or has ended.
 */
export async function attachJob(jobs: Jobs, { id, input, signal, onClosed }: AttachOptions): Promise<void> {
  const attempts = resuming(signal, silently, async function* () {
    const over = new AbortController();
    const attached = Promise.withResolvers<void>();
    async function* requests(): AsyncGenerator<AttachMessage> {
      yield { message: { case: 'start', value: { id } } };
      await attached.promise;
      yield* input.messages(over.signal);
    }
    try {
      for await (const { event } of jobs.attachJob(requests(), { signal })) {
        if (event.case === 'inputClosed') {
          onClosed();
        } else if (event.case !== undefined) {
          input.taken(event.value);
          attached.resolve();
        }
        yield event;
      }
    } finally {
      over.abort();
      attached.resolve();
    }
  });
  for await (const _ of attempts) {
    // What there is to do is done.
  }
}

function remember(live: Map<string, Job>, event: JobEvent): JobEvent {
  const { job, deleted } = event;
  if (job !== undefined && !deleted && job.status < JobStatus.COMPLETED) {
    live.set(job.uuid, job);
  } else if (job !== undefined) {
    live.delete(job.uuid);
  }
  return event;
}

async function presentState(jobs: Jobs, job: Job, signal: AbortSignal): Promise<JobEvent> {
  try {
    return create(JobEventSchema, { job: await jobs.getJob({ id: job.uuid }, { signal }) });
  } catch (error) {
    if (error instanceof JobletError && error.kind === 'not_found') {
      return create(JobEventSchema, { job, deleted: true });
    }
    throw error;
  }
}

/**
 * Runs a stream again when the helper went away. What it yields starts the count of attempts anew; so does a helper that was there for a
 * while, since a stream may have nothing to yield for days, over any number of restarts.
 */
export async function* resuming<T>(
  signal: AbortSignal,
  onInterruption: (error: JobletError) => void,
  attempt: () => AsyncIterable<T>,
): AsyncGenerator<T> {
  let failures = 0;
  for (;;) {
    const began = performance.now();
    try {
      for await (const value of attempt()) {
        failures = 0;
        yield value;
      }
      return;
    } catch (error) {
      if (signal.aborted || !isInterruption(error)) {
        throw error;
      }
      const wasThere = !isUnanswered(error) && performance.now() - began > LONGEST_WAIT_MS;
      failures = wasThere ? 1 : failures + 1;
      if (failures >= MAX_ATTEMPTS) {
        throw error;
      }
      onInterruption(error);
    }
    await delay(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1)), undefined, { signal });
  }
}
