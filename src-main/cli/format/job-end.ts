/** How a job ended, told in one line (and in JSON) by the commands that await it. */
import { describeFailure } from '../../../native-helper/api/errors.ts';
import type { Job } from '../../../native-helper/api/gen/joblet_pb.js';
import { statusName } from './status.ts';

export function jobEndText(job: Job): string {
  return `Job ended:\nID: ${job.uuid}\nStatus: ${statusName(job.status)}\nExit Code: ${job.exitCode ?? 'unknown'}\n`;
}

export function jobEndJson(job: Job): Readonly<Record<string, unknown>> {
  return {
    job_uuid: job.uuid,
    status: statusName(job.status),
    exit_code: job.exitCode ?? null,
    failure: failureJson(job),
  };
}

/** Why the job ended as it did; undefined when it ended by itself. */
export function failureText(job: Job): string | undefined {
  if (job.failure === undefined) {
    return undefined;
  }
  const { layer, operation, object, cause, mend } = job.failure;
  return describeFailure({ layer, operation, object, reason: cause, mend });
}

export function failureJson({ failure }: Job): Readonly<Record<string, string>> | undefined {
  return failure === undefined
    ? undefined
    : {
        layer: failure.layer,
        operation: failure.operation,
        object: failure.object,
        cause: failure.cause,
        mend: failure.mend,
      };
}
