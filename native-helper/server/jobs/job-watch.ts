/** The stream of events of one watcher. */
import { create } from '@bufbuild/protobuf';
import { JobletError } from '../../api/errors.ts';
import { type Job, type JobEvent, JobEventSchema, JobSchema } from '../../api/gen/joblet_pb.js';
import { Wakeup } from '../wakeup.ts';
import type { JobChanges } from './job-changes.ts';

/** Jobs that may change while a watcher of all jobs is not looking: 36 bytes each are held of them. */
export const CHANGED_JOBS_MAXIMUM = 16_384;

/** Each is looked up before the first event is sent, and meanwhile nobody else is served. */
export const WATCHED_IDS_MAXIMUM = 1024;

/** @throws JobletError (invalid) */
export function refuseManyIds(ids: readonly string[]): void {
  if (ids.length > WATCHED_IDS_MAXIMUM) {
    throw new JobletError('invalid', {
      layer: 'job',
      operation: 'watch',
      object: 'ids',
      reason: `must be at most ${WATCHED_IDS_MAXIMUM}, are ${ids.length}`,
      mend: 'Watch all jobs instead.',
    });
  }
}

export interface WatchRequest {
  /** Their present state is sent first. */
  readonly uuids: readonly string[];
  /** `these`: ends when all of them are deleted. `all`: the jobs to come too. */
  readonly scope: 'these' | 'all';
  readonly changes: JobChanges;
  /** The job as it is now; undefined when it was deleted. */
  readonly read: (uuid: string) => Job | undefined;
  readonly signal: AbortSignal;
}

/**
 * Holds of each changed job only that it has changed, and reads its state when the watcher asks for it: who is slow
 * gets the latest state of each, never a backlog.
 *
 * @throws JobletError (exhausted) when more jobs have changed meanwhile than can be remembered.
 */
export async function* watchJobs(request: WatchRequest): AsyncGenerator<JobEvent> {
  const { uuids, scope, changes, read, signal } = request;
  const changed = new Set(uuids);
  const gone = new Set<string>();
  const wakeup = new Wakeup();
  using _ = changes.subscribe(scope === 'all' ? 'all' : uuids, (uuid) => {
    // One more than allowed is enough to know of, and the number of named jobs is bounded by itself.
    if (scope === 'these' || changed.size <= CHANGED_JOBS_MAXIMUM) {
      changed.add(uuid);
    }
    wakeup.wake();
  });
  while (!signal.aborted && (scope === 'all' || gone.size < uuids.length)) {
    if (scope === 'all' && changed.size > Math.max(CHANGED_JOBS_MAXIMUM, uuids.length)) {
      throw fellBehind();
    }
    const [uuid] = changed;
    if (uuid === undefined) {
      await wakeup.wait(signal);
      continue;
    }
    changed.delete(uuid);
    const job = read(uuid);
    if (job === undefined) {
      gone.add(uuid);
    }
    yield create(JobEventSchema, { job: job ?? create(JobSchema, { uuid }), deleted: job === undefined });
  }
}

function fellBehind(): JobletError {
  return new JobletError('exhausted', {
    layer: 'job',
    operation: 'watch',
    object: '',
    reason: `more than ${CHANGED_JOBS_MAXIMUM} jobs have changed that were not fetched`,
    mend: 'Watch again, and read the events faster.',
  });
}
