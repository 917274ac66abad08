/** The life of a job as data: which states there are for this helper, and which may follow which. */
import { JobStatus } from '../../api/gen/joblet_pb.js';

const {
  SCHEDULED,
  QUEUED,
  INITIALIZING,
  RUNNING,
  PAUSED,
  COMPLETED,
  FAILED,
  STOPPED,
  CANCELED,
  TIMEOUT,
  LOST,
} = JobStatus;

/**
 * - SCHEDULED: durable, and waits for a time: that of its start, or after an attempt that failed, that of the next.
 * - QUEUED: durable, and no monitor was ever made for it; whatever happens to the helper, it may still be started. It waits for a place.
 * - INITIALIZING: handed to a monitor (or about to be); it is started again only if it is sure that its command never ran.
 * - RUNNING: the monitor has let the command go.
 * - PAUSED: frozen by its monitor, timeout and all.
 *
 * The ends can follow INITIALIZING directly: a job may be over before its helper hears of its start.
 */
const SUCCESSORS: ReadonlyMap<JobStatus, readonly JobStatus[]> = new Map([
  [SCHEDULED, [QUEUED, FAILED, STOPPED, CANCELED]],
  [QUEUED, [INITIALIZING, FAILED, STOPPED]],
  [INITIALIZING, [RUNNING, PAUSED, SCHEDULED, COMPLETED, FAILED, STOPPED, TIMEOUT, LOST]],
  [RUNNING, [PAUSED, SCHEDULED, COMPLETED, FAILED, STOPPED, TIMEOUT, LOST]],
  [PAUSED, [RUNNING, SCHEDULED, COMPLETED, FAILED, STOPPED, TIMEOUT, LOST]],
  [COMPLETED, []],
  [FAILED, []],
  [STOPPED, []],
  [CANCELED, []],
  [TIMEOUT, []],
  [LOST, []],
]);

/** The states that a job of this helper can be in. */
export const JOB_STATES: readonly JobStatus[] = [...SUCCESSORS.keys()];

/** The states that a job begins in. */
export const FIRST_STATES: readonly JobStatus[] = [SCHEDULED, QUEUED, INITIALIZING];

/** The states of jobs that have not ended. */
export const LIVE_STATES: readonly JobStatus[] = JOB_STATES.filter((state) => !hasEnded(state));

/** Of jobs that have a monitor, or are about to. */
export const MONITORED_STATES: readonly JobStatus[] = [INITIALIZING, RUNNING, PAUSED];

export const ENDED_STATES: readonly JobStatus[] = JOB_STATES.filter(hasEnded);

export function hasEnded(state: JobStatus): boolean {
  return SUCCESSORS.get(state)?.length === 0;
}

export function hasMonitor(state: JobStatus): boolean {
  return MONITORED_STATES.includes(state);
}

export function mayFollow(state: JobStatus, next: JobStatus): boolean {
  return SUCCESSORS.get(state)?.includes(next) ?? false;
}

/** The states that `next` may follow. */
export function predecessorsOf(next: JobStatus): JobStatus[] {
  return JOB_STATES.filter((state) => mayFollow(state, next));
}
