/** The states of a job by the names that scripts know, and what follows from each. */
import { type Job, JobStatus } from '../../../native-helper/api/gen/joblet_pb.js';
import type { OperandKind } from '../cli.ts';

const ENDED: ReadonlySet<JobStatus> = new Set([
  JobStatus.COMPLETED,
  JobStatus.FAILED,
  JobStatus.STOPPED,
  JobStatus.CANCELED,
  JobStatus.TIMEOUT,
  JobStatus.LOST,
]);

/** A state that this version does not know is shown by its number. */
export function statusName(status: JobStatus): string {
  return JobStatus[status] ?? `UNKNOWN (${status})`;
}

/** The names that `job list --status` takes. */
export const statusNames: readonly string[] = Object.values(JobStatus).filter(
  (name): name is string => typeof name === 'string' && name !== JobStatus[JobStatus.UNSPECIFIED],
);

/** The state of that name, in any case, or undefined when there is none. */
export function statusOfName(name: string): JobStatus | undefined {
  const known = statusNames.find((candidate) => candidate === name.toUpperCase());
  return known === undefined ? undefined : JobStatus[known as keyof typeof JobStatus];
}

export function hasEnded(job: Job): boolean {
  return ENDED.has(job.status);
}

/** Whether a command that takes such jobs can take this one. */
export function isOfKind(job: Job, kind: OperandKind): boolean {
  switch (kind) {
    case 'running job':
      return !hasEnded(job);
    case 'scheduled job':
      return job.status === JobStatus.SCHEDULED;
    case 'ended job':
      return hasEnded(job);
    default:
      return true;
  }
}
