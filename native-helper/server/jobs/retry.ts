/** Whether a command that has failed is run again, and when. */
import { create } from '@bufbuild/protobuf';
import { type Attempt, AttemptSchema, type JobSpec } from '../../api/gen/joblet_pb.js';
import { MAX_DURATION_MS } from '../../api/job-spec.ts';
import type { JobChange } from '../state/job-store.ts';
import type { ExitRecord } from './exit-record.ts';

/**
 * The command itself failed: by its code, by a signal, for want of memory, for want of time. What was stopped was not to go on, what
 * was refused would be refused again, and a job that is lost may have done its work.
 */
export function hasFailed({ ended_by, exit_code }: ExitRecord): boolean {
  return (ended_by === 'exit' && exit_code !== 0) || ['signal', 'oom', 'timeout'].includes(ended_by);
}

/** @param ended how many attempts have, the present one included. @returns whether there is one more. */
export function mayTryAgain({ retry }: JobSpec, ended: number): boolean {
  return ended <= (retry?.attempts ?? 0);
}

/** @param ended how many attempts have, ≥ 1. @returns milliseconds before the next one. */
export function delayBefore({ retry }: JobSpec, ended: number): number {
  const factor = Math.max(1, retry?.backoff ?? 1) ** (ended - 1);
  return Math.min(Number(retry?.delayMs ?? 0) * factor, Number(MAX_DURATION_MS));
}

/** What is kept of an attempt. */
export function attemptOf(change: JobChange, record: ExitRecord): Attempt {
  return create(AttemptSchema, {
    startedUs: BigInt(record.started_us),
    endedUs: BigInt(record.ended_us),
    status: change.status,
    ...optional({ exitCode: change.exitCode, signal: change.signal }),
    ...(change.failure ? { failure: change.failure } : {}),
    ...(change.usage ? { usage: change.usage } : {}),
    logEnd: BigInt(record.log_bytes),
  });
}

function optional(values: Record<string, number | null | undefined>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}
